// SPDX-License-Identifier: Apache-2.0

/// One named column of a table: numbers, or texts as codes into a list of levels.
public struct TableColumn: Sendable, Equatable {
  /// The cells, one value per row.
  public enum Storage: Sendable, Equatable {
    /// Finite numbers; NaN marks a missing cell.
    case numeric([Double])
    /// Row i holds `levels[codes[i]]`; code -1 marks a missing cell. Levels are distinct byte
    /// for byte, in order of first appearance; a selection of rows may leave some unused.
    case categorical(codes: [Int32], levels: [String])
  }

  /// The column's name.
  public let name: String
  /// The cells.
  public let storage: Storage

  init(name: String, storage: Storage) {
    self.name = name
    self.storage = storage
  }

  /// A numeric column; nil is a missing cell. Traps on NaN and infinities. O(n).
  public init(name: String, numbers: [Double?]) {
    let values = numbers.map { number in
      precondition(number?.isFinite ?? true, "column \"\(name)\" holds \(number ?? 0)")
      return number ?? .nan
    }
    self.init(name: name, storage: .numeric(values))
  }

  /// A column of texts; nil is a missing cell. O(n).
  public init(name: String, texts: [String?]) {
    var interner = TextInterner()
    let codes = texts.map { text in
      guard let text else { return Int32(-1) }
      let bytes = Array(text.utf8)
      return interner.code(for: bytes.span) ?? -1  // a String is valid UTF-8
    }
    self.init(name: name, storage: .categorical(codes: codes, levels: interner.levels))
  }

  /// Number of cells.
  public var count: Int {
    switch storage {
    case .numeric(let values): values.count
    case .categorical(let codes, _): codes.count
    }
  }

  /// Whether the column holds numbers.
  public var isNumeric: Bool {
    if case .numeric = storage { true } else { false }
  }

  /// Whether the cell in `row` is missing. O(1).
  public func isMissing(_ row: Int) -> Bool {
    switch storage {
    case .numeric(let values): values[row].isNaN
    case .categorical(let codes, _): codes[row] < 0
    }
  }

  /// Number of missing cells. O(n).
  public var missingCount: Int {
    switch storage {
    case .numeric(let values): values.reduce(0) { $0 + ($1.isNaN ? 1 : 0) }
    case .categorical(let codes, _): codes.reduce(0) { $0 + ($1 < 0 ? 1 : 0) }
    }
  }

  /// The number in `row`; nil when the cell is missing or the column holds texts. O(1).
  public func number(_ row: Int) -> Double? {
    guard case .numeric(let values) = storage, !values[row].isNaN else { return nil }
    return values[row]
  }

  /// The text in `row`, numbers in their shortest spelling; nil when the cell is missing. O(1).
  public func text(_ row: Int) -> String? {
    switch storage {
    case .numeric(let values): values[row].isNaN ? nil : Self.spelling(of: values[row])
    case .categorical(let codes, let levels): codes[row] < 0 ? nil : levels[Int(codes[row])]
    }
  }

  /// The different texts in the column, in no particular order; missing cells do not count. O(n).
  var distinctTexts: [String] {
    switch storage {
    case .numeric(let values):
      return Set(values.lazy.filter { !$0.isNaN }).map(Self.spelling)
    case .categorical(let codes, let levels):
      var isUsed = [Bool](repeating: false, count: levels.count)
      for code in codes where code >= 0 { isUsed[Int(code)] = true }
      return zip(levels, isUsed).filter(\.1).map(\.0)
    }
  }

  /// The cells as numbers, NaN where they are missing; the column is one of `table`. O(n).
  ///
  /// - Throws: `TableError` for a cell that is no number.
  func numbers(in table: Table) throws(TableError) -> [Double] {
    switch storage {
    case .numeric(let values):
      return values
    case .categorical(let codes, let levels):
      // A text column because of a cell that may not even be among these rows: read each.
      let numbers = levels.map(NumberParser.number)
      var values = [Double](repeating: .nan, count: codes.count)
      for (row, code) in codes.enumerated() where code >= 0 {
        guard let number = numbers[Int(code)] else {
          throw table.error(row: row, column: name, .textInNumericColumn(levels[Int(code)]))
        }
        values[row] = number
      }
      return values
    }
  }

  /// The shortest text that reads back as `value`, whole numbers without a point.
  static func spelling(of value: Double) -> String {
    // Whole numbers below 2^53 are exact as integers.
    abs(value) < 0x1p53 && value.rounded() == value ? String(Int64(value)) : "\(value)"
  }

  func selecting(rows: some Collection<Int>) -> TableColumn {
    switch storage {
    case .numeric(let values):
      TableColumn(name: name, storage: .numeric(rows.map { values[$0] }))
    case .categorical(let codes, let levels):
      TableColumn(
        name: name, storage: .categorical(codes: rows.map { codes[$0] }, levels: levels))
    }
  }
}
