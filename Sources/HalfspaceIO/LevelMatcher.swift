// SPDX-License-Identifier: Apache-2.0

/// Finds the level that a cell stands for.
///
/// Levels are texts. A file with few rows can have only numbers in a column whose training
/// file also had texts; its cells then come as numbers, without their spelling, and stand for the
/// level of the same value if there is exactly one.
struct LevelMatcher {
  private let texts: [String: Int]
  private let numbers: [Double: Int]

  init(levels: [String]) {
    texts = Dictionary(zip(levels, levels.indices)) { first, _ in first }
    var numbers: [Double: Int] = [:]
    var ambiguous: Set<Double> = []
    for (index, level) in levels.enumerated() {
      guard let value = NumberParser.number(level) else { continue }
      if numbers.updateValue(index, forKey: value) != nil { ambiguous.insert(value) }
    }
    for value in ambiguous { numbers[value] = nil }
    self.numbers = numbers
  }

  /// The index of the level spelled `text`. O(1).
  func index(of text: String) -> Int? { texts[text] }

  /// The index of the level that `number` stands for. O(1).
  func index(of number: Double) -> Int? {
    texts[TableColumn.spelling(of: number)] ?? numbers[number]
  }

  /// For every row of `column` the index of its level, `missing` for a missing cell. O(n).
  ///
  /// Rows whose cell stands for no level are handed to `unknown`, with the cell's text or nil
  /// where it is missing and `missing` is nil; what that returns stands in.
  func indices<Failure: Error>(
    of column: TableColumn, missing: Int? = nil,
    unknown: (_ row: Int, _ text: String?) throws(Failure) -> Int
  ) throws(Failure) -> [Int] {
    var result = [Int](repeating: 0, count: column.count)
    switch column.storage {
    case .numeric(let values):
      for (row, value) in values.enumerated() {
        if let index = value.isNaN ? missing : index(of: value) {
          result[row] = index
        } else {
          result[row] = try unknown(row, column.text(row))
        }
      }
    case .categorical(let codes, let levels):
      let known = levels.map(index(of:))
      for (row, code) in codes.enumerated() {
        if let index = code < 0 ? missing : known[Int(code)] {
          result[row] = index
        } else {
          result[row] = try unknown(row, column.text(row))
        }
      }
    }
    return result
  }

  /// The different texts among `texts` in order of their bytes. Texts that differ only in how
  /// Unicode composes their characters count as one.
  static func sortedLevels(_ texts: some Sequence<String>) -> [String] {
    var seen: Set<String> = []
    return texts.sorted(by: precedes).filter { seen.insert($0).inserted }
  }

  /// Order of bytes: the same whatever the locale and the version of Unicode.
  static func precedes(_ a: String, _ b: String) -> Bool {
    a.utf8.lexicographicallyPrecedes(b.utf8)
  }
}
