// SPDX-License-Identifier: Apache-2.0
internal import HalfspaceNN

/// Turns the target column of a table into class numbers or standardized values, as fitted on the
/// training rows, and predictions back into labels or values.
///
/// ```swift
/// let encoder = try TargetEncoder(fitting: training, column: "Letter")
/// let classes = try encoder.classes(of: test)     // [Int32], indices into encoder.labels
/// ```
public struct TargetEncoder: Sendable, Equatable {
  /// What the target is and how it is encoded.
  public enum Encoding: Sendable, Equatable, Codable {
    /// Classes by their labels: in order of value when all labels are numbers, otherwise in order of
    /// their bytes.
    case classification(labels: [String])
    /// Numbers; networks learn `(value - mean) / scale`.
    case regression(mean: Double, scale: Double)
    /// Any number of labels in a cell, in the order of `classification`, and what separates them.
    case multiLabel(labels: [String], separator: String)
    /// Any number of labels, each with a column of ones and zeros that is called as it.
    case labelColumns(names: [String])
  }

  /// The target column's name in the training table; of several their names, separated by commas.
  public let column: String
  /// What the target is and how it is encoded.
  public let encoding: Encoding

  /// Fits an encoder on the column called `column`, for `task` or the one that the column suggests.
  /// O(n log n).
  ///
  /// - Parameter labelSeparator: what stands between the labels of a cell, where a row may have any
  ///   number of them; a missing cell has none. Without it a comma.
  /// - Throws: `TableError` for a column that does not exist, a missing cell, a text where
  ///   regression needs numbers, a single class, a constant target, or no labels.
  public init(
    fitting table: Table, column: String, task: PredictionTask? = nil,
    labelSeparator: Character? = nil
  ) throws(TableError) {
    let target = try table.column(column)
    if task == .multiLabel || labelSeparator != nil {
      let separator = labelSeparator ?? ","
      let labels = Set(target.distinctTexts.flatMap { Self.parts(of: $0, separator) })
      guard !labels.isEmpty else {
        throw TableError(file: table.name, column: column, reason: .noLabels)
      }
      self.column = column
      encoding = .multiLabel(
        labels: Self.sortedLabels(Array(labels)), separator: String(separator))
      return
    }
    if let row = (0..<table.rowCount).first(where: target.isMissing) {
      throw table.error(row: row, column: column, .missingTarget)
    }
    self.column = column
    switch task ?? PredictionTask.suggested(for: target) {
    case .classification, .multiLabel:
      let labels = Self.sortedLabels(target.distinctTexts)
      guard labels.count > 1 else {
        throw TableError(
          file: table.name, column: column, reason: .singleClass(labels.first ?? ""))
      }
      encoding = .classification(labels: labels)
    case .regression:
      let values = try Self.numbers(of: target, in: table)
      guard let (mean, scale) = Self.meanAndScale(values) else {
        throw TableError(
          file: table.name, column: column, reason: .constantTarget(target.text(0) ?? ""))
      }
      encoding = .regression(mean: mean, scale: scale)
    }
  }

  /// Fits an encoder on several columns of ones and zeros, one for each label; on one column as
  /// `init(fitting:column:task:labelSeparator:)`. O(n) for each.
  ///
  /// - Parameter columns: the columns' names, at least one, all different.
  /// - Throws: `TableError` for a column that does not exist, a cell that is missing or neither 0 nor 1,
  ///   or no labels; `ConfigurationError` for a task or a separator that is not for several columns.
  public init(
    fitting table: Table, columns: [String], task: PredictionTask? = nil,
    labelSeparator: Character? = nil
  ) throws {
    precondition(!columns.isEmpty, "no target columns")
    guard columns.count > 1 else {
      try self.init(
        fitting: table, column: columns[0], task: task, labelSeparator: labelSeparator)
      return
    }
    if let twice = columns.indices.first(where: { columns[..<$0].contains(columns[$0]) }) {
      throw ConfigurationError.invalid("the target column \"\(columns[twice])\" is named twice")
    }
    if let task, task != .multiLabel {
      throw ConfigurationError.invalid(
        "several target columns are labels, a row may have any number of them; \(task.rawValue) is "
          + "for one column")
    }
    guard labelSeparator == nil else {
      throw ConfigurationError.invalid(
        "a label separator is for one target column, not for \(columns.count)")
    }
    self.init(column: columns.joined(separator: ", "), encoding: .labelColumns(names: columns))
    guard try labelSets(of: table).contains(where: { !$0.isEmpty }) else {
      throw TableError(file: table.name, column: column, reason: .noLabels)
    }
  }

  private init(column: String, encoding: Encoding) {
    self.column = column
    self.encoding = encoding
  }

  /// The names of the columns that hold the target.
  public var columns: [String] {
    if case .labelColumns(let names) = encoding { names } else { [column] }
  }

