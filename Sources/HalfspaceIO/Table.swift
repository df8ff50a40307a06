// SPDX-License-Identifier: Apache-2.0

/// A table in memory: named columns of numbers or texts, all of the same length.
///
/// ```swift
/// let table = try Table(contentsOf: "letter.csv")
/// table.rowCount                       // 20000
/// table.columnNames                    // ["Letter", "1", "2", ...]
/// table["Letter"]?.text(0)             // "T"
/// ```
///
/// Columns keep the order of the file. Every row remembers the line it came from, so that what is found
/// wrong with a cell later can still be named by line and column. Copies share their storage.
public struct Table: Sendable {
  /// Where the rows come from: the path of the file, or a name given by the caller.
  public let name: String
  /// Whether the column names were given. Without, they are column1, column2, ...
  public let hasHeader: Bool
  /// The columns, in file order.
  public let columns: [TableColumn]
  /// Number of rows.
  public let rowCount: Int
  /// The line that each row begins on.
  private let lines: [UInt32]
  private let positions: [String: Int]

  /// A table of `columns`, which must have equal lengths and different names. The row's number,
  /// from 1, takes the place of its line.
  public init(name: String, columns: [TableColumn]) {
    let rowCount = columns.first?.count ?? 0
    self.init(
      name: name, hasHeader: true, columns: columns, lines: (0..<rowCount).map { UInt32($0 + 1) })
  }

  /// Reads the table in the file at `path`. See `CSVReader`.
  public init(
    contentsOf path: String, options: CSVReader.Options = CSVReader.Options()
  ) throws(TableError) {
    self = try CSVReader(options: options).read(contentsOf: path)
  }

  /// Reads the table in `csv`; `name` takes the place of the path in errors. See `CSVReader`.
  public init(
    csv: String, name: String, options: CSVReader.Options = CSVReader.Options()
  ) throws(TableError) {
    self = try CSVReader(options: options).read(Array(csv.utf8), name: name)
  }

  init(name: String, hasHeader: Bool, columns: [TableColumn], lines: [UInt32]) {
    for column in columns {
      precondition(
        column.count == lines.count,
        "column \"\(column.name)\" has \(column.count) cells, the table has \(lines.count) rows")
    }
    positions = Dictionary(zip(columns.map(\.name), columns.indices)) { _, _ in
      preconditionFailure("two columns have the same name")
    }
    self.name = name
    self.hasHeader = hasHeader
    self.columns = columns
    self.rowCount = lines.count
    self.lines = lines
  }

  /// The names of the columns, in file order.
  public var columnNames: [String] { columns.map(\.name) }

  /// The column called `name`, or nil. O(1).
  public subscript(name: String) -> TableColumn? { positions[name].map { columns[$0] } }

  /// The position of the column called `name`, or nil. O(1).
  public func position(of name: String) -> Int? { positions[name] }

  /// The column called `name`. O(1).
  ///
  /// - Throws: `TableError` that names the columns there are.
  public func column(_ name: String) throws(TableError) -> TableColumn {
    guard let column = self[name] else { throw unknownColumn(name) }
    return column
  }

  /// The line of the file that `row` begins on, from 1. O(1).
  public func line(ofRow row: Int) -> Int { Int(lines[row]) }

  /// The table of the given rows, in the given order; traps on rows out of range.
  /// O(rows * columns).
  public func selecting(rows: some Collection<Int>) -> Table {
    Table(
      name: name, hasHeader: hasHeader, columns: columns.map { $0.selecting(rows: rows) },
      lines: rows.map { lines[$0] })
  }

  /// The table without the given columns. O(columns).
  ///
  /// - Throws: `TableError` when there is no such column.
  public func dropping(columns dropped: some Sequence<String>) throws(TableError) -> Table {
    var remaining = columns
    for name in dropped {
      guard self[name] != nil else { throw unknownColumn(name) }
      remaining.removeAll { $0.name == name }
    }
    return Table(name: self.name, hasHeader: hasHeader, columns: remaining, lines: lines)
  }

  /// The table with the column of the same name replaced by `column`, of as many cells. O(columns).
  ///
  /// - Throws: `TableError` when there is no such column.
  public func replacing(_ column: TableColumn) throws(TableError) -> Table {
    guard let position = position(of: column.name) else { throw unknownColumn(column.name) }
    var changed = columns
    changed[position] = column
    return Table(name: name, hasHeader: hasHeader, columns: changed, lines: lines)
  }

  /// How often each row counts, as a column says. O(n).
  ///
  /// - Throws: `TableError` for a missing column, and for cells that are no numbers of at least 0.
  func weights(in name: String) throws(TableError) -> [Double] {
    let column = try column(name)
    let numbers = try column.numbers(in: self)
    if let row = numbers.firstIndex(where: { !($0 >= 0) }) {
      throw error(row: row, column: name, .badWeight(column.text(row) ?? "a missing cell"))
    }
    return numbers
  }

  private func unknownColumn(_ name: String) -> TableError {
    TableError(file: self.name, column: name, reason: .unknownColumn(available: columnNames))
  }

  /// An error about the cell in `row` of `column`.
  func error(row: Int, column: String, _ reason: TableError.Reason) -> TableError {
    TableError(file: name, line: line(ofRow: row), column: column, reason: reason)
  }
}
