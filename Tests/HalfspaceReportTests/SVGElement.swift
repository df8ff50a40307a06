// SPDX-License-Identifier: Apache-2.0

/// An element of a parsed picture. The parser knows the part of XML that needs no library:
/// elements, attributes, text and entities; everything else is an error.
struct SVGElement {
  struct ParseError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
  }

  let name: String
  let attributes: [String: String]
  var text = ""

  func number(_ attribute: String) throws -> Double {
    guard let value = attributes[attribute].flatMap(Double.init) else {
      throw ParseError("no number \(attribute) in \(name)")
    }
    return value
  }

  /// All elements of the picture in document order.
  static func parse(_ svg: String) throws -> [SVGElement] {
    var elements: [SVGElement] = []
    var open: [Int] = []
    var rest = svg[...]
    while let start = rest.firstIndex(of: "<") {
      let text = try decoded(rest[..<start])
      if let current = open.last {
        elements[current].text += text
      } else if !isBlank(text) {
        throw ParseError("text outside the root: \(text)")
      }
      guard let end = rest[start...].firstIndex(of: ">") else {
        throw ParseError("a tag is not closed")
      }
      let tag = rest[rest.index(after: start)..<end]
      rest = rest[rest.index(after: end)...]
      if tag.first == "/" {
        guard let opened = open.popLast(), elements[opened].name == tag.dropFirst() else {
          throw ParseError("\(tag) closes nothing")
        }
      } else {
        if !elements.isEmpty && open.isEmpty { throw ParseError("a second root") }
        elements.append(try element(tag.last == "/" ? tag.dropLast() : tag))
        if tag.last != "/" { open.append(elements.count - 1) }
      }
    }
    if !open.isEmpty || !isBlank(rest) { throw ParseError("elements are left open") }
    return elements
  }

  private static func element(_ tag: Substring) throws -> SVGElement {
    guard let head = tag.prefixMatch(of: /[a-z]+/) else { throw ParseError("no name in <\(tag)>") }
    var attributes: [String: String] = [:]
    var rest = tag[head.range.upperBound...]
    while !rest.isEmpty {
      guard let match = rest.prefixMatch(of: /\s+([a-zA-Z0-9-]+)="([^"<]*)"/),
        attributes.updateValue(try decoded(match.output.2), forKey: String(match.output.1)) == nil
      else { throw ParseError("not a new attribute: \(rest)") }
      rest = rest[match.range.upperBound...]
    }
    return SVGElement(name: String(head.output), attributes: attributes)
  }

  private static func decoded(_ text: Substring) throws -> String {
    let entities = ["amp": "&", "lt": "<", "gt": ">", "quot": "\""]
    let pieces = text.split(separator: "&", omittingEmptySubsequences: false)
    return try pieces.dropFirst().reduce(String(pieces[0])) { result, piece in
      let parts = piece.split(separator: ";", maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 2, let character = entities[String(parts[0])] else {
        throw ParseError("a bare & in \(text)")
      }
      return result + character + parts[1]
    }
  }

  private static func isBlank(_ text: some StringProtocol) -> Bool {
    text.allSatisfy(\.isWhitespace)
  }
}
