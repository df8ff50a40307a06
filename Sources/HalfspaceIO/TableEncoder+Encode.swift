// SPDX-License-Identifier: Apache-2.0
public import HalfspaceLinalg

extension TableEncoder {
  /// The features of every row of `table`: a matrix of shape `[table.rowCount, featureCount]`.
  /// O(rows * featureCount).
  ///
  /// - Throws: `TableError` for columns that are missing, text where training had numbers, and
  ///   unknown categories unless they are ignored; each with line and column.
  public func encode(_ table: Table) throws(TableError) -> Matrix {
    guard sparse == nil else { throw TableError(file: table.name, reason: .needsSparseRows) }
    let sources = try sources(in: table)
    let features = Matrix(rows: table.rowCount, columns: featureCount)
    var feature = 0
    for (column, source) in zip(columns, sources) {
      switch column.encoding {
      case .numeric(let median, let offset, let hasValue, let hasIndicator):
        let values = try source.numbers(in: table)
        for (row, value) in values.enumerated() {
          if hasValue {
            features[row, feature] = Self.float((value.isNaN ? median : value) - offset)
          }
          if hasIndicator && value.isNaN { features[row, feature + (hasValue ? 1 : 0)] = 1 }
        }
      case .categorical(let levels, let hasMissing):
        let indices = try levelIndices(
          of: source, levels: levels, hasMissing: hasMissing, in: table)
        for (row, index) in indices.enumerated() where index >= 0 {
          features[row, feature + index] = 1
        }
      }
      feature += column.encoding.featureCount
    }
    return features
  }

  /// The column of `table` for each column of the encoder.
  private func sources(in table: Table) throws(TableError) -> [TableColumn] {
    try positions(in: table).map { table.columns[$0] }
  }

  /// The position in `table` of each column of the encoder.
  func positions(in table: Table) throws(TableError) -> [Int] {
    if hasHeader && table.hasHeader {
      let missing = columns.map(\.name).filter { table[$0] == nil }
      guard missing.isEmpty else {
        throw TableError(file: table.name, reason: .missingColumns(missing))
      }
      return columns.compactMap { table.position(of: $0.name) }
    }
    guard let positions = positions(inTableOf: table.columns.count) else {
      throw TableError(
        file: table.name, reason: .columnCount(expected: tableWidth, found: table.columns.count))
    }
    return positions
  }

  /// Where the columns are in a table of so many columns without names, nil if they are not.
  private func positions(inTableOf count: Int) -> [Int]? {
    // Rows look as in training, or lack the target, or lack the dropped columns too.
    for absent in [[], targetPositions, targetPositions + droppedPositions]
    where count == tableWidth - absent.count {
      return columns.map { column in column.position - absent.count { $0 < column.position } }
    }
    return nil
  }

  /// Which columns of a table hold categories.
  func textColumns(names: [String], hasHeader isNamed: Bool) -> Set<String> {
    let positions = hasHeader && isNamed ? nil : positions(inTableOf: names.count)
    var texts: Set<String> = []
    for (index, column) in columns.enumerated() {
      guard case .categorical = column.encoding else { continue }
      if hasHeader && isNamed {
        texts.insert(column.name)
      } else if let positions {
        texts.insert(names[positions[index]])
      }
    }
    return texts
  }

  /// The feature within the column that is 1 in each row; -1: none.
  private func levelIndices(
    of column: TableColumn, levels: [String], hasMissing: Bool, in table: Table
  ) throws(TableError) -> [Int] {
    let matcher = LevelMatcher(levels: levels)
    return try matcher.indices(of: column, missing: hasMissing ? levels.count : nil) {
      (row, text) throws(TableError) in
      if unknownCategories == .ignore { return -1 }
      throw table.error(
        row: row, column: column.name,
        text.map { .unknownCategory($0, known: levels) } ?? .unexpectedMissing)
    }
  }

  /// `value` as the nearest finite `Float`.
  static func float(_ value: Double) -> Float {
    let limit = Double(Float.greatestFiniteMagnitude)
    return Float(min(max(value, -limit), limit))
  }
}
