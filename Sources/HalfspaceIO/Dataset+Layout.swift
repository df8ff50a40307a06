// SPDX-License-Identifier: Apache-2.0
internal import HalfspaceLinalg

extension Dataset {
  /// The form in which rows are worked on.
  enum Layout {
    /// All in memory, as a table.
    case table
    /// Sparse rows, which stay sparse.
    case sparse(SparseMatrix)
    /// Read from a file as they are needed.
    case file(RowFile)
  }

  /// The form for these rows: sparse rows stay sparse where that pays, arrays stay in their file where
  /// they are large.
  ///
  /// - Parameter keepsSparse: sparse rows stay sparse whatever they are.
  /// - Throws: `DataFileError` for a large array that does not lie in rows.
  func layout(keepsSparse: Bool) throws(DataFileError) -> Layout {
    switch features {
    case .table: return .table
    case .file(let file): return .file(file)
    case .array(let array):
      let isLarge = array.rowCount * array.columnCount > elementLimit
      return isLarge ? .file(try RowFile(array, name: name)) : .table
    case .sparse(let matrix):
      let isThin =
        matrix.columns > Self.fewColumns && matrix.count < matrix.rows * matrix.columns / 10
      return keepsSparse || isThin ? .sparse(matrix) : .table
    }
  }

  /// Sparse rows of up to so many columns are as well off with their zeros.
  private static let fewColumns = 512

  /// The target, and behind it the column of weights, if there is one, of rows that are read from a
  /// file. Throws as `targetTable(_:)`, and when there is no such column.
  func targetTable(_ names: [String], weights: String?) throws -> Table {
    let targets = try targetTable(names)
    guard let weights, targets[weights] == nil,
      case .file(let file) = try layout(keepsSparse: false)
    else { return targets }
    let column = try file.table(
      rows: Array(0..<file.rowCount), columns: [try file.position(of: weights)])
    return targets.adding(column.columns[0])
  }

  /// The target alone, as a table of its columns.
  ///
  /// - Parameter names: columns of the rows; none: what the file or a file beside it tells.
  /// - Throws: `TableError` when there is no such column, `ConfigurationError` when nothing tells.
  func targetTable(_ names: [String]) throws -> Table {
    if let target, names.isEmpty || names == [target.name] {
      return Table(
        name: self.name, hasHeader: true, columns: [target],
        lines: (0..<rowCount).map { UInt32(clamping: $0 + 1) })
    }
    guard case .file(let file) = try layout(keepsSparse: false) else {
      let table = try table()
      return try table.taking(columns: try requireTargets(names, of: table.columnNames))
    }
    let positions = try requireTargets(names, of: file.names).map(file.position(of:))
    for position in positions {
      if let levels = file.levels[position], levels.count > RowFile.levelLimit {
        throw TableError(
          file: self.name, column: file.names[position],
          reason: .tooManyLevels(
            levels: levels.count, rows: file.rowCount, limit: RowFile.levelLimit, firstText: nil))
      }
    }
    return try file.table(rows: Array(0..<file.rowCount), columns: positions)
  }
}

extension Table {
  /// The table with one more column.
  func adding(_ column: TableColumn) -> Table {
    Table(
      name: name, hasHeader: hasHeader, columns: columns + [column],
      lines: (0..<rowCount).map { UInt32(clamping: line(ofRow: $0)) })
  }

  /// A table of some of the columns, in the order of their names.
  fileprivate func taking(columns names: [String]) throws(TableError) -> Table {
    var taken: [TableColumn] = []
    for name in names { taken.append(try column(name)) }
    return Table(
      name: self.name, hasHeader: hasHeader, columns: taken,
      lines: (0..<rowCount).map { UInt32(clamping: line(ofRow: $0)) })
  }
}
