// SPDX-License-Identifier: Apache-2.0

/// The colors and marks that all charts share.
///
/// A chart is a white card with a border: dark text on it has the same contrast on a bright page
/// and on a dark one. Series differ by color and by mark, so that they are told apart without
/// color; every color has a contrast of at least 4.5 to 1 on white and serves for text.
enum ChartStyle {
  static let background = "#ffffff"
  static let border = "#d0d7de"
  static let text = "#1f2328"
  static let mutedText = "#59636e"
  static let axis = "#8c959f"
  static let grid = "#e4e8ec"
  static let minorGrid = "#f3f5f7"
  static let reference = "#6e7781"
  static let dash = "6 4"

  private static let colors = [
    "#0b62c4", "#c2410c", "#0b7a55", "#8b3fb0", "#946200", "#be2f6b", "#0e7490", "#475569",
  ]

  static func color(_ index: Int) -> String { colors[index % colors.count] }

  /// Draws the mark of a series: circle, square, triangle, diamond, flipped triangle, ring.
  static func mark(
    _ index: Int, at center: SVGDocument.Point, radius: Double = 3.6, in svg: inout SVGDocument
  ) {
    let color = color(index)
    // A white rim keeps marks apart where they touch.
    let outline = background
    func shape(_ offsets: [(Double, Double)]) {
      let points = offsets.map {
        SVGDocument.Point(x: center.x + $0 * radius, y: center.y + $1 * radius)
      }
      svg.polygon(points, fill: color, stroke: outline, width: 1)
    }
    switch index % 6 {
    case 0: svg.circle(center, radius: radius, fill: color, stroke: outline, width: 1)
    case 1: shape([(-0.95, -0.95), (0.95, -0.95), (0.95, 0.95), (-0.95, 0.95)])
    case 2: shape([(0, -1.3), (1.2, 0.9), (-1.2, 0.9)])
    case 3: shape([(0, -1.35), (1.35, 0), (0, 1.35), (-1.35, 0)])
    case 4: shape([(0, 1.3), (1.2, -0.9), (-1.2, -0.9)])
    default: svg.circle(center, radius: radius - 0.6, fill: background, stroke: color, width: 1.8)
    }
  }
}
