// SPDX-License-Identifier: Apache-2.0
internal import HalfspaceLinalg
internal import HalfspaceNN

/// Rows of a file that are encoded as they are read: what `TableEncoder` makes of a table.
struct FeatureRows: Sendable {
  private let file: RowFile
  private let sources: [Source]
  private let selection: [Int]?
  /// Number of features.
  let featureCount: Int

  /// Where a column's features come from.
  private struct Source {
    var position: Int
    var feature: Int
    var encoding: Encoding

    enum Encoding {
      case number(median: Double, offset: Double, hasValue: Bool, hasIndicator: Bool)
      /// What stands for each level of the file and for a missing cell; the levels that are known.
      case level([LevelFeature], missing: LevelFeature, known: [String])
    }
  }

  /// What a level becomes.
  private enum LevelFeature {
    /// The feature, counted from the column's first, that is 1.
    case one(Int)
    /// All features of the column are 0.
    case none
    /// The level is not known and the row refused.
    case refused
  }

  /// The rows of `file`, or those of a selection. Categories that the encoder does not know are refused
  /// when they are read, unless it ignores them.
  ///
  /// - Throws: `TableError` for columns that are missing or of the wrong kind.
  init(_ file: RowFile, encoder: TableEncoder, selection: [Int]? = nil) throws {
    self.file = file
    self.selection = selection
    featureCount = encoder.featureCount
    let positions = try encoder.positions(
      in: try file.table(rows: [], columns: Array(file.names.indices)))
    let unknown = encoder.unknownCategories == .refuse ? LevelFeature.refused : .none
    var sources: [Source] = []
    var feature = 0
    for (column, position) in zip(encoder.columns, positions) {
      sources.append(
        Source(
          position: position, feature: feature,
          encoding: try Self.encoding(
            column, levels: file.levels[position], unknown: unknown, of: file)))
      feature += column.encoding.featureCount
    }
    self.sources = sources
  }

  private static func encoding(
    _ column: TableEncoder.Column, levels: [String]?, unknown: LevelFeature, of file: RowFile
  ) throws -> Source.Encoding {
    switch (column.encoding, levels) {
    case (.numeric(let median, let offset, let hasValue, let hasIndicator), nil):
      return .number(
        median: median, offset: offset, hasValue: hasValue, hasIndicator: hasIndicator)
    case (.categorical(let known, let hasMissing), let levels?):
      let indices = LevelMatcher(levels: known).indices(
        of: TableColumn(name: column.name, texts: levels), missing: nil
      ) { (_, _) in -1 }
      return .level(
        indices.map { $0 < 0 ? unknown : .one($0) },
        missing: hasMissing ? .one(known.count) : unknown, known: known)
    case (.numeric, let levels):
      let text = levels?.first { NumberParser.number($0) == nil }
      throw TableError(
        file: file.name, column: column.name, reason: .textInNumericColumn(text ?? ""))
    case (.categorical(let known, _), nil):
      throw TableError(
        file: file.name, column: column.name, reason: .unknownCategory("a number", known: known))
    }
  }

  /// Number of rows.
  var rows: Int { selection?.count ?? file.rowCount }

  /// The features `[rows, featureCount]` of the given rows.
  ///
  /// - Throws: `RowReadError` when they cannot be read, and for cells that cannot be encoded.
  func features(of rows: ArraySlice<Int>) throws(RowReadError) -> Matrix {
    let numbers = selection.map { selection in rows.map { selection[$0] } } ?? Array(rows)
    var raw: [Double] = []
    do throws(FileError) {
      try file.array.read(numbers, into: &raw)
    } catch {
      throw RowReadError(error.description)
    }
    let features = Matrix(rows: numbers.count, columns: featureCount)
    let width = file.width
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
        case .level(let indices, let missing, let known):
          switch value.isNaN ? missing : indices[Int(value)] {
          case .one(let index): unsafe target[source.feature + index] = 1
          case .none: break
          case .refused:
            let line = file.line(ofRow: row, raw, at: k)
            throw refusal(of: value, source.position, line: line, known: known)
          }
        }
      }
    }
    return features
  }

  private func refusal(
    of value: Double, _ position: Int, line: Int, known: [String]
  ) -> RowReadError {
    let text = value.isNaN ? nil : file.levels[position]?[Int(value)]
    let error = TableError(
      file: file.name, line: line, column: file.names[position],
      reason: text.map { .unknownCategory($0, known: known) } ?? .unexpectedMissing)
    return RowReadError(error.description)
  }

  /// Calls `body` with the features of all rows, in order, some at a time.
  ///
  /// - Throws: as `features(of:)`.
  func forEachBlock(_ body: (Matrix) -> Void) throws(RowReadError) {
    let count = max(16, (4 << 20) / max(1, featureCount))
    for start in stride(from: 0, to: rows, by: count) {
      body(try features(of: Array(start..<min(start + count, rows))[...]))
    }
  }
}
