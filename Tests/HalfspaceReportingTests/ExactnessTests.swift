// SPDX-License-Identifier: Apache-2.0
import CHalfspace
import Foundation
import HalfspaceLinalg
import HalfspaceReporting
import Testing

/// All structures give the report of a dense pass, bit for bit, whatever the input, the threads and
/// the instruction set.
@Suite struct ExactnessTests {
  /// Every structure over these rows, by name.
  private func structures(
    _ weights: Matrix, threads: Int = 1
  ) -> [(name: String, index: any HalfSpaceIndex)] {
    var all: [(String, any HalfSpaceIndex)] = [
      ("scan", BruteForceIndex(weights, threads: threads, method: .scan, nonFinite: .decided)),
      (
        "product", BruteForceIndex(weights, threads: threads, method: .product, nonFinite: .decided)
      ),
      ("tiles", CertifiedTileIndex(weights, threads: threads, nonFinite: .decided)),
      ("nested", NestedTileIndex(weights, threads: threads, nonFinite: .decided)),
      ("automatic", AutomaticIndex(weights, threads: threads, nonFinite: .decided)),
    ]
    if weights.columns > 0 {
      all.append(("tree", PartitionTreeIndex(weights, threads: threads, nonFinite: .decided)))
      let ordered = TileOptions(order: .spatial)
      all.append(
        (
          "ordered",
          CertifiedTileIndex(weights, threads: threads, options: ordered, nonFinite: .decided)
        ))
      // Half of the directions: what is left out weighs as much as what is kept.
      let prefix = TileOptions(
        order: weights.rows % 2 == 0 ? .given : .spatial,
        sampleQueries: gaussian(40, weights.columns, seed: 99),
        prefix: max(1, weights.columns / 2))
      all.append(
        (
          "prefix",
          CertifiedTileIndex(weights, threads: threads, options: prefix, nonFinite: .decided)
        ))
    }
    return all
  }

