// SPDX-License-Identifier: Apache-2.0
import CHalfspace
import HalfspaceLinalg
import HalfspaceReporting
import Testing

/// Codes of two planes: what `ExactnessTests` do not see, which compare reports of all structures.
@Suite struct NestedTileIndexTests {
  private func update(_ index: inout some HalfSpaceIndex, _ rows: [Int32], _ distances: [Float]) {
    unsafe rows.withUnsafeBufferPointer { rows in
      unsafe distances.withUnsafeBufferPointer {
        unsafe index.update(rows: rows, displacements: $0)
      }
    }
  }

  /// Unit queries, whose products with normal rows have deviation 1.
  private func queries(_ count: Int, _ d: Int, seed: UInt64) -> Matrix {
    let queries = gaussian(count, d, seed: seed)
    for q in 0..<count {
      let row = queries.rowArray(q)
      let norm = row.reduce(0) { $0 + $1 * $1 }.squareRoot()
      queries.setRow(q, to: row.map { $0 / norm })
    }
    return queries
  }

  @Test(arguments: [(16, 0.04, 1.1), (128, 0.15, 1.1), (400, 0.05, 1.3)])
  func `coarse codes leave few rows, and fine codes little more than fire`(
    d: Int, share: Double, excess: Double
  ) {
    // 1 % fire. The shares are the tails behind 2.33 - 0.0975 sqrt(d), or 0.027 sqrt(d) from 193
    // columns on, and some more.
    let weights = gaussian(8000, d, seed: 1)
    let asked = queries(20, d, seed: 2)
    let index = NestedTileIndex(weights)
    var report = FiringReport()
    index.report(queries: asked, rows: 0..<20, above: 2.3263, into: &report)
    let work = index.statistics
    let pairs = 20 * 8000
    #expect(report.count > pairs / 150)
    #expect(Double(work.rechecked) < excess * Double(report.count) + 40)
    let finelyChecked = work.innerProducts - work.rechecked - pairs
    #expect(Double(finelyChecked) < share * Double(pairs))
    // Coarse codes are read in full: 4 or 6 bits.
    #expect(work.bytesScanned < pairs * d + finelyChecked * d + work.rechecked * 4 * (d + 16))
    #expect(work.nodesVisited == 20 * 125 && work.queries == 20 && work.reported == report.count)
  }

  @Test(arguments: [1, 3, 20, 130, 260])
  func `thousands of noted moves leave reports exact and the filter sharp`(d: Int) {
    let weights = gaussian(500, d, seed: 5)
    let asked = queries(12, d, seed: 6)
    var index = NestedTileIndex(weights)
    var generator = SeededGenerator(seed: 9)
    var report = FiringReport()
    for step in 0..<80 {
      // Small steps, now and then one of the size of the row; at last, rows shrink away.
      let length: Float = step % 20 == 19 ? 1 : 0.004
      let moved = (0..<100).map { _ in Int32(generator.below(500)) }
      let distances = moved.map { row -> Float in
        var square = 0.0
        for c in 0..<d {
          let before = weights[Int(row), c]
          let moved = before + length * (Float(generator.below(2001)) / 1000 - 1)
          weights[Int(row), c] = step < 60 ? moved : before * 0.8
          let change = Double(weights[Int(row), c]) - Double(before)
          square += change * change
        }
        return Float(square.squareRoot() * (1 + 1e-9)).nextUp
      }
      update(&index, moved, distances)
      guard step % 5 == 4 else { continue }
      let threshold: Float = step < 60 ? 1.5 : 0.3
      let expected = Oracle(weights: weights, queries: asked, rows: 0..<12, above: threshold)
      let before = index.statistics.rechecked
      index.report(queries: asked, rows: 0..<12, above: threshold, into: &report)
      #expect(Oracle(report) == expected)
      #expect(index.statistics.rechecked - before < 2 * report.count + 40)
    }
  }

