// SPDX-License-Identifier: Apache-2.0
internal import HalfspaceLinalg

/// Rows that lie in a file one after the other, so that any of them can be read without the others:
/// an array of numbers, or a text table that was converted into one.
///
/// A column of texts holds the numbers of its levels, NaN where a cell is missing.
public struct RowFile: Sendable {
  /// The path of the data, for errors.
  let name: String
  /// Whether columns have names of their own.
  let hasHeader: Bool
  /// Names of the columns.
  let names: [String]
  /// The texts of each column of texts; nil for numbers.
  let levels: [[String]?]
  /// The elements, `[rows, columns]`; of a text table one more column, last, with the line that
  /// each row begins on.
  let array: NumericArray
  /// Number of rows.
  var rowCount: Int { array.rowCount }
  /// Elements of a row in the file.
  var width: Int { array.columnCount }

  /// The rows of an array of numbers.
  ///
  /// - Throws: `DataFileError` for an array that does not lie in rows.
  init(_ array: NumericArray, name: String) throws(DataFileError) {
    guard array.hasRows else {
      throw DataFileError(
        file: name,
        reason: .unsupported(
          "an array in Fortran order that is too large for the memory; numpy.ascontiguousarray "
            + "puts it in the order of rows"))
    }
    self.init(
      array, name: name, hasHeader: false,
      names: (0..<array.columnCount).map(CSVReader.name(ofColumnAt:)),
      levels: .init(repeating: nil, count: array.columnCount))
  }

  init(
    _ array: NumericArray, name: String, hasHeader: Bool, names: [String], levels: [[String]?]
  ) {
    self.array = array
    self.name = name
    self.hasHeader = hasHeader
    self.names = names
    self.levels = levels
  }

  /// The position of the column called `name`.
  ///
  /// - Throws: `TableError` that names the columns there are.
  func position(of name: String) throws(TableError) -> Int {
    guard let position = names.firstIndex(of: name) else {
      throw TableError(file: self.name, column: name, reason: .unknownColumn(available: names))
    }
    return position
  }

  /// The given rows of some columns as a table. O(rows * columns of the file).
  ///
  /// - Throws: `FileError` when they cannot be read, `DataFileError` for infinities.
  func table(rows: [Int], columns wanted: [Int]? = nil) throws -> Table {
    let wanted = wanted ?? Array(names.indices)
    var cells = [[Double]](repeating: [], count: wanted.count)
    for place in wanted.indices { cells[place].reserveCapacity(rows.count) }
    var lines: [UInt32] = []
    lines.reserveCapacity(rows.count)
    try forEachBlock(of: rows) { part, numbers in
      for (k, row) in part.enumerated() {
        for (place, column) in wanted.enumerated() {
          let value = numbers[k * width + column]
          guard !value.isInfinite else { throw infinite(row: row, column: column) }
          cells[place].append(value)
        }
        lines.append(UInt32(clamping: line(ofRow: row, numbers, at: k)))
      }
    }
    let columns = zip(wanted, cells).map { column, cells in
      TableColumn(
        name: names[column],
        storage: levels[column].map { levels in
          .categorical(codes: cells.map { $0.isNaN ? -1 : Int32($0) }, levels: levels)
        } ?? .numeric(cells))
    }
    return Table(
      name: name, hasHeader: hasHeader, columns: columns, lines: lines)
  }

  /// Calls `body` with the given rows, some at a time, and their elements one row after the other.
  func forEachBlock(
    of rows: [Int], _ body: (_ part: ArraySlice<Int>, _ numbers: [Double]) throws -> Void
  ) throws {
    var numbers: [Double] = []
    let block = max(1, (1 << 20) / max(1, width))
    for start in stride(from: 0, to: rows.count, by: block) {
      let part = rows[start..<min(start + block, rows.count)]
      try array.read(part, into: &numbers)
      try body(part, numbers)
    }
  }

  /// The line that a row begins on, or its number from 1; the row is the `k`-th of `numbers`.
  func line(ofRow row: Int, _ numbers: [Double], at k: Int) -> Int {
    width > names.count ? Int(numbers[k * width + names.count]) : row + 1
  }

  /// An error about an infinite element.
  func infinite(row: Int, column: Int) -> DataFileError {
    DataFileError(
      file: name,
      reason: .malformed(
        "the element in row \(row + 1), column \(column + 1) is infinite"))
  }
}