  /// Asks all structures, in one batch, in small ones and one by one, and expects what every pair's
  /// canonical product says.
  private func expectExact(
    _ weights: Matrix, _ queries: Matrix, above threshold: Float, threads: Int = 1
  ) {
    let count = queries.rows
    let expected = Oracle(weights: weights, queries: queries, rows: 0..<count, above: threshold)
    var report = FiringReport()
    for entry in structures(weights, threads: threads) {
      var index = entry.index
      for size in Set([1, 5, count]) {
        var found: [[Int]] = []
        var values: [[UInt32]] = []
        for begin in stride(from: 0, to: count, by: size) {
          index.report(
            queries: queries, rows: begin..<min(count, begin + size), above: threshold,
            into: &report)
          let own = Oracle(report)
          found += own.neurons
          values += own.values
        }
        #expect(
          found == expected.neurons && values == expected.values,
          "\(entry.name), \(weights.rows) x \(weights.columns), b = \(threshold), by \(size)")
      }
    }
  }

  // MARK: Next to the threshold

  /// Rows that differ from one another by units of the last place.
  private func neighbors(of row: [Float], count: Int, seed: UInt64) -> Matrix {
    var generator = SeededGenerator(seed: seed)
    let matrix = Matrix(rows: count, columns: row.count)
    for r in 0..<count {
      // One coordinate differs in most rows, so that products stay a few units apart.
      matrix.setRow(r, to: row)
      guard r % 4 != 0 else { continue }
      let c = generator.below(row.count)
      matrix[r, c] = r % 2 == 0 ? row[c].nextUp : row[c].nextDown
    }
    return matrix
  }

  private func isIdentical(
    _ report: borrowing FiringReport, _ other: borrowing FiringReport
  ) -> Bool {
    guard report.queryCount == other.queryCount, report.count == other.count else { return false }
    return unsafe memcmp(report.offsets, other.offsets, 8 * (report.queryCount + 1)) == 0
      && memcmp(report.neurons, other.neurons, 4 * report.count) == 0
      && memcmp(report.values, other.values, 4 * report.count) == 0
  }

  /// Products above a cutoff.
  private func count(_ products: Matrix, above cutoff: Float, _ scratch: inout [Int32]) -> Int {
    (0..<products.rows).reduce(0) { sum, q in
      unsafe sum
        + hs_filter_f32(products.columns, products.row(q), cutoff, 0, &scratch)
    }
  }

  /// Every structure over `weights`, made when these rows were elsewhere: each has moved several
  /// times since, to where it is, and every structure has heard of all of it.
  private func structuresAfterMoves(
    of weights: Matrix, threads: Int
  ) -> [(name: String, index: any HalfSpaceIndex)] {
    let goal = weights.copy()
    let (m, d) = (weights.rows, weights.columns)
    for r in 0..<m { weights.setRow(r, to: gaussian(1, d, seed: UInt64(r)).rowArray(0)) }
    let all = structures(weights, threads: threads)
    for round in 1...4 {
      for part in 0..<3 {
        let moved = stride(from: part, to: m, by: 3).map { Int32($0) }
        var distances: [Float] = []
        for row in moved {
          let before = weights.rowArray(Int(row))
          let target = goal.rowArray(Int(row))
          weights.setRow(
            Int(row), to: round == 4 ? target : zip(before, target).map { ($0 + $1) / 2 })
          let square = zip(before, weights.rowArray(Int(row))).reduce(0.0) {
            $0 + (Double($1.0) - Double($1.1)) * (Double($1.0) - Double($1.1))
          }
          distances.append(Float(square.squareRoot() * 1.00001).nextUp)
        }
        for entry in all {
          var index = entry.index
          unsafe moved.withUnsafeBufferPointer { rows in
            guard (round + part) % 2 == 0 else { return unsafe index.update(rows: rows) }
            unsafe distances.withUnsafeBufferPointer {
              unsafe index.update(rows: rows, displacements: $0)
            }
          }
        }
      }
    }
    return all
  }

  @Test func `a million pairs within two units of the threshold are decided alike by all`() {
    let best = Runtime.instructionSet
    defer { _ = Runtime.select(best) }
    let (m, n) = (768, 96)
    var near = 0
    var decided = 0
    var scratch = [Int32](repeating: 0, count: m)
    for (k, d) in [1, 2, 3, 8, 16, 31, 64, 100, 130].enumerated() {
      let weights = neighbors(of: gaussian(1, d, seed: 7).rowArray(0), count: m, seed: 8)
      let queries = neighbors(of: gaussian(1, d, seed: 9).rowArray(0), count: n, seed: 10)
      let products = queries.canonicalProduct(with: weights)
      let z = products[0, 0]
      let thresholds = [z.nextDown.nextDown, z.nextDown, z, z.nextUp, z.nextUp.nextUp]
      for (level, set) in Runtime.InstructionSet.allCases.enumerated() where Runtime.select(set) {
        let threads = 1 + (k + level) % 3
        // As they were made, and after thousands of updates.
        let all =
          structures(weights, threads: threads)
          + structuresAfterMoves(of: weights.copy(), threads: threads)
        for threshold in thresholds {
          let below = threshold.nextDown.nextDown.nextDown
          let above = threshold.nextUp.nextUp
          if level == 0 {
            near +=
              count(products, above: below, &scratch) - count(products, above: above, &scratch)
            decided += m * n
          }
          var expected = FiringReport()
          for q in 0..<n {
            let room = unsafe expected.reserve(m)
            let fired = unsafe hs_filter_f32(m, products.row(q), threshold, 0, room.neurons)
            for e in 0..<fired {
              unsafe room.values[e] = products[q, Int(room.neurons[e])] - threshold
            }
            expected.commit(fired)
            expected.endQuery()
          }
          var report = FiringReport()
          for entry in all {
            var index = entry.index
            index.report(queries: queries, above: threshold, into: &report)
            let isSame = isIdentical(report, expected)
            #expect(isSame, "\(entry.name), d = \(d), b = \(threshold), \(set), \(threads) threads")
          }
        }
      }
    }
    #expect(near > 1_000_000, "\(near) of \(decided)")
  }

  // MARK: Odd shapes and numbers

  @Test(arguments: [(0, 3), (1, 1), (1, 7), (2, 1), (63, 1), (64, 2), (65, 5), (300, 1)])
  func `few rows and few coordinates are reported exactly`(shape: (m: Int, d: Int)) {
    let weights = gaussian(shape.m, shape.d, seed: 1)
    let queries = gaussian(9, shape.d, seed: 2)
    for threshold: Float in [-.infinity, -100, 0, 0.5, 100, .infinity, .nan] {
      expectExact(weights, queries, above: threshold)
    }
  }

  @Test(arguments: [2, 17, 40])
  func `duplicates, zero rows and ties are reported exactly`(d: Int) {
    let weights = integers(700, d, seed: 3)
    for r in stride(from: 0, to: 700, by: 7) {
      weights.setRow(r, to: [Float](repeating: 0, count: d))
    }
    for r in 200..<400 { weights.setRow(r, to: weights.rowArray(199)) }
    let queries = integers(7, d, seed: 4)
    queries.setRow(3, to: [Float](repeating: 0, count: d))
    for threshold: Float in [-3, -0.0, 0, 2, 5] { expectExact(weights, queries, above: threshold) }
  }

  @Test(arguments: [1, 4, 24])
  func `huge, tiny and denormal norms are reported exactly`(d: Int) {
    let sizes: [Float] = [0x1p-149, 0x1p-130, 1e-30, 1e-12, 1, 1e12, 1e18, 1e30, 1e37]
    let weights = gaussian(64 * sizes.count, d, seed: 5)
    let queries = gaussian(2 * sizes.count, d, seed: 6)
    for r in 0..<weights.rows {
      // Whole tiles of one size, and a mixed end.
      let size = r < 32 * sizes.count ? sizes[r / 32] : sizes[r % sizes.count]
      for c in 0..<d { weights[r, c] *= size }
    }
    for q in 0..<queries.rows { for c in 0..<d { queries[q, c] *= sizes[q % sizes.count] } }
    for threshold: Float in [-1e30, -1e-38, 0, 0x1p-149, 1e-20, 1, 1e25] {
      expectExact(weights, queries, above: threshold)
    }
  }

  @Test func `rows and queries that are not numbers report nothing, infinite ones what they say`() {
    let weights = gaussian(300, 6, seed: 7)
    let queries = gaussian(6, 6, seed: 8)
    weights[17, 2] = .nan
    weights[100, 0] = .infinity
    weights[101, 5] = -.infinity
    queries[1, 3] = .nan
    queries[2, 1] = .infinity
    for threshold: Float in [-5, 0, 2] { expectExact(weights, queries, above: threshold) }
    var report = FiringReport()
    for entry in structures(weights) {
      var index = entry.index
      index.report(queries: queries, above: -1e38, into: &report)
      #expect(report.neurons(of: 1).isEmpty && !report.neurons(of: 0).contains(17))
    }
  }

  @Test func `all rows fire, or none`() {
    let weights = gaussian(500, 12, seed: 9)
    let queries = gaussian(40, 12, seed: 10)
    var report = FiringReport()
    for entry in structures(weights, threads: 2) {
      var index = entry.index
      index.report(queries: queries, above: -1000, into: &report)
      #expect(report.count == 500 * 40)
      #expect(report.neurons(of: 39) == (0..<500).map { Int32($0) })
      index.report(queries: queries, above: 1000, into: &report)
      #expect(report.count == 0 && report.queryCount == 40)
    }
  }

  // MARK: Moves

  @Test(arguments: [3, 20, 70])
  func `reports stay exact through thousands of updates`(d: Int) {
    let weights = gaussian(1200, d, seed: 11)
    let queries = gaussian(24, d, seed: 12, scale: 1 / Float(d).squareRoot())
    let all = structures(weights, threads: 2)
    var generator = SeededGenerator(seed: 13)
    var report = FiringReport()
    for step in 0..<200 {
      let moved = Set((0..<20).map { _ in Int32(generator.below(1200)) }).sorted()
      let steps = gaussian(moved.count, d, seed: generator.next())
      // Mostly small steps as in training, now and then far ones.
      let size: Float = step % 10 == 9 ? 1 : 0.01
      var distances: [Float] = []
      for (k, row) in moved.enumerated() {
        var square: Double = 0
        for c in 0..<d {
          let before = weights[Int(row), c]
          weights[Int(row), c] += size * steps[k, c]
          square += Double(weights[Int(row), c] - before) * Double(weights[Int(row), c] - before)
        }
        distances.append(Float(square.squareRoot() * 1.00001).nextUp)
      }
      for entry in all {
        var index = entry.index
        unsafe moved.withUnsafeBufferPointer { rows in
          guard step % 3 > 0 else { return unsafe index.update(rows: rows) }
          unsafe distances.withUnsafeBufferPointer {
            unsafe index.update(rows: rows, displacements: $0)
          }
        }
      }
      guard step % 20 > 17 else { continue }
      for rows in [0..<1, 3..<9, 0..<24] {
        let expected = Oracle(weights: weights, queries: queries, rows: rows, above: 1.5)
        for entry in all {
          var index = entry.index
          index.report(queries: queries, rows: rows, above: 1.5, into: &report)
          #expect(Oracle(report) == expected, "\(entry.name), step \(step)")
        }
      }
    }
  }
}
