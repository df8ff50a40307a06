// SPDX-License-Identifier: Apache-2.0
internal import HalfspaceLinalg

/// Rows to train on and rows to test on, chosen at random by a seed.
///
/// ```swift
/// let split = TrainTestSplit(rowCount: table.rowCount, seed: 1)
/// let training = table.selecting(rows: split.training)
/// let test = table.selecting(rows: split.test)
/// ```
///
/// The same numbers and seed give the same rows everywhere. Both parts are in ascending order, so that
/// rows keep the order of their file.
public struct TrainTestSplit: Sendable, Equatable {
  /// Rows to train on, ascending.
  public let training: [Int]
  /// Rows to test on, ascending.
  public let test: [Int]

  /// Splitting and shuffling in training draw from different streams of one seed.
  private static let stream: UInt64 = 0x7465_7374

  /// Splits `0..<rowCount`. The test part has the nearest whole number of rows to
  /// `testFraction` of them, but leaves a row to train on and, unless the fraction is 0, takes at
  /// least one of two. O(n log n).
  public init(rowCount: Int, testFraction: Double = 0.2, seed: UInt64) {
    precondition(rowCount >= 0, "\(rowCount) rows")
    self.init(groups: [Array(0..<rowCount)], testFraction: testFraction, seed: seed)
  }

  /// Splits the rows of `classes` so that every class is in the test part with about
  /// `testFraction` of its rows, to one row, and keeps at least one to train on. O(n log n).
  public init(stratifying classes: [Int32], testFraction: Double = 0.2, seed: UInt64) {
    var groups: [Int32: [Int]] = [:]
    for (row, label) in classes.enumerated() { groups[label, default: []].append(row) }
    self.init(
      groups: groups.keys.sorted().map { groups[$0] ?? [] }, testFraction: testFraction, seed: seed)
  }

  /// Splits each group of rows.
  private init(groups: [[Int]], testFraction: Double, seed: UInt64) {
    precondition(
      testFraction >= 0 && testFraction < 1, "test fraction \(testFraction) is outside 0..<1")
    let counts = Self.testCounts(groups.map(\.count), fraction: testFraction)
    var generator = SeededGenerator(seed: seed, stream: Self.stream)
    var training: [Int] = []
    var test: [Int] = []
    for (group, count) in zip(groups, counts) {
      var shuffled = group
      generator.shuffle(&shuffled)
      test += shuffled.prefix(count)
      training += shuffled.dropFirst(count)
    }
    self.training = training.sorted()
    self.test = test.sorted()
  }

  /// How many rows of each group go to the test part: the shares rounded down, then one more for
  /// the largest remainders until the total is right; never the whole group.
  private static func testCounts(_ sizes: [Int], fraction: Double) -> [Int] {
    let total = sizes.reduce(0, +)
    var wanted = Int((Double(total) * fraction).rounded())
    if fraction > 0 && total > 1 { wanted = max(wanted, 1) }
    let shares = sizes.map { Double($0) * fraction }
    var counts = zip(shares, sizes).map { max(0, min(Int($0), $1 - 1)) }
    let byRemainder = sizes.indices.sorted { a, b in
      let (left, right) = (
        shares[a] - shares[a].rounded(.down), shares[b] - shares[b].rounded(.down)
      )
      return (-left, a) < (-right, b)
    }
    var missing = wanted - counts.reduce(0, +)
    for group in byRemainder where missing > 0 && counts[group] < sizes[group] - 1 {
      counts[group] += 1
      missing -= 1
    }
    return counts
  }
}
