// SPDX-License-Identifier: Apache-2.0
import HalfspaceLinalg
import HalfspaceReporting
import Testing

/// Rows that move, and are known to have moved by no more than so much.
@Suite struct TileDriftTests {
  @Test(arguments: [1, 7, 17, 64])
  func `thousands of noted moves leave reports exact and the filter sharp`(d: Int) {
    let weights = gaussian(500, d, seed: 5)
    let queries = gaussian(24, d, seed: 6, scale: 1 / Float(d).squareRoot())
    var indices = tileOptions(weights, of: queries).map {
      CertifiedTileIndex(weights, options: $0)
    }
    var generator = SeededGenerator(seed: 9)
    var report = FiringReport()
    for step in 0..<60 {
      // Small steps, now and then one of the size of the row.
      let length: Float = step % 20 == 19 ? 1 : 0.004
      let moved = (0..<100).map { _ in Int32(generator.below(500)) }
      let distances = moved.map { move(Int($0), of: weights, by: length, &generator) }
      for k in indices.indices { tell(&indices[k], moved, distances) }
      guard step % 5 == 4 else { continue }
      for rows in [0..<24, 3..<4] {
        let expected = Oracle(weights: weights, queries: queries, rows: rows, above: 1.5)
        for index in indices {
          let before = index.statistics.rechecked
          index.report(queries: queries, rows: rows, above: 1.5, into: &report)
          let rechecked = index.statistics.rechecked - before
          #expect(Oracle(report) == expected, "\(index.options)")
          #expect(index.encodedDimension < d || rechecked < 2 * report.count + 40)
        }
      }
    }
  }

  @Test(arguments: [3, 17, 33])
  func `a move of the whole budget at the threshold loses no pair`(d: Int) {
    // All rows along the query, just below the threshold; each step may carry them above it.
    let direction = gaussian(1, d, seed: 3).rowArray(0)
    let square = direction.reduce(0) { $0 + $1 * $1 }
    let weights = Matrix(rows: 130, columns: d)
    for r in 0..<130 { weights.setRow(r, to: direction.map { $0 * 0.98 / square }) }
    let queries = Matrix([direction])
    var index = CertifiedTileIndex(weights)
    var report = FiringReport()
    var fired = 0
    for step in 0..<200 {
      let row = step * 37 % 130
      let factor: Float = 1 + Float(step % 9) * 0.005
      var distance = 0.0
      for c in 0..<d {
        let moved = weights[row, c] * factor
        distance +=
          (Double(moved) - Double(weights[row, c])) * (Double(moved) - Double(weights[row, c]))
        weights[row, c] = moved
      }
      tell(&index, [Int32(row)], [Float(distance.squareRoot()).nextUp])
      index.report(queries: queries, above: 1, into: &report)
      fired += report.count
      #expect(
        Oracle(report) == Oracle(weights: weights, queries: queries, rows: 0..<1, above: 1))
    }
    #expect(fired > 1000)
  }

  @Test func `unknown and enormous displacements encode the row again`() {
    let weights = gaussian(100, 9, seed: 1)
    let queries = gaussian(5, 9, seed: 2)
    var index = CertifiedTileIndex(weights, nonFinite: .decided)
    var report = FiringReport()
    for (step, distance) in [Float.infinity, .nan, -1, 3e38, .greatestFiniteMagnitude].enumerated()
    {
      for factor: Float in [1e30, .infinity, .nan, 0, 1] {
        let fresh = gaussian(1, 9, seed: UInt64(step)).rowArray(0)
        weights.setRow(step + 60, to: fresh.map { $0 * factor })
        tell(&index, [Int32(step + 60)], [distance])
        index.report(queries: queries, above: 0.5, into: &report)
        #expect(
          Oracle(report) == Oracle(weights: weights, queries: queries, rows: 0..<5, above: 0.5))
      }
    }
  }

  @Test func `an index that ignores displacements is told all the same`() {
    let weights = gaussian(300, 9, seed: 1)
    let queries = gaussian(20, 9, seed: 2)
    var index = BruteForceIndex(weights, method: .product)
    var report = FiringReport()
    weights.setRow(7, to: [Float](repeating: 1e6, count: 9))
    tell(&index, [7], [1e7])
    index.report(queries: queries, above: 1, into: &report)
    #expect(Oracle(report) == Oracle(weights: weights, queries: queries, rows: 0..<20, above: 1))
  }

  @Test func `a displacement is wanted for every row`() async {
    await #expect(processExitsWith: .failure) {
      let index = CertifiedTileIndex(Matrix(rows: 2, columns: 3))
      unsafe [Int32(1)].withUnsafeBufferPointer { rows in
        unsafe index.update(rows: rows, displacements: UnsafeBufferPointer(start: nil, count: 0))
      }
    }
  }
}
