// SPDX-License-Identifier: Apache-2.0

/// A number that JSON cannot express.
public struct JSONError: Error, Equatable, CustomStringConvertible {
  /// Where the number stands, keys and positions joined by dots; empty for the root.
  public let path: String
  /// The number: NaN or an infinity, as text.
  public let value: String

  /// A sentence for people.
  public var description: String {
    "\(path.isEmpty ? "the value" : path) is \(value): JSON has finite numbers only"
  }
}

extension JSONValue {
  /// The JSON text, indented by two spaces, with a line feed at the end.
  ///
  /// Equal values give equal bytes. Lists without objects or lists inside stay on one line while
  /// they fit into 100 columns.
  /// - Throws: `JSONError` for a number that is not finite.
  /// - Complexity: O(length of the text).
  public func text() throws(JSONError) -> String {
    var output = ""
    try write(to: &output, indent: "", column: 0, path: "")
    return output + "\n"
  }

  private func write(
    to output: inout String, indent: String, column: Int, path: String
  ) throws(JSONError) {
    switch self {
    case .array(let elements) where !elements.isEmpty:
      if let line = try oneLine(elements, path: path), column + line.count <= 100 {
        output += line
        return
      }
      output += "["
      for (index, element) in elements.enumerated() {
        output += (index == 0 ? "\n" : ",\n") + indent + "  "
        try element.write(
          to: &output, indent: indent + "  ", column: indent.count + 2,
          path: Self.join(path, String(index)))
      }
      output += "\n" + indent + "]"
    case .object(let object) where !object.members.isEmpty:
      output += "{"
      for (index, member) in object.members.enumerated() {
        let key = indent + "  " + Self.quoted(member.key) + ": "
        output += (index == 0 ? "\n" : ",\n") + key
        try member.value.write(
          to: &output, indent: indent + "  ", column: key.count,
          path: Self.join(path, member.key))
      }
      output += "\n" + indent + "}"
    default:
      output += try scalar(path: path) ?? ""
    }
  }

  /// The list on one line; `nil` if an element is itself a filled list or object.
  private func oneLine(_ elements: [JSONValue], path: String) throws(JSONError) -> String? {
    var texts: [String] = []
    for (index, element) in elements.enumerated() {
      guard let text = try element.scalar(path: Self.join(path, String(index))) else { return nil }
      texts.append(text)
    }
    return "[" + texts.joined(separator: ", ") + "]"
  }

  /// The text of a value without elements; `nil` for a filled list or object.
  private func scalar(path: String) throws(JSONError) -> String? {
    switch self {
    case .null: return "null"
    case .bool(let value): return value ? "true" : "false"
    case .integer(let value): return String(value)
    case .number(let value):
      guard value.isFinite else { throw JSONError(path: path, value: "\(value)") }
      return value.description
    case .string(let value): return Self.quoted(value)
    case .array(let elements): return elements.isEmpty ? "[]" : nil
    case .object(let object): return object.members.isEmpty ? "{}" : nil
    }
  }

  private static func join(_ path: String, _ key: String) -> String {
    path.isEmpty ? key : path + "." + key
  }

  private static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\r": result += "\\r"
      case "\t": result += "\\t"
      case _ where scalar.value < 0x20 || scalar.value == 0x7F:
        let digits = String(scalar.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}

extension JSONObject {
  /// The JSON text, indented by two spaces, with a line feed at the end.
  ///
  /// - Throws: `JSONError` for a number that is not finite.
  /// - Complexity: O(length of the text).
  public func text() throws(JSONError) -> String {
    try JSONValue.object(self).text()
  }
}
