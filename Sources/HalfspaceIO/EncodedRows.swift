// SPDX-License-Identifier: Apache-2.0
internal import HalfspaceLinalg
internal import HalfspaceNN

/// Rows of a file that are encoded and transformed as they are read: what `TableEncoder` and
/// `FeatureTransform` make of a table, batch by batch.
struct EncodedRows: RowSource {
  private let file: RowFile
  private let sources: [Source]
  private let featureCount: Int
  private let transform: FeatureTransform
  private let selection: [Int]?

  /// Where a column's features come from.
  private struct Source {
    var position: Int
    var feature: Int
    var encoding: Encoding

    enum Encoding {
      case number(median: Double, offset: Double, hasValue: Bool, hasIndicator: Bool)
      /// The feature, counted from the column's first, that is 1 for each level of the file; -1: none.
      case level([Int], missing: Int)
    }
  }

  /// The rows of `file`, or those of a selection.
  ///
  /// - Throws: `TableError` for columns that are missing.
  init(
    _ file: RowFile, encoder: TableEncoder, transform: FeatureTransform, selection: [Int]? = nil
  ) throws {
    self.file = file
    self.transform = transform
    self.selection = selection
    featureCount = encoder.featureCount
    let positions = try encoder.positions(
      in: try file.table(rows: [], columns: Array(file.names.indices)))
    var sources: [Source] = []
    var feature = 0
    for (column, position) in zip(encoder.columns, positions) {
      sources.append(
        Source(
          position: position, feature: feature,
          encoding: try Self.encoding(column, levels: file.levels[position], of: file)))
      feature += column.encoding.featureCount
    }
    self.sources = sources
  }

  private static func encoding(
    _ column: TableEncoder.Column, levels: [String]?, of file: RowFile
  ) throws -> Source.Encoding {
    switch (column.encoding, levels) {
    case (.numeric(let median, let offset, let hasValue, let hasIndicator), nil):
      return .number(
        median: median, offset: offset, hasValue: hasValue, hasIndicator: hasIndicator)
    case (.categorical(let known, let hasMissing), let levels?):
      let indices = try LevelMatcher(levels: known).indices(
        of: TableColumn(name: column.name, texts: levels), missing: nil
      ) { (_, _) throws(TableError) in -1 }
      return .level(indices, missing: hasMissing ? known.count : -1)
    case (.numeric, _):
      throw TableError(
        file: file.name, column: column.name,
        reason: .textInNumericColumn(levels?.first ?? ""))
    case (.categorical, nil):
      throw TableError(
        file: file.name, column: column.name,
        reason: .unknownCategory("a number", known: []))
    }
  }

  var rows: Int { selection?.count ?? file.rowCount }
  var columns: Int { transform.outputCount }

  func copy(_ rows: ArraySlice<Int>, to block: Matrix) throws(RowReadError) {
    let numbers = selection.map { selection in rows.map { selection[$0] } } ?? Array(rows)
    var raw: [Double] = []
    do throws(FileError) {
      try file.array.read(numbers, into: &raw)
    } catch {
      throw RowReadError(error.description)
    }
    let features = Matrix(rows: numbers.count, columns: featureCount)
    let width = file.names.count
    for (k, row) in numbers.enumerated() {
      let target = unsafe features.row(k)
      for source in sources {
        let value = raw[k * width + source.position]
        guard !value.isInfinite else {
          throw RowReadError(file.infinite(row: row, column: source.position).description)
        }
        switch source.encoding {
        case .number(let median, let offset, let hasValue, let hasIndicator):
          if hasValue {
            unsafe target[source.feature] = TableEncoder.float(
              (value.isNaN ? median : value) - offset)
          }
          if hasIndicator && value.isNaN {
            unsafe target[source.feature + (hasValue ? 1 : 0)] = 1
          }
        case .level(let indices, let missing):
          let index = value.isNaN ? missing : indices[Int(value)]
          if index >= 0 { unsafe target[source.feature + index] = 1 }
        }
      }
    }
    do throws(FeatureTransformError) {
      try transform.apply(to: features, into: block)
    } catch {
      throw RowReadError("\(file.name): \(error)")
    }
  }
}
