// SPDX-License-Identifier: Apache-2.0

/// The card, the titles and the plot area of a chart, and the map from positions to coordinates.
struct ChartFrame {
  static let width = 760.0
  static let height = 440.0

  let left: Double
  let right: Double
  let top: Double
  let bottom: Double

  /// - Parameters:
  ///   - hasSubtitle: Whether a second title line needs room.
  ///   - headroom: Room for a legend under the titles.
  ///   - tickLabels: The labels at the left of the plot area.
  ///   - rightMargin: Room at the right of the plot area.
  ///   - bottomMargin: Room under the plot area.
  init(
    hasSubtitle: Bool, headroom: Double, tickLabels: [String], rightMargin: Double,
    bottomMargin: Double
  ) {
    let widest = tickLabels.map { SVGDocument.width(of: $0, size: 11.5) }.max() ?? 0
    left = 24 + max(24, widest) + 8
    right = Self.width - rightMargin
    top = (hasSubtitle ? 98 : 78) + headroom
    bottom = Self.height - bottomMargin
  }

  func x(_ position: Double) -> Double { left + position * (right - left) }

  func y(_ position: Double) -> Double { bottom - position * (bottom - top) }

  /// Whether the point lies in the plot area, a hair of rounding allowed.
  func contains(_ point: SVGDocument.Point) -> Bool {
    point.x > left - 0.01 && point.x < right + 0.01 && point.y > top - 0.01
      && point.y < bottom + 0.01
  }

  /// The nearest point of the plot area.
  func clamped(_ point: SVGDocument.Point) -> SVGDocument.Point {
    .init(x: min(max(point.x, left), right), y: min(max(point.y, top), bottom))
  }

  /// Draws the card and the titles; the y title stands level above its axis, where it can be read.
  func drawCard(title: String, subtitle: String, yTitle: String, in svg: inout SVGDocument) {
    svg.rectangle(
      x: 0.5, y: 0.5, width: Self.width - 1, height: Self.height - 1, fill: ChartStyle.background,
      radius: 8, stroke: ChartStyle.border)
    svg.text(
      title, at: .init(x: 24, y: 33), size: 16, color: ChartStyle.text, isBold: true)
    svg.text(subtitle, at: .init(x: 24, y: 53), size: 12, color: ChartStyle.mutedText)
    svg.text(yTitle, at: .init(x: 24, y: top - 19), size: 12, color: ChartStyle.mutedText)
  }

  /// Draws the grid lines and labels of the vertical scale.
  func drawVerticalScale(_ scale: ChartScale, in svg: inout SVGDocument) {
    for value in scale.minorTicks { drawLevel(scale.position(value), ChartStyle.minorGrid, &svg) }
    for tick in scale.ticks {
      let position = scale.position(tick.value)
      drawLevel(position, ChartStyle.grid, &svg)
      svg.text(
        tick.label, at: .init(x: left - 8, y: y(position) + 4), size: 11.5,
        color: ChartStyle.mutedText, anchor: .end)
    }
  }

  /// Draws the grid lines, labels and title of the horizontal scale.
  func drawHorizontalScale(_ scale: ChartScale, in svg: inout SVGDocument) {
    for value in scale.minorTicks { drawColumn(scale.position(value), ChartStyle.minorGrid, &svg) }
    for tick in scale.ticks {
      let position = scale.position(tick.value)
      drawColumn(position, ChartStyle.grid, &svg)
      svg.text(
        tick.label, at: .init(x: x(position), y: bottom + 18), size: 11.5,
        color: ChartStyle.mutedText, anchor: .middle)
    }
    drawBaseline(in: &svg)
    svg.text(
      scale.axis.title, at: .init(x: (left + right) / 2, y: bottom + 41), size: 12,
      color: ChartStyle.mutedText, anchor: .middle)
  }

  func drawBaseline(at position: Double = 0, in svg: inout SVGDocument) {
    drawLevel(position, ChartStyle.axis, &svg)
  }

  private func drawLevel(_ position: Double, _ color: String, _ svg: inout SVGDocument) {
    let height = y(position)
    svg.line(from: .init(x: left, y: height), to: .init(x: right, y: height), color: color)
  }

  private func drawColumn(_ position: Double, _ color: String, _ svg: inout SVGDocument) {
    let place = x(position)
    svg.line(from: .init(x: place, y: top), to: .init(x: place, y: bottom), color: color)
  }
}
