// SPDX-License-Identifier: Apache-2.0

extension RowFile {
  /// Among the given rows, those that show what a sample of them may miss: the smallest and the
  /// largest number of a column, its first missing cell, the first cell of each of its levels.
  /// Ascending; at most 1003 a column. O(rows * columns).
  ///
  /// A column of more levels than an encoder takes is left at that: it is refused all the same.
  ///
  /// - Throws: `FileError` when rows cannot be read.
  func witnesses(among rows: [Int], columns: [Int]) throws -> [Int] {
    var spans = columns.map { _ in Extremes() }
    try forEachBlock(of: rows) { part, numbers in
      for (place, column) in columns.enumerated() {
        let isText = levels[column] != nil
        var span = spans[place]
        for (k, row) in part.enumerated() {
          let value = numbers[k * width + column]
          if isText { span.see(level: value, row) } else { span.see(number: value, row) }
        }
        spans[place] = span
      }
    }
    return Set(spans.flatMap(\.rows)).sorted()
  }

  /// Rows in which a column has what it has.
  private struct Extremes {
    private var least = (value: Double.infinity, row: -1)
    private var largest = (value: -Double.infinity, row: -1)
    private var missing: Int?
    private var levels: [Int: Int] = [:]

    mutating func see(number: Double, _ row: Int) {
      if number.isNaN {
        if missing == nil { missing = row }
        return
      }
      if number < least.value { least = (number, row) }
      if number > largest.value { largest = (number, row) }
    }

    mutating func see(level: Double, _ row: Int) {
      if level.isNaN {
        if missing == nil { missing = row }
      } else if levels[Int(level)] == nil, levels.count <= TableEncoder.mostLevels {
        levels[Int(level)] = row
      }
    }

    var rows: [Int] {
      [least.row, largest.row].filter { $0 >= 0 } + [missing].compactMap { $0 } + levels.values
    }
  }
}
