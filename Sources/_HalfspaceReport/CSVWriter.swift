// SPDX-License-Identifier: Apache-2.0

/// Rows of comma-separated values, quoted as RFC 4180 says; lines end with a line feed.
///
/// ```swift
/// var csv = CSVWriter(columns: ["lookup", "m", "seconds"])
/// csv.append(["product grid", 1_048_576, 3.5e-4])
/// print(csv.text)
/// // lookup,m,seconds
/// // product grid,1048576,0.00035
/// ```
public struct CSVWriter: Sendable {
  /// The number of columns.
  public let columnCount: Int
  /// The text so far: the header and every appended row that has not been taken.
  public private(set) var text = ""

  /// Creates a text with its header line.
  public init(columns: [String]) {
    precondition(!columns.isEmpty, "a CSV text needs at least one column")
    columnCount = columns.count
    write(columns)
  }

  /// Adds a row.
  ///
  /// Floating-point numbers are printed with the fewest digits that read back as the same bits.
  /// - Parameter fields: One value for every column; an empty text for a missing one.
  /// - Complexity: O(length of the row).
  public mutating func append(_ fields: [any CustomStringConvertible]) {
    precondition(
      fields.count == columnCount,
      "the row has \(fields.count) fields, the header has \(columnCount)")
    write(fields.map(\.description))
  }

  /// The text since the last call, or since the beginning, which is then forgotten: so a table of any
  /// length can be written piece by piece.
  public mutating func takeText() -> String {
    defer { text = "" }
    return text
  }

  private mutating func write(_ fields: [String]) {
    // A lone empty field must be quoted: an empty line is not a row.
    let line = fields == [""] ? "\"\"" : fields.map(Self.quoted).joined(separator: ",")
    text += line + "\n"
  }

  private static func quoted(_ field: String) -> String {
    let isPlain = field.utf8.allSatisfy { byte in
      byte != UInt8(ascii: ",") && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\n")
        && byte != UInt8(ascii: "\r")
    }
    if isPlain { return field }
    var result = "\""
    for scalar in field.unicodeScalars {
      if scalar == "\"" { result += "\"" }
      result.unicodeScalars.append(scalar)
    }
    return result + "\""
  }
}
