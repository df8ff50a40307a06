// SPDX-License-Identifier: Apache-2.0

extension BarChart {
  /// The picture: equal charts give equal bytes.
  ///
  /// - Complexity: O(bars).
  public var svg: String {
    let ends = series.flatMap(\.intervals).compactMap(\.self)
      .flatMap { [$0.lowerBound, $0.upperBound] }
    let values = series.flatMap(\.values).compactMap(\.self) + ends
    let scale = ChartScale(y, values: values, includesZero: true)
    let hasLegend = series.count > 1
    let frame = ChartFrame(
      hasSubtitle: !subtitle.isEmpty, headroom: hasLegend ? 24 : 0,
      tickLabels: scale.ticks.map(\.label), rightMargin: 28,
      bottomMargin: 42 + Self.lineHeight * Double(mostLines - 1))

    var svg = SVGDocument(width: ChartFrame.width, height: ChartFrame.height)
    frame.drawCard(title: title, subtitle: subtitle, yTitle: y.title, in: &svg)
    if hasLegend { drawLegend(y: frame.top - 48, in: &svg) }
    frame.drawVerticalScale(scale, in: &svg)
    for group in groups.indices { draw(group, scale, frame, in: &svg) }
    frame.drawBaseline(at: min(max(base(scale), 0), 1), in: &svg)
    return svg.rendered(title: title)
  }

  private static let lineHeight = 15.0

  private func lines(ofGroup group: Int) -> [Substring] {
    groups[group].split(separator: "\n", omittingEmptySubsequences: false)
  }

  private var mostLines: Int { groups.indices.map { lines(ofGroup: $0).count }.max() ?? 1 }

  /// Where bars begin: at zero, or at the lower end of a logarithmic axis.
  private func base(_ scale: ChartScale) -> Double {
    y.scale == .linear ? scale.position(0) : 0
  }

  private func draw(
    _ group: Int, _ scale: ChartScale, _ frame: ChartFrame, in svg: inout SVGDocument
  ) {
    let slot = (frame.right - frame.left) / Double(groups.count)
    let left = frame.left + slot * Double(group)
    let width = min(slot * 0.76 / Double(max(series.count, 1)), 64)
    let start = left + (slot - width * Double(series.count)) / 2
    let ground = frame.y(min(max(base(scale), 0), 1))
    for (index, line) in series.enumerated() {
      guard let value = line.values[group], y.accepts(value) else { continue }
      let x = start + width * Double(index)
      let end = frame.y(min(max(scale.position(value), 0), 1))
      svg.rectangle(
        x: x + 1, y: min(end, ground), width: max(width - 2, 1), height: abs(ground - end),
        fill: ChartStyle.color(index))
      let middle = x + width / 2
      var top = min(end, ground)
      if !line.intervals.isEmpty, let interval = line.intervals[group] {
        top = min(top, drawWhisker(interval, x: middle, scale, frame, in: &svg))
      }
      if let valueLabel {
        svg.text(
          valueLabel(value), at: .init(x: middle, y: top - 5), size: 10.5,
          color: ChartStyle.text, anchor: .middle)
      }
    }
    for (number, line) in lines(ofGroup: group).enumerated() {
      svg.text(
        String(line),
        at: .init(x: left + slot / 2, y: frame.bottom + 19 + Self.lineHeight * Double(number)),
        size: 12, color: ChartStyle.text, anchor: .middle)
    }
  }

  /// Draws an error bar and returns the coordinate of its upper end.
  private func drawWhisker(
    _ interval: ClosedRange<Double>, x: Double, _ scale: ChartScale, _ frame: ChartFrame,
    in svg: inout SVGDocument
  ) -> Double {
    let ends = [interval.lowerBound, interval.upperBound].map { value in
      y.accepts(value) ? frame.y(min(max(scale.position(value), 0), 1)) : frame.bottom
    }
    svg.line(from: .init(x: x, y: ends[0]), to: .init(x: x, y: ends[1]), color: ChartStyle.text)
    for end in ends {
      svg.line(
        from: .init(x: x - 3.5, y: end), to: .init(x: x + 3.5, y: end), color: ChartStyle.text)
    }
    return ends[1]
  }

  private func drawLegend(y: Double, in svg: inout SVGDocument) {
    var x = 24.0
    for (index, line) in series.enumerated() {
      svg.rectangle(x: x, y: y - 9, width: 11, height: 11, fill: ChartStyle.color(index), radius: 2)
      svg.text(line.label, at: .init(x: x + 17, y: y + 1), size: 12, color: ChartStyle.text)
      x += 17 + SVGDocument.width(of: line.label, size: 12) + 22
    }
  }
}