  @Test func `a move of the whole budget at the threshold loses no pair`() {
    // All rows along the query, just below the threshold; each step may carry them above it.
    let d = 33
    let direction = gaussian(1, d, seed: 3).rowArray(0)
    let square = direction.reduce(0) { $0 + $1 * $1 }
    let weights = Matrix(rows: 130, columns: d)
    for r in 0..<130 { weights.setRow(r, to: direction.map { $0 * 0.98 / square }) }
    let asked = Matrix([direction])
    var index = NestedTileIndex(weights)
    var report = FiringReport()
    var fired = 0
    for step in 0..<200 {
      let row = step * 37 % 130
      let factor: Float = 1 + Float(step % 9) * 0.005
      var distance = 0.0
      for c in 0..<d {
        let moved = weights[row, c] * factor
        let change = Double(moved) - Double(weights[row, c])
        distance += change * change
        weights[row, c] = moved
      }
      update(&index, [Int32(row)], [Float(distance.squareRoot()).nextUp])
      index.report(queries: asked, above: 1, into: &report)
      fired += report.count
      #expect(Oracle(report) == Oracle(weights: weights, queries: asked, rows: 0..<1, above: 1))
    }
    #expect(fired > 1000)
  }

  @Test func `unknown and enormous displacements encode the row again`() {
    let weights = gaussian(100, 9, seed: 1)
    let asked = gaussian(5, 9, seed: 2)
    var index = NestedTileIndex(weights, nonFinite: .decided)
    var report = FiringReport()
    for (step, distance) in [Float.infinity, .nan, -1, 3e38, .greatestFiniteMagnitude].enumerated()
    {
      for factor: Float in [1e30, .infinity, .nan, 0, 1] {
        let fresh = gaussian(1, 9, seed: UInt64(step)).rowArray(0)
        weights.setRow(step + 60, to: fresh.map { $0 * factor })
        update(&index, [Int32(step + 60)], [distance])
        index.report(queries: asked, above: 0.5, into: &report)
        #expect(
          Oracle(report) == Oracle(weights: weights, queries: asked, rows: 0..<5, above: 0.5))
      }
    }
  }

  @Test(arguments: [10, 200])
  func `outliers, heavy tails and lattices are reported exactly`(
    d: Int
  ) {
    let weights = gaussian(1000, d, seed: 21)
    for r in 0..<1000 {
      switch r / 64 % 4 {
      // One coordinate far out; the cube of a normal number; a lattice of few values; nearly nothing.
      case 0: weights[r, r % d] += 100
      case 1: for c in 0..<d { weights[r, c] *= weights[r, c] * weights[r, c] }
      case 2: for c in 0..<d { weights[r, c].round() }
      default: for c in 0..<d where (r + c) % 7 > 0 { weights[r, c] = 0 }
      }
    }
    let asked = queries(16, d, seed: 22)
    let index = NestedTileIndex(weights)
    var report = FiringReport()
    for threshold: Float in [0.2, 2, 5] {
      let before = index.statistics.rechecked
      index.report(queries: asked, rows: 0..<16, above: threshold, into: &report)
      #expect(
        Oracle(report) == Oracle(weights: weights, queries: asked, rows: 0..<16, above: threshold))
      // Fine codes of 8 bits reach them; of 4 bits, for long rows, they do not.
      #expect(d > 192 || index.statistics.rechecked - before < 2 * report.count + 100)
    }
  }

  @Test func `threads change nothing but the time`() {
    // Enough weights for tasks.
    let weights = gaussian(40_000, 100, seed: 31)
    let asked = queries(3, 100, seed: 32)
    let expected = Oracle(weights: weights, queries: asked, rows: 0..<3, above: 2)
    var report = FiringReport()
    for threads in [1, 2, 3] {
      let index = NestedTileIndex(weights, threads: threads)
      for _ in 0..<2 {
        index.report(queries: asked, rows: 0..<3, above: 2, into: &report)
        #expect(Oracle(report) == expected)
      }
      #expect(index.statistics.nodesVisited == 2 * 3 * 625)
    }
  }

  @Test func `too many columns are refused`() async {
    await #expect(processExitsWith: .failure) {
      _ = NestedTileIndex(Matrix(rows: 1, columns: (1 << 16) + 1))
    }
  }
}
