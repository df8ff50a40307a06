// SPDX-License-Identifier: Apache-2.0
import HalfspaceLinalg
import Testing
import _HalfspaceTestSupport

@testable import HalfspaceReporting

@Suite struct FrozenIndexTests {
  private let weights = TestData.gaussian(3000, 6, seed: 1)
  private let queries = TestData.unitRows(150, 6, seed: 2)

  /// The pairs of a report, query by query.
  private func pairs(_ report: borrowing FiringReport) -> [[Float]] {
    (0..<report.queryCount).map { report.neurons(of: $0).map(Float.init) + report.values(of: $0) }
  }

  private func expected(_ rows: Range<Int>, above threshold: Float) -> [[Float]] {
    var report = FiringReport()
    BruteForceIndex(weights, method: .scan)
      .report(queries: queries, rows: rows, above: threshold, into: &report)
    return pairs(report)
  }

  @Test(arguments: [1, 7, 50])
  func `reports are those of brute force, before a choice and after it`(size: Int) {
    let index = FrozenIndex(weights, patience: 4 * weights.rows * weights.stride * size)
    var report = FiringReport()
    #expect(index.choice(forBatchesOf: size) == nil)
    for first in stride(from: 0, through: 150 - size, by: max(5, size)) {
      index.report(queries: queries, rows: first..<(first + size), above: 2, into: &report)
      #expect(pairs(report) == expected(first..<(first + size), above: 2))
    }
    for _ in 0..<20 {
      index.report(queries: queries, rows: 3..<(3 + size), above: 2, into: &report)
    }
    #expect(index.choice(forBatchesOf: size) != nil)
    for threshold in [1.5, 2.5, 9, -.infinity, .infinity, .nan] as [Float] {
      index.report(queries: queries, rows: 0..<size, above: threshold, into: &report)
      #expect(pairs(report) == expected(0..<size, above: threshold))
    }
    index.report(queries: queries, rows: 5..<5, above: 2, into: &report)
    #expect(report.queryCount == 0)
  }

  @Test func `a choice can be made beforehand, for a batch size at a time`() {
    let index = FrozenIndex(weights)
    index.prepare(forBatchesOf: 1, like: queries, above: 2)
    #expect(index.choice(forBatchesOf: 2) != nil && index.choice(forBatchesOf: 3) == nil)
    index.prepare(forBatchesOf: 64, like: queries.gather([1]), above: 2)
    #expect(index.choice(forBatchesOf: 200) != nil)
    var report = FiringReport()
    for size in [1, 150] {
      index.report(queries: queries, rows: 0..<size, above: 2, into: &report)
      #expect(pairs(report) == expected(0..<size, above: 2))
    }
  }

  @Test func `structures answer alike through forks`() {
    let structures: [any ForkableIndex] = [
      BruteForceIndex(weights), CertifiedTileIndex(weights), PartitionTreeIndex(weights),
      CertifiedTileIndex(weights, options: TileOptions(order: .spatial)),
    ]
    for structure in structures {
      for size in [1, 60] {
        var (one, other) = (structure.fork(), structure.fork())
        var first = FiringReport()
        var second = FiringReport()
        one.report(queries: queries, rows: 0..<size, above: 2, into: &first)
        other.report(queries: queries, rows: 0..<size, above: 2, into: &second)
        #expect(pairs(first) == expected(0..<size, above: 2))
        #expect(pairs(second) == expected(0..<size, above: 2))
      }
    }
  }

  @Test func `many callers ask at once, while choices are made`() async {
    let index = FrozenIndex(weights, patience: 20 * weights.rows * weights.stride)
    let all = expected(0..<150, above: 2)
    let identical = await withTaskGroup(of: Bool.self) { group in
      for task in 0..<16 {
        group.addTask {
          var report = FiringReport()
          return (0..<12).allSatisfy { k in
            let size = [1, 10, 40][(task + k) % 3]
            let first = (task * 31 + k * 17) % (150 - size)
            index.report(
              queries: self.queries, rows: first..<(first + size), above: 2, into: &report)
            return self.pairs(report) == Array(all[first..<(first + size)])
          }
        }
      }
      return await group.reduce(into: []) { $0.append($1) }
    }
    #expect(identical == .init(repeating: true, count: 16))
    #expect(index.choice(forBatchesOf: 40) != nil)
  }
}
