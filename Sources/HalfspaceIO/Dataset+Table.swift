// SPDX-License-Identifier: Apache-2.0
internal import HalfspaceLinalg

extension Dataset {
  /// The given rows, or all, as a table, the target in its last column. O(rows * columns).
  ///
  /// - Throws: `DataFileError` for infinities, for rows that would take more than `denseLimit` bytes
  ///   with their zeros or have more than `columnLimit` columns.
  public func table(rows selection: Range<Int>? = nil) throws(DataFileError) -> Table {
    try table(rows: selection, with: target)
  }

  /// All rows as a table to learn `targets` from, none standing for what the files tell: a target that
  /// files tell and that is not asked for is no feature. Throws as `table(rows:)`.
  public func table(predicting targets: [String]) throws(DataFileError) -> Table {
    let isTold = targets.isEmpty || targets == [targetName]
    return try table(with: isTold ? target : nil)
  }

  /// The given rows, or all, and in the last column a target that the files tell.
  func table(
    rows selection: Range<Int>? = nil, with target: TableColumn?
  ) throws(DataFileError) -> Table {
    let rows = selection ?? 0..<rowCount
    precondition(
      rows.lowerBound >= 0 && rows.upperBound <= rowCount, "rows \(rows) of \(rowCount)")
    switch features {
    case .table(let table):
      let whole = try target.map { (column) throws(DataFileError) in
        try checkName(of: column, among: table.columnNames)
        return table.adding(column)
      }
      return selection == nil ? whole ?? table : (whole ?? table).selecting(rows: rows)
    case .file(let file):
      try checkSize(rows.count, file.names.count)
      do {
        return try file.table(rows: Array(rows))
      } catch let error as FileError {
        throw DataFileError(error)
      } catch {
        throw DataFileError(file: name, reason: .unreadable("\(error)"))
      }
    case .array(let array):
      try checkSize(rows.count, array.columnCount)
      let columns = array.columns(rows: rows)
      for (position, values) in columns.enumerated() {
        if let row = values.firstIndex(where: \.isInfinite) {
          throw DataFileError(
            file: name,
            reason: .malformed(
              "the element in row \(rows.lowerBound + row + 1), column \(position + 1) is infinite"
            ))
        }
      }
      let names = columns.indices.map(CSVReader.name(ofColumnAt:))
      return try table(rows, zip(names, columns), hasHeader: false, target)
    case .sparse(let matrix):
      try checkSize(rows.count, matrix.columns)
      var columns = [[Double]](
        repeating: [Double](repeating: 0, count: rows.count), count: matrix.columns)
      for row in rows {
        for entry in matrix.entries(ofRow: row) {
          columns[Int(matrix.indices[entry])][row - rows.lowerBound] = Double(matrix.values[entry])
        }
      }
      return try table(
        rows, zip(columns.indices.map(String.init), columns), hasHeader: true, target)
    }
  }

  private func table(
    _ rows: Range<Int>, _ columns: some Sequence<(String, [Double])>, hasHeader: Bool,
    _ target: TableColumn?
  ) throws(DataFileError) -> Table {
    var all = columns.map { TableColumn(name: $0, storage: .numeric($1)) }
    if let target {
      try checkName(of: target, among: all.map(\.name))
      all.append(rows.count == rowCount ? target : target.selecting(rows: rows))
    }
    guard rows.upperBound <= Int(UInt32.max) else {
      throw DataFileError(file: name, reason: .unsupported("\(rowCount) rows"))
    }
    return Table(
      name: name, hasHeader: hasHeader, columns: all, lines: rows.map { UInt32($0 + 1) })
  }

  private func checkName(
    of target: TableColumn, among columns: [String]
  ) throws(DataFileError) {
    guard columns.contains(target.name) else { return }
    throw DataFileError(
      file: name, reason: .inconsistent("the target is called \"\(target.name)\", as a column"))
  }

  private func checkSize(_ rows: Int, _ columns: Int) throws(DataFileError) {
    guard columns <= Self.columnLimit else {
      throw DataFileError(
        file: name,
        reason: .unsupported(
          "a table of \(columns) columns; more than \(Self.columnLimit) are refused"))
    }
    let (count, overflow) = rows.multipliedReportingOverflow(by: columns)
    guard overflow || count > Self.denseLimit / MemoryLayout<Double>.size else { return }
    throw DataFileError(
      file: name,
      reason: .unsupported(
        "a table of \(rows) rows and \(columns) columns takes \(overflow ? "far " : "")more than "
          + "\(Self.denseLimit >> 30) GiB"))
  }
}