  /// What the target is.
  public var task: PredictionTask {
    switch encoding {
    case .classification: .classification
    case .regression: .regression
    case .multiLabel, .labelColumns: .multiLabel
    }
  }

  /// The labels, by class number; empty for regression.
  public var labels: [String] {
    switch encoding {
    case .classification(let labels), .multiLabel(let labels, _), .labelColumns(let labels): labels
    case .regression: []
    }
  }

  /// Number of outputs a network needs: one per class or label, or one.
  public var outputCount: Int { max(1, labels.count) }

  /// The class number of every row; traps unless the task is classification. O(n).
  ///
  /// - Throws: `TableError` for a missing column or cell and for a class that training had not.
  public func classes(of table: Table) throws(TableError) -> [Int32] {
    precondition(task == .classification, "the target is a number, not a class")
    let labels = self.labels
    let target = try table.column(column)
    let indices = try LevelMatcher(levels: labels).indices(of: target) {
      (row, text) throws(TableError) in
      throw table.error(
        row: row, column: column, text.map { .unknownClass($0, known: labels) } ?? .missingTarget)
    }
    return indices.map(Int32.init)
  }

  /// The target of every row as it stands in the table; traps unless the task is regression. O(n).
  ///
  /// - Throws: `TableError` for a missing column or cell and for a text.
  public func values(of table: Table) throws(TableError) -> [Double] {
    precondition(task == .regression, "the target is a class, not a number")
    return try Self.numbers(of: try table.column(column), in: table)
  }

  /// The target of every row as networks learn it; traps unless the task is regression. O(n).
  ///
  /// Values out of the range of `Float` are clipped to it. Throws as `values(of:)`.
  public func standardizedValues(of table: Table) throws(TableError) -> [Float] {
    try values(of: table).map(standardized)
  }

  /// `value` as networks learn it; traps unless the task is regression.
  public func standardized(_ value: Double) -> Float {
    guard case .regression(let mean, let scale) = encoding else {
      preconditionFailure("the target is a class, not a number")
    }
    return TableEncoder.float((value - mean) / scale)
  }

  /// The value that a network's output stands for; traps unless the task is regression.
  public func value(ofOutput output: Float) -> Double {
    guard case .regression(let mean, let scale) = encoding else {
      preconditionFailure("the target is a class, not a number")
    }
    return mean + scale * Double(output)
  }

  // MARK: Fitting

  static func sortedLabels(_ texts: [String]) -> [String] {
    let labels = LevelMatcher.sortedLevels(texts)
    let numbers = labels.compactMap(NumberParser.number)
    guard numbers.count == labels.count else { return labels }
    // Stable for labels of one value ("1", "1.0"): they stay in order of their bytes.
    return zip(numbers, labels.indices).sorted { ($0.0, $0.1) < ($1.0, $1.1) }
      .map { labels[$0.1] }
  }

  private static func numbers(
    of column: TableColumn, in table: Table
  ) throws(TableError) -> [Double] {
    let values = try column.numbers(in: table)
    if let row = values.firstIndex(where: \.isNaN) {
      throw table.error(row: row, column: column.name, .missingTarget)
    }
    return values
  }

  /// Mean and standard deviation; nil when all values are equal.
  private static func meanAndScale(_ values: [Double]) -> (mean: Double, scale: Double)? {
    guard let low = values.min(), let high = values.max(), low < high else { return nil }
    // In units of the largest magnitude, so that squares neither overflow nor vanish; of its
    // power of two, so that nothing is rounded.
    let largest = max(abs(low), abs(high))
    let unit = Double(sign: .plus, exponent: largest.exponent, significand: 1)
    let count = Double(values.count)
    let mean = values.reduce(0) { $0 + $1 / unit } / count
    let variance =
      values.reduce(0) { $0 + ($1 / unit - mean) * ($1 / unit - mean) } / count
    // Both roundings can go one step too far at the ends of the range of Double.
    return (
      min(max(mean * unit, low), high),
      max(variance.squareRoot() * unit, Double.leastNonzeroMagnitude)
    )
  }
}

extension TargetEncoder: Codable {
  private enum CodingKeys: String, CodingKey {
    case column, encoding
  }

  /// Decodes an encoder and checks it.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    column = try container.decode(String.self, forKey: .column)
    encoding = try container.decode(Encoding.self, forKey: .encoding)
    let isSound =
      switch encoding {
      case .classification(let labels): labels.count > 1 && Set(labels).count == labels.count
      case .regression(let mean, let scale): mean.isFinite && scale.isFinite && scale > 0
      case .multiLabel(let labels, let separator):
        !labels.isEmpty && Set(labels).count == labels.count && separator.count == 1
      case .labelColumns(let names): names.count > 1 && Set(names).count == names.count
      }
    guard isSound else {
      throw DecodingError.dataCorrupted(
        DecodingError.Context(
          codingPath: container.codingPath,
          debugDescription: "the encoding of target \"\(column)\" is not sound"))
    }
  }
}
