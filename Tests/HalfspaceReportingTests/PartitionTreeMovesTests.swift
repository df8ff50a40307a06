// SPDX-License-Identifier: Apache-2.0
import Foundation
import HalfspaceLinalg
import HalfspaceReporting
import Testing

/// Exactness and work after moves, and how work grows.
@Suite struct PartitionTreeMovesTests {
  private func update(_ index: PartitionTreeIndex, _ rows: [Int32]) {
    unsafe rows.withUnsafeBufferPointer { unsafe index.update(rows: $0) }
  }

  /// Work to find what fires on all queries: node tests, and inner products that decide. (Those
  /// of accepted nodes are the answer's own.)
  private func work(_ index: PartitionTreeIndex, _ queries: Matrix, above threshold: Float) -> Int {
    let before = index.statistics
    var report = FiringReport()
    index.report(queries: queries, rows: 0..<queries.rows, above: threshold, into: &report)
    let after = index.statistics
    return after.rechecked + after.nodesVisited - before.rechecked - before.nodesVisited
  }

  @Test(arguments: [1, 2, 5, 17])
  func `moved rows are found where they are now, after thousands of moves`(d: Int) {
    let weights = gaussian(1500, d, seed: 5)
    let queries = gaussian(10, d, seed: 6, scale: 1 / Float(d).squareRoot())
    var index = PartitionTreeIndex(weights, threads: 2, nonFinite: .decided)
    var generator = SeededGenerator(seed: 7)
    var report = FiringReport()
    for step in 0..<60 {
      let moved = (0..<100).map { _ in Int32(generator.below(1500)) }
      for row in moved {
        // Creep, jump, grow, shrink, and pass through zero, infinity and NaN.
        let fresh = gaussian(1, d, seed: generator.next()).rowArray(0)
        let factor: Float = [0.01, 0.1, 1, 3, 0.2, 0, 1e30, 1e-30, .infinity, .nan][step % 10]
        let keeps: Float = step % 10 < 2 ? 1 : 0
        for c in 0..<d {
          weights[Int(row), c] = (keeps == 1 ? weights[Int(row), c] : 0) + fresh[c] * factor
        }
      }
      update(index, moved)
      for threshold: Float in [1.5, -0.5] {
        index.report(queries: queries, above: threshold, into: &report)
        #expect(
          Oracle(report)
            == Oracle(weights: weights, queries: queries, rows: 0..<10, above: threshold))
      }
    }
    #expect(index.rebuilds > 0)
  }

  @Test func `small moves cost no rebuilding and little work`() {
    let weights = gaussian(8192, 4, seed: 5)
    let queries = gaussian(50, 4, seed: 6, scale: 0.5)
    let index = PartitionTreeIndex(weights)
    let fresh = work(index, queries, above: 2.5)
    for step in 0..<4 {
      let steps = gaussian(8192, 4, seed: UInt64(100 + step), scale: 0.002)
      for r in 0..<8192 { for c in 0..<4 { weights[r, c] += steps[r, c] } }
      update(index, (0..<8192).map { Int32($0) })
    }
    #expect(index.rebuilds == 0)
    #expect(work(index, queries, above: 2.5) < fresh * 11 / 10)
  }

  @Test func `rows that jump anywhere do not spoil the tree`() {
    let weights = gaussian(8192, 4, seed: 5)
    let queries = gaussian(50, 4, seed: 6, scale: 0.5)
    let index = PartitionTreeIndex(weights)
    var generator = SeededGenerator(seed: 8)
    for step in 0..<40 {
      let moved = (0..<400).map { _ in Int32(generator.below(8192)) }
      let rows = gaussian(400, 4, seed: UInt64(1000 + step))
      for (k, row) in moved.enumerated() { weights.setRow(Int(row), to: rows.rowArray(k)) }
      update(index, moved)
    }
    let fresh = work(PartitionTreeIndex(weights), queries, above: 2.5)
    #expect(work(index, queries, above: 2.5) < 2 * fresh)
  }

  @Test func `rows that shrink make bounds sharp again`() {
    let weights = gaussian(2048, 3, seed: 5, scale: 1e6)
    let queries = gaussian(20, 3, seed: 6)
    let index = PartitionTreeIndex(weights)
    for r in 0..<2048 { weights.setRow(r, to: gaussian(1, 3, seed: UInt64(r)).rowArray(0)) }
    let all = (0..<2048).map { Int32($0) }
    update(index, all)
    #expect(work(index, queries, above: 50) < 20 * 2048 / 4)
  }

  @Test(arguments: [(d: 4, exponent: 0.56), (d: 8, exponent: 0.78)])
  func `work grows like a power of the number of rows below one`(
    setting: (d: Int, exponent: Double)
  ) {
    let queries = gaussian(40, setting.d, seed: 2)
    for q in 0..<40 {
      let x = queries.rowArray(q)
      let norm = x.reduce(0) { $0 + $1 * $1 }.squareRoot()
      queries.setRow(q, to: x.map { $0 / norm })
    }
    // Gaussian rows, and as many firing as the theory's threshold says: m^(4/5). Least squares of
    // log work against log m.
    var points: [(x: Double, y: Double)] = []
    for bits in [14, 16, 18] {
      let weights = gaussian(1 << bits, setting.d, seed: 1)
      let threshold = Float((0.4 * log(Double(1 << bits))).squareRoot())
      let index = PartitionTreeIndex(weights)
      let perQuery = Double(work(index, queries, above: threshold)) / 40
      points.append((Double(bits), log2(perQuery)))
    }
    let mean = (x: 16.0, y: points.reduce(0) { $0 + $1.y } / 3)
    let slope =
      points.reduce(0) { $0 + ($1.x - mean.x) * ($1.y - mean.y) }
      / points.reduce(0) { $0 + ($1.x - mean.x) * ($1.x - mean.x) }
    #expect(slope < setting.exponent + 0.02, "\(points)")
  }
}
