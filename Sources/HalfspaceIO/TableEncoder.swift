// SPDX-License-Identifier: Apache-2.0

/// Turns rows of a table into rows of numbers, as fitted on the training rows.
///
/// ```swift
/// let encoder = try TableEncoder(fitting: training, target: "Letter")
/// let features = try encoder.encode(test)   // [rows, encoder.featureNames.count]
/// ```
///
/// - A *numeric* column becomes one feature. A missing cell takes the training median. When there
///   were missing cells in training, a second feature says 1 where the cell is missing and 0 elsewhere;
///   a cell that is missing only later takes the median and nothing more.
/// - A numeric column far from zero for its spread (times, identifiers) is moved by its median
///   before it is rounded to `Float`, so that no digits are lost. Values beyond the range of
///   `Float` are clipped to it.
/// - A *text* column becomes one 0/1 feature per level of the training rows, in order of their bytes,
///   and one more for missing cells if there were any in training.
/// - A column with the same value in all training rows is dropped.
///
/// Columns are matched by name when both tables have a header, and otherwise by position;
/// columns that are not needed are ignored. Equal tables give equal bits. The encoder is
/// `Codable` so that it can be part of a model file; decoding checks that it is sound.
public struct TableEncoder: Sendable, Equatable {
  /// What to do with a category that the training rows did not have.
  public enum UnknownCategories: String, Sendable, Codable {
    /// Throw an error that names the cell.
    case refuse
    /// All features of the column are 0.
    case ignore
  }

  /// How one column becomes features.
  public enum Encoding: Sendable, Equatable, Codable {
    /// `value - offset` if `hasValue`, then 1 for missing cells if `hasIndicator`.
    case numeric(median: Double, offset: Double, hasValue: Bool, hasIndicator: Bool)
    /// One feature per level, then one for missing cells if `hasMissing`.
    case categorical(levels: [String], hasMissing: Bool)
  }

  /// A column that is used.
  public struct Column: Sendable, Equatable, Codable {
    /// The column's name in the training table.
    public let name: String
    /// Its position in the training table, from 0.
    public let position: Int
    /// How it becomes features.
    public let encoding: Encoding
  }

  /// What to do with a category that the training rows did not have. May be changed any time.
  public var unknownCategories: UnknownCategories
  /// The columns that are used, in the order of the training table.
  public let columns: [Column]
  /// The columns that were left out because all training rows agree on them.
  public let constantColumns: [String]
  /// The positions of the target's columns in the training table.
  let targetPositions: [Int]
  /// Positions in the training table of the columns that were dropped by name, ascending.
  let droppedPositions: [Int]
  /// Whether the training table had column names.
  public let hasHeader: Bool
  /// Number of columns of the training table.
  let tableWidth: Int
  /// How sparse rows become features; nil for tables. With it there are no `columns`.
  public let sparse: SparseEncoding?

  /// Fits an encoder on the rows of `table`, all columns but the target and the dropped ones.
  /// O(n log n) per numeric column, O(n) per text column.
  ///
  /// - Throws: `TableError` for a target or dropped column that does not exist, a text column with
  ///   more than `levelLimit(rows:)` levels, or when no column is left.
  public init(
    fitting table: Table, target: String? = nil, dropping dropped: Set<String> = [],
    unknownCategories: UnknownCategories = .refuse
  ) throws(TableError) {
    try self.init(
      fitting: table, targets: target.map { [$0] } ?? [], dropping: dropped,
      unknownCategories: unknownCategories, rows: table.rowCount)
  }

  /// Fits an encoder on a table that stands for `rows` rows, all columns but those of the target and
  /// the dropped ones.
  init(
    fitting table: Table, targets: [String], dropping dropped: Set<String>,
    unknownCategories: UnknownCategories = .refuse, rows: Int
  ) throws(TableError) {
    for name in targets + dropped.sorted() { _ = try table.column(name) }
    var columns: [Column] = []
    var constantColumns: [String] = []
    for (position, column) in table.columns.enumerated()
    where !targets.contains(column.name) && !dropped.contains(column.name) {
      if let encoding = try Self.encoding(fitting: column, of: table, rows: rows) {
        columns.append(Column(name: column.name, position: position, encoding: encoding))
      } else {
        constantColumns.append(column.name)
      }
    }
    guard !columns.isEmpty else { throw TableError(file: table.name, reason: .noFeatures) }
    self.unknownCategories = unknownCategories
    self.columns = columns
    self.constantColumns = constantColumns
    targetPositions = table.columns.indices.filter { targets.contains(table.columns[$0].name) }
    droppedPositions = table.columns.indices.filter {
      !targets.contains(table.columns[$0].name) && dropped.contains(table.columns[$0].name)
    }
    hasHeader = table.hasHeader
    tableWidth = table.columns.count
    sparse = nil
  }

