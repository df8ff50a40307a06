// SPDX-License-Identifier: Apache-2.0

/// Some of many rows.
enum EvenSample {
  /// Up to `count` of `rows`, at equal distances, in their order. O(count).
  static func rows(_ count: Int, of rows: [Int]) -> [Int] {
    guard rows.count > count else { return rows }
    return (0..<count).map { rows[$0 * rows.count / count] }
  }
}
