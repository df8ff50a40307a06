// SPDX-License-Identifier: Apache-2.0

/// An SVG picture under construction.
///
/// Looks are given by attributes, never by a style sheet: the rules of an inlined picture would
/// leak into the page around it.
struct SVGDocument {
  enum Anchor: String {
    case start, middle, end
  }

  struct Point {
    var x: Double
    var y: Double
  }

  let width: Double
  let height: Double
  private var elements: [String] = []

  init(width: Double, height: Double) {
    self.width = width
    self.height = height
  }

  mutating func line(
    from start: Point, to end: Point, color: String, width: Double = 1, dash: String? = nil,
    opacity: Double = 1
  ) {
    let position = attributes([("x1", start.x), ("y1", start.y), ("x2", end.x), ("y2", end.y)])
    let stroke = stroke(color, width: width, dash: dash, opacity: opacity)
    elements.append("<line \(position) \(stroke)/>")
  }

  mutating func polyline(
    _ points: [Point], color: String, width: Double, dash: String? = nil
  ) {
    let list = points.map { Self.number($0.x) + "," + Self.number($0.y) }.joined(separator: " ")
    let stroke = stroke(color, width: width, dash: dash, opacity: 1)
    elements.append(
      "<polyline points=\"\(list)\" fill=\"none\" stroke-linejoin=\"round\" "
        + "stroke-linecap=\"round\" \(stroke)/>")
  }

  mutating func polygon(_ points: [Point], fill: String, stroke: String, width: Double) {
    let list = points.map { Self.number($0.x) + "," + Self.number($0.y) }.joined(separator: " ")
    elements.append(
      "<polygon points=\"\(list)\" fill=\"\(fill)\" stroke=\"\(stroke)\" "
        + "stroke-width=\"\(Self.number(width))\" stroke-linejoin=\"round\"/>")
  }

  mutating func circle(_ center: Point, radius: Double, fill: String, stroke: String, width: Double)
  {
    let position = attributes([("cx", center.x), ("cy", center.y), ("r", radius)])
    elements.append(
      "<circle \(position) fill=\"\(fill)\" stroke=\"\(stroke)\" "
        + "stroke-width=\"\(Self.number(width))\"/>")
  }

  mutating func rectangle(
    x: Double, y: Double, width: Double, height: Double, fill: String, radius: Double = 0,
    stroke: String? = nil
  ) {
    var text = attributes([("x", x), ("y", y), ("width", width), ("height", height)])
    if radius > 0 { text += " rx=\"\(Self.number(radius))\"" }
    text += " fill=\"\(fill)\""
    if let stroke { text += " stroke=\"\(stroke)\"" }
    elements.append("<rect \(text)/>")
  }

  mutating func text(
    _ text: String, at point: Point, size: Double, color: String, anchor: Anchor = .start,
    isBold: Bool = false
  ) {
    guard !text.isEmpty else { return }
    var extra = ""
    if anchor != .start { extra += " text-anchor=\"\(anchor.rawValue)\"" }
    if isBold { extra += " font-weight=\"600\"" }
    let position = attributes([("x", point.x), ("y", point.y), ("font-size", size)])
    elements.append("<text \(position) fill=\"\(color)\"\(extra)>\(Self.escaped(text))</text>")
  }

  /// Opens a window: what is drawn until `closeWindow` is cut off at its borders.
  ///
  /// A nested picture clips like a clip path but needs no name, which could clash in a page.
  mutating func openWindow(x: Double, y: Double, width: Double, height: Double) {
    let place = attributes([("x", x), ("y", y), ("width", width), ("height", height)])
    let box = [x, y, width, height].map(Self.number).joined(separator: " ")
    elements.append("<svg \(place) viewBox=\"\(box)\">")
  }

  mutating func closeWindow() {
    elements.append("</svg>")
  }

  /// The finished picture; `title` is what a screen reader says.
  func rendered(title: String) -> String {
    let size = attributes([("width", width), ("height", height)])
    let box = "0 0 \(Self.number(width)) \(Self.number(height))"
    let font = "system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, 'DejaVu Sans', sans-serif"
    let head =
      "<svg xmlns=\"http://www.w3.org/2000/svg\" \(size) viewBox=\"\(box)\" role=\"img\" "
      + "font-family=\"\(font)\">"
    let lines = [head, "<title>\(Self.escaped(title))</title>"] + elements + ["</svg>", ""]
    return lines.joined(separator: "\n")
  }

  /// Roughly how wide the text is: fonts differ, layouts leave slack.
  static func width(of text: String, size: Double) -> Double {
    Double(text.count) * size * 0.58
  }

  /// A coordinate with at most two decimals.
  static func number(_ value: Double) -> String {
    let text = Format.trimmed(Format.fixed(value, decimals: 2))
    return text == "-0" ? "0" : text
  }

  static func escaped(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      // XML has no way to write control characters.
      case _ where scalar.value < 0x20 || scalar.value == 0x7F: result += " "
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  private func attributes(_ pairs: [(String, Double)]) -> String {
    pairs.map { "\($0)=\"\(Self.number($1))\"" }.joined(separator: " ")
  }

  private func stroke(_ color: String, width: Double, dash: String?, opacity: Double) -> String {
    var text = "stroke=\"\(color)\" stroke-width=\"\(Self.number(width))\""
    if let dash { text += " stroke-dasharray=\"\(dash)\"" }
    if opacity < 1 { text += " stroke-opacity=\"\(Self.number(opacity))\"" }
    return text
  }
}
