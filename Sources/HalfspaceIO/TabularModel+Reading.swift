// SPDX-License-Identifier: Apache-2.0

extension TabularModel {
  /// Reads a table to use the model on, of any format.
  ///
  /// What is a header and what a row is known from the training table rather than guessed: a first
  /// record that holds all names of the model's columns is a header, and there is none if the
  /// training table had none. Sparse rows get all columns that the model knows. O(bytes).
  ///
  /// - Parameter options: what there is to know of the file; how text tables are read is known.
  /// - Throws: `TableError` or `DataFileError` that names the place.
  public func readTable(
    contentsOf path: String, options: Dataset.Options = .init()
  ) throws -> Table {
    try Dataset(contentsOf: path, options: readingOptions(options)).table()
  }

  /// Reads a table to use the model on from the text of one; `name` takes the place of the path in
  /// errors. As `readTable(contentsOf:options:)`, and columns in which the model knows categories are
  /// texts even where all cells look like numbers. O(bytes).
  ///
  /// - Throws: `TableError` that names the place.
  public func readTable(csv: String, name: String) throws(TableError) -> Table {
    try CSVReader(options: readingOptions(.init()).csv)
      .read(Array(csv.utf8), name: name, textColumns: encoder.textColumns(names:hasHeader:))
  }

  /// `options` with what the model knows of its tables.
  func readingOptions(_ options: Dataset.Options) -> Dataset.Options {
    var options = options
    options.csv =
      encoder.hasHeader
      ? CSVReader.Options(knownColumns: Set(encoder.columns.map(\.name)))
      : CSVReader.Options(hasHeader: false)
    options.textColumns = encoder.textColumns(names:hasHeader:)
    if let sparse = encoder.sparse {
      options.minimumColumns = sparse.columns
      return options
    }
    // Columns of sparse rows are called as their numbers.
    let numbers = encoder.columns.compactMap { Int($0.name) }
    options.minimumColumns = numbers.filter((0..<LibsvmReader.indexLimit).contains).max() ?? -1
    options.minimumColumns += 1
    return options
  }
}
