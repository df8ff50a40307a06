// SPDX-License-Identifier: Apache-2.0

/// A table in GitHub's markdown, with its columns lined up so that it also reads well on a
/// terminal.
///
/// ```swift
/// var table = TextTable("lookup", "m", "time")
/// table.append("brute force", "1,048,576", "28.1 ms")
/// table.append("product grid", "1,048,576", "350 µs")
/// print(table)
/// // | lookup       |         m |    time |
/// // |:-------------|----------:|--------:|
/// // | brute force  | 1,048,576 | 28.1 ms |
/// // | product grid | 1,048,576 |  350 µs |
/// ```
public struct TextTable: Sendable, CustomStringConvertible {
  /// Where the cells of a column stand.
  public enum Alignment: Sendable {
    /// Right if every filled cell starts with a number, otherwise left.
    case automatic
    /// Flush left.
    case left
    /// Flush right.
    case right
  }

  /// The titles of the columns.
  public let columns: [String]
  /// The cells, row by row; every row has `columns.count` cells.
  public private(set) var rows: [[String]] = []
  /// The alignment of every column.
  public var alignments: [Alignment]

  /// Creates a table without rows.
  public init(columns: [String]) {
    self.columns = columns.map(Self.escaped)
    alignments = Array(repeating: .automatic, count: columns.count)
  }

  /// Creates a table without rows.
  public init(_ columns: String...) {
    self.init(columns: columns)
  }

  /// Adds a row at the end.
  ///
  /// A `|` is escaped and a line break becomes a space, so every text is a valid cell.
  /// - Parameter cells: One text for every column.
  public mutating func append(row cells: [String]) {
    precondition(
      cells.count == columns.count,
      "the row has \(cells.count) cells, the table has \(columns.count) columns")
    rows.append(cells.map(Self.escaped))
  }

  /// Adds a row at the end.
  public mutating func append(_ cells: String...) {
    append(row: cells)
  }

  /// The markdown text, every line ended by a line feed but the last.
  ///
  /// - Complexity: O(total length of the cells).
  public var description: String {
    guard !columns.isEmpty else { return "" }
    let rightward = columns.indices.map(isRightAligned)
    let widths = columns.indices.map { column in
      rows.reduce(max(columns[column].count, 3)) { max($0, $1[column].count) }
    }
    func line(_ cells: [String]) -> String {
      let padded = cells.indices.map { column in
        let space = String(repeating: " ", count: widths[column] - cells[column].count)
        return rightward[column] ? space + cells[column] : cells[column] + space
      }
      return "| " + padded.joined(separator: " | ") + " |"
    }
    let rule = columns.indices.map { column in
      let dashes = String(repeating: "-", count: widths[column] + 1)
      return rightward[column] ? dashes + ":" : ":" + dashes
    }
    let head = [line(columns), "|" + rule.joined(separator: "|") + "|"]
    return (head + rows.map(line)).joined(separator: "\n")
  }

  private func isRightAligned(_ column: Int) -> Bool {
    switch alignments[column] {
    case .left: return false
    case .right: return true
    case .automatic:
      let filled = rows.map { $0[column] }.filter { !$0.isEmpty && $0 != "-" && $0 != "–" }
      return !filled.isEmpty && filled.allSatisfy(Self.startsWithNumber)
    }
  }

  private static func startsWithNumber(_ cell: String) -> Bool {
    let unsigned = cell.drop { "+-−±<>~≈$".contains($0) }
    guard let first = unsigned.first(where: { $0 != "." && $0 != " " }) else { return false }
    return first.isASCII && first.isNumber || ["nan", "inf"].contains(unsigned)
  }

  private static func escaped(_ cell: String) -> String {
    var result = ""
    for character in cell {
      if character == "|" {
        result += "\\|"
      } else if character.isNewline {
        result += " "
      } else {
        result.append(character)
      }
    }
    return result
  }
}
