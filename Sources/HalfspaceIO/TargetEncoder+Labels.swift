// SPDX-License-Identifier: Apache-2.0

extension TargetEncoder {
  /// The labels in a cell: what stands between separators, without blanks around it.
  static func parts(of text: String, _ separator: Character) -> [String] {
    text.split(separator: separator).compactMap { part in
      let isBlank = { (character: Character) in character == " " || character == "\t" }
      guard let first = part.firstIndex(where: { !isBlank($0) }),
        let last = part.lastIndex(where: { !isBlank($0) })
      else { return nil }
      return String(part[first...last])
    }
  }

  /// The labels of every row, ascending numbers into `labels`; a missing cell has none. Traps unless
  /// the task is multi-label. O(n), of columns of labels O(n L).
  ///
  /// - Throws: `TableError` for a missing column and for a label that training had not; of columns of
  ///   labels for a cell that is missing or neither 0 nor 1.
  public func labelSets(of table: Table) throws(TableError) -> [[Int32]] {
    if case .labelColumns(let names) = encoding { return try Self.labelSets(of: table, names) }
    guard case .multiLabel(let labels, let separator) = encoding, let separator = separator.first
    else { preconditionFailure("the target has not several labels") }
    let target = try table.column(column)
    let numbers = Dictionary(
      zip(labels, labels.indices.map { Int32($0) }), uniquingKeysWith: { first, _ in first })
    // Cells are alike more often than not.
    var known: [String: [Int32]] = [:]
    var sets: [[Int32]] = []
    sets.reserveCapacity(table.rowCount)
    for row in 0..<table.rowCount {
      guard let text = target.text(row) else {
        sets.append([])
        continue
      }
      if let set = known[text] {
        sets.append(set)
        continue
      }
      var set: Set<Int32> = []
      for label in Self.parts(of: text, separator) {
        guard let number = numbers[label] else {
          throw table.error(row: row, column: column, .unknownClass(label, known: labels))
        }
        set.insert(number)
      }
      let sorted = set.sorted()
      known[text] = sorted
      sets.append(sorted)
    }
    return sets
  }

  private static func labelSets(
    of table: Table, _ columns: [String]
  ) throws(TableError) -> [[Int32]] {
    var sets = [[Int32]](repeating: [], count: table.rowCount)
    for (label, name) in columns.enumerated() {
      let values: [Double]
      do throws(TableError) {
        values = try table.column(name).numbers(in: table)
      } catch {
        guard case .textInNumericColumn(let text) = error.reason else { throw error }
        throw TableError(
          file: error.file, line: error.line, column: name, reason: .neitherOneNorZero(text))
      }
      for (row, value) in values.enumerated() where value != 0 {
        guard value == 1 else {
          throw table.error(
            row: row, column: name,
            value.isNaN ? .missingTarget : .neitherOneNorZero(TableColumn.spelling(of: value)))
        }
        sets[row].append(Int32(label))
      }
    }
    return sets
  }

  /// Some of the labels as a cell holds them; traps unless cells hold sets.
  public func text(ofLabels numbers: [Int32]) -> String {
    guard case .multiLabel(let labels, let separator) = encoding else {
      preconditionFailure("the target has not several labels")
    }
    return numbers.map { labels[Int($0)] }.joined(separator: separator)
  }
}