  /// The encoder of sparse rows.
  public init(sparse: SparseEncoding) {
    unknownCategories = .refuse
    columns = []
    constantColumns = []
    targetPositions = []
    droppedPositions = []
    hasHeader = true
    tableWidth = 0
    self.sparse = sparse
  }

  /// The most levels a text column may have to pass for categories: a tenth of the rows, but at
  /// least 50 and at most 1000.
  public static func levelLimit(rows: Int) -> Int { min(max(50, rows / 10), mostLevels) }
  static let mostLevels = 1000

  /// Names of the features, such as "age", "age is missing", "color=red"; of sparse rows their
  /// numbers.
  public var featureNames: [String] {
    if let sparse { return (0..<sparse.featureCount).map(String.init) }
    return tableFeatureNames
  }

  private var tableFeatureNames: [String] {
    columns.flatMap { column in
      switch column.encoding {
      case .numeric(_, _, let hasValue, let hasIndicator):
        (hasValue ? [column.name] : []) + (hasIndicator ? ["\(column.name) is missing"] : [])
      case .categorical(let levels, let hasMissing):
        levels.map { "\(column.name)=\($0)" } + (hasMissing ? ["\(column.name) is missing"] : [])
      }
    }
  }

  /// Number of features. O(columns).
  public var featureCount: Int {
    sparse?.featureCount ?? columns.reduce(0) { $0 + $1.encoding.featureCount }
  }

  // MARK: Fitting

  /// The encoding of `column`, nil when it is constant.
  private static func encoding(
    fitting column: TableColumn, of table: Table, rows: Int
  ) throws(TableError) -> Encoding? {
    switch column.storage {
    case .numeric(let values):
      return numericEncoding(values)
    case .categorical:
      let hasMissing = column.missingCount > 0
      let used = LevelMatcher.sortedLevels(column.distinctTexts)
      let limit = levelLimit(rows: rows)
      guard used.count <= limit else {
        throw tooManyLevels(used, rows, limit: limit, column: column, table: table)
      }
      guard used.count + (hasMissing ? 1 : 0) > 1 else { return nil }
      return .categorical(levels: used, hasMissing: hasMissing)
    }
  }

  private static func numericEncoding(_ values: [Double]) -> Encoding? {
    let sorted = values.filter { !$0.isNaN }.sorted()
    guard let low = sorted.first, let high = sorted.last else { return nil }
    let hasValue = low < high
    let hasIndicator = sorted.count < values.count
    guard hasValue || hasIndicator else { return nil }
    let middle = sorted.count / 2
    // Halved before they are added: the sum may be beyond the range of Double.
    let median =
      sorted.count % 2 == 1 ? sorted[middle] : 0.5 * sorted[middle - 1] + 0.5 * sorted[middle]
    // Float has 24 bits: with 8 of them spent on the distance from zero, move.
    let spread = max(high - median, median - low)
    let offset = spread < max(abs(low), abs(high)) / 256 ? median : 0
    return .numeric(
      median: median, offset: offset, hasValue: hasValue, hasIndicator: hasIndicator)
  }

  private static func tooManyLevels(
    _ levels: [String], _ rows: Int, limit: Int, column: TableColumn, table: Table
  ) -> TableError {
    // Mostly numbers: the likely fault is the odd text, so point at the first one.
    let numberCount = levels.count { NumberParser.number($0) != nil }
    var row: Int?
    if 2 * numberCount > levels.count {
      row = (0..<table.rowCount).first { row in
        column.text(row).map { NumberParser.number($0) == nil } ?? false
      }
    }
    return TableError(
      file: table.name, line: row.map(table.line(ofRow:)), column: column.name,
      reason: .tooManyLevels(
        levels: levels.count, rows: rows, limit: limit,
        firstText: row.flatMap(column.text)))
  }
}

extension TableEncoder.Encoding {
  /// Number of features.
  var featureCount: Int {
    switch self {
    case .numeric(_, _, let hasValue, let hasIndicator):
      (hasValue ? 1 : 0) + (hasIndicator ? 1 : 0)
    case .categorical(let levels, let hasMissing): levels.count + (hasMissing ? 1 : 0)
    }
  }
}
