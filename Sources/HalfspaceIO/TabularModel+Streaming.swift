// SPDX-License-Identifier: Apache-2.0

public import HalfspaceNN

extension TabularModel {
  /// Rows of a table that are not text: as many are in memory at once.
  private static let rowsPerPiece = 1 << 14

  /// Reads a table to use the model on, of any format, piece by piece, and calls `body` with each
  /// piece, in order. Memory: that of one piece of a text table (about a mebibyte of text) and of
  /// memory-mapped arrays; other formats are read as a whole.
  ///
  /// As `readTable(contentsOf:options:)` otherwise, except that columns in which the model knows
  /// categories are texts even where all cells look like numbers.
  ///
  /// - Throws: `TableError` or `DataFileError` that names the place, and what `body` throws; pieces
  ///   before have been handed over by then.
  public func forEachPiece(
    ofTable path: String, options: Dataset.Options = .init(), _ body: (Table) throws -> Void
  ) throws {
    let options = readingOptions(options)
    guard (options.format ?? DataFormat(path: path)) == .csv else {
      let dataset = try Dataset(contentsOf: path, options: options)
      for first in stride(from: 0, to: dataset.rowCount, by: Self.rowsPerPiece) {
        let rows = first..<min(first + Self.rowsPerPiece, dataset.rowCount)
        try body(try dataset.table(rows: rows))
      }
      return
    }
    let stream = try CSVStream(
      contentsOf: path, options: options.csv, textColumns: encoder.textColumns(names:hasHeader:))
    while let table = try stream.next() { try body(table) }
  }

  /// As `forEachPiece(ofTable:options:_:)`, with the rows as the network takes them: of a model of
  /// sparse rows sparse, and of arrays larger than memory read as they are needed.
  ///
  /// - Throws: `TableError` or `DataFileError` that names the place, and what `body` throws.
  public func forEachPiece(
    ofInputs path: String, options: Dataset.Options = .init(), threads: Int = 1,
    _ body: (InputRows) throws -> Void
  ) throws {
    if (options.format ?? DataFormat(path: path)) != .csv {
      let dataset = try Dataset(contentsOf: path, options: readingOptions(options))
      let rows = try inputs(of: dataset, threads: threads)
      for first in stride(from: 0, to: rows.rows, by: Self.rowsPerPiece) {
        try body(rows.gather(Array(first..<min(first + Self.rowsPerPiece, rows.rows))))
      }
      return
    }
    guard encoder.sparse == nil else {
      throw TableError(file: path, reason: .needsSparseRows)
    }
    try forEachPiece(ofTable: path, options: options) { piece in
      try body(.dense(transform.apply(to: encoder.encode(piece), threads: threads)))
    }
  }
}
