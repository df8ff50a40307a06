// SPDX-License-Identifier: Apache-2.0
import Foundation
import HalfspaceLinalg
import HalfspaceReporting
import Testing

@Suite struct CertifiedTileIndexTests {
  static let shapes: [(m: Int, d: Int)] = [
    (1, 1), (2, 3), (15, 2), (63, 17), (64, 16), (65, 128), (511, 5), (513, 33), (1300, 17),
    (5003, 3), (2049, 1), (300, 300),
  ]

  private func ask(
    _ weights: Matrix, _ queries: Matrix, _ rows: Range<Int>? = nil, above threshold: Float,
    threads: Int = 1
  ) -> Oracle {
    let index = CertifiedTileIndex(weights, threads: threads, nonFinite: .decided)
    var report = FiringReport()
    index.report(
      queries: queries, rows: rows ?? 0..<queries.rows, above: threshold, into: &report)
    return Oracle(report)
  }

  /// Asks one by one, in small and in large batches, and expects what every row gives.
  private func expectExact(
    _ weights: Matrix, _ queries: Matrix, above threshold: Float, threads: [Int] = [1, 2]
  ) {
    let count = queries.rows
    let expected = Oracle(weights: weights, queries: queries, rows: 0..<count, above: threshold)
    for (threads, options) in threads.flatMap({ n in tileOptions(weights).map { (n, $0) } }) {
      let index = CertifiedTileIndex(
        weights, threads: threads, options: options, nonFinite: .decided)
      var report = FiringReport()
      for size in [1, 5, count] {
        var found: [[Int]] = []
        var values: [[UInt32]] = []
        for begin in stride(from: 0, to: count, by: size) {
          index.report(
            queries: queries, rows: begin..<min(count, begin + size), above: threshold,
            into: &report)
          found += Oracle(report).neurons
          values += Oracle(report).values
        }
        #expect(
          found == expected.neurons && values == expected.values,
          "b = \(threshold), \(threads) threads, batches of \(size), \(options)")
      }
    }
  }

  @Test(arguments: shapes)
  func `a report equals the canonical products`(shape: (m: Int, d: Int)) {
    let weights = gaussian(shape.m, shape.d, seed: 3)
    let queries = gaussian(7, shape.d, seed: 4, scale: 1 / Float(shape.d).squareRoot())
    queries.setRow(2, to: [Float](repeating: 0, count: shape.d))
    queries.setRow(6, to: queries.rowArray(5))
    if shape.m > 2 {
      weights.setRow(1, to: [Float](repeating: 0, count: shape.d))
      weights.setRow(shape.m - 1, to: weights.rowArray(0))
    }
    for threshold: Float in [-50, -0.5, 0, 1, 2.5, 50, .infinity, -.infinity, .nan] {
      expectExact(weights, queries, above: threshold, threads: [1, 3])
    }
  }

  @Test(arguments: shapes)
  func `a report row by row has the same pairs`(shape: (m: Int, d: Int)) {
    let weights = gaussian(shape.m, shape.d, seed: 3)
    let queries = gaussian(150, shape.d, seed: 4, scale: 1 / Float(shape.d).squareRoot())
    queries.setRow(2, to: [Float](repeating: 0, count: shape.d))
    if shape.m > 2 { weights.setRow(1, to: [Float](repeating: .infinity, count: shape.d)) }
    // Parts of their own length begin and end within tiles, and may be empty.
    let places = [0, shape.m / 5, shape.m / 5, shape.m / 2, shape.m]
    for (threads, places) in [(1, []), (3, []), (2, places), (4, places)] {
      let index = CertifiedTileIndex(weights, threads: threads, nonFinite: .decided)
      let found = PairParts()
      found.places = places
      var pairs = PairReport()
      #expect(!index.report(queries: queries, rows: 0..<2, above: 0, byRow: found))
      for threshold: Float in [-50, 0, 1, 2.5, 50, .infinity, -.infinity, .nan] {
        for rows in [5..<6, 0..<8, 3..<67, 0..<150] {
          let expected = Oracle(
            weights: weights, queries: queries, rows: rows, above: threshold)
          #expect(index.report(queries: queries, rows: rows, above: threshold, byRow: found))
          pairs.gather(found, threads: threads)
          var neurons = [[Int]](repeating: [], count: rows.count)
          var values = [[UInt32]](repeating: [], count: rows.count)
          var isAscending = true
          for e in 0..<pairs.count {
            let query = unsafe Int(pairs.queries[e])
            neurons[query].append(unsafe Int(pairs.neurons[e]))
            values[query].append(unsafe pairs.values[e].bitPattern)
            isAscending =
              unsafe isAscending && (e == 0 || pairs.neurons[e - 1] <= pairs.neurons[e])
          }
          #expect(
            neurons == expected.neurons && values == expected.values && isAscending,
            "b = \(threshold), \(threads) threads, queries \(rows)")
        }
      }
    }
    let ordered = CertifiedTileIndex(
      gaussian(shape.m, shape.d, seed: 3), options: TileOptions(order: .spatial))
    #expect(!ordered.report(queries: queries, rows: 0..<64, above: 0, byRow: PairParts()))
  }

  @Test(arguments: [1023, 1024, 1025, 2600], [1, 3])
  func `more queries than a block holds are all answered`(count: Int, threads: Int) {
    let weights = gaussian(130, 17, seed: 11)
    let queries = gaussian(count + 1, 17, seed: 12, scale: 1 / Float(17).squareRoot())
    let index = CertifiedTileIndex(weights, threads: threads)
    var report = FiringReport()
    for rows in [0..<count, 1..<(count + 1)] {
      index.report(queries: queries, rows: rows, above: 1.5, into: &report)
      let expected = Oracle(weights: weights, queries: queries, rows: rows, above: 1.5)
      #expect(Oracle(report) == expected)
    }
  }

  @Test func `integer rows with many ties are decided strictly`() {
    for d in [1, 3, 17, 80] {
      let weights = integers(900, d, seed: 9)
      let queries = integers(9, d, seed: 10)
      for threshold: Float in [-3, 0, 1, 6] {
        expectExact(weights, queries, above: threshold, threads: [1])
      }
    }
  }

  @Test func `a pair 0, 1 or 2 units from the threshold is decided by the canonical product`() {
    for (d, scale) in [(3, 1), (17, 1e-3), (65, 1), (130, 1e4)] as [(Int, Float)] {
      let weights = gaussian(300, d, seed: 31, scale: scale)
      let queries = gaussian(6, d, seed: 32)
      let products = queries.canonicalProduct(with: weights)
      for row in stride(from: 0, to: 300, by: 37) {
        let z = products[row % 6, row]
        for threshold in [z.nextDown.nextDown, z.nextDown, z, z.nextUp, z.nextUp.nextUp] {
          for rows in [row % 6..<(row % 6 + 1), 0..<6] {
            let report = ask(weights, queries, rows, above: threshold)
            #expect(
              report == Oracle(weights: weights, queries: queries, rows: rows, above: threshold))
            let own = report.neurons[row % 6 - rows.lowerBound]
            #expect(own.contains(row) == (threshold < z))
          }
        }
      }
    }
  }

  private func isIdentical(
    _ report: borrowing FiringReport, _ other: borrowing FiringReport
  ) -> Bool {
    guard report.queryCount == other.queryCount, report.count == other.count else { return false }
    return unsafe memcmp(report.offsets, other.offsets, 8 * (report.queryCount + 1)) == 0
      && memcmp(report.neurons, other.neurons, 4 * report.count) == 0
      && memcmp(report.values, other.values, 4 * report.count) == 0
  }

  /// Rows and queries along one direction, so that the certificate has no room to spare, all of
  /// whose products differ from the threshold in their last places only.
  @Test func `a million pairs next to the threshold lose none`() {
    var near = 0
    for d in [1, 2, 3, 16, 31, 64, 100, 128] {
      let direction = gaussian(1, d, seed: 7).rowArray(0)
      let square = direction.reduce(0) { $0 + $1 * $1 }
      let threshold: Float = 1.5
      func multiples(_ count: Int, of factor: Float) -> Matrix {
        let rows = Matrix(rows: count, columns: d)
        for r in 0..<count {
          let ulps = Float(r * 7 % 5 - 2) * factor.ulp
          rows.setRow(r, to: direction.map { $0 * (factor + ulps) })
        }
        return rows
      }
      let weights = multiples(1024, of: threshold / square)
      let queries = multiples(128, of: 1)
      var expected = FiringReport()
      var report = FiringReport()
      var scan = BruteForceIndex(weights, method: .scan)
      scan.report(queries: queries, above: threshold, into: &expected)
      // Half of them fire, more or less.
      #expect(expected.count > 1024 * 8 && expected.count < 1024 * 120)
      var indices = tileOptions(weights).map { CertifiedTileIndex(weights, options: $0) }
      for k in indices.indices {
        indices[k].report(queries: queries, above: threshold, into: &report)
        let same = isIdentical(report, expected)
        #expect(same)
        near += 1024 * 128
      }
      for q in [0, 77] {
        scan.report(queries: queries, rows: q..<(q + 1), above: threshold, into: &expected)
        for k in indices.indices {
          indices[k].report(queries: queries, rows: q..<(q + 1), above: threshold, into: &report)
          let same = isIdentical(report, expected)
          #expect(same)
        }
      }
    }
    #expect(near > 1_000_000)
  }

  @Test func `denormal, enormous, infinite and missing numbers lose no pair`() {
    let extremes: [Float] = [
      0x1p-149, 0x1p-130, 1e-30, 1e-20, 0, 1, 1e19, 1e30, 1e38, .infinity, .nan,
    ]
    for d in [1, 2, 20] {
      let weights = gaussian(2 * extremes.count, d, seed: 1)
      let queries = gaussian(2 * extremes.count, d, seed: 2)
      for (k, factor) in (extremes + extremes.reversed()).enumerated() {
        for c in 0..<d {
          weights[k, c] *= factor
          queries[k, c] *= (k + c) % 5 == 0 ? 1 : factor
        }
      }
      // All in one tile, and each in a tile of its own: with rows of its own magnitude.
      let apart = Matrix(rows: 64 * weights.rows, columns: d)
      for r in 0..<apart.rows { apart.setRow(r, to: weights.rowArray(r / 64)) }
      for threshold: Float in [-1e38, -1, -0x1p-133, 0, 0x1p-147, 1, 1e30, 3e38, -.infinity] {
        expectExact(weights, queries, above: threshold, threads: [1])
        expectExact(apart, queries, above: threshold, threads: [1])
      }
    }
  }

  @Test func `tiles of very different norms are decided alike`() {
    let weights = gaussian(1024, 24, seed: 5)
    for r in 0..<1024 {
      let factor = Float(sign: .plus, exponent: r / 64 * 4 - 32, significand: 1)
      for c in 0..<24 { weights[r, c] *= factor }
    }
    let queries = gaussian(12, 24, seed: 6)
    for threshold: Float in [-1e-6, 0, 1e-6, 1, 1e6] {
      expectExact(weights, queries, above: threshold, threads: [1])
    }
    var index = CertifiedTileIndex(weights)
    var report = FiringReport()
    index.report(queries: queries, above: 1, into: &report)
    // Half of the tiles are too short to fire.
    #expect(index.statistics.nodesVisited == 12 * 16)
    #expect(index.statistics.nodesPruned >= 12 * 6)
  }

  @Test func `moved rows are found where they are now`() {
    let weights = gaussian(700, 17, seed: 5)
    let queries = gaussian(40, 17, seed: 6, scale: 0.25)
    let indices = tileOptions(weights).map {
      CertifiedTileIndex(weights, threads: 2, options: $0)
    }
    var generator = SeededGenerator(seed: 7)
    var report = FiringReport()
    for step in 0..<60 {
      // Few rows or nearly all, in any order, some twice.
      let moved = (0..<(step % 4 == 3 ? 650 : 70)).map { _ in Int32(generator.below(700)) }
      for row in moved {
        // Grow, shrink, and pass through zero and infinity.
        let factor: Float = [3, 0.2, -1, 0, 1e30, 1, 1.02][step % 7]
        weights.setRow(Int(row), to: gaussian(1, 17, seed: generator.next()).rowArray(0))
        for c in 0..<17 { weights[Int(row), c] *= factor }
      }
      let listed = step % 2 == 0 ? moved.sorted() : moved
      let asked = 0..<(step % 3 == 0 ? 1 : 40)
      let expected = Oracle(weights: weights, queries: queries, rows: asked, above: 1.5)
      for index in indices {
        unsafe listed.withUnsafeBufferPointer { unsafe index.update(rows: $0) }
        index.report(queries: queries, rows: asked, above: 1.5, into: &report)
        #expect(Oracle(report) == expected, "\(index.options)")
      }
    }
  }

  @Test func `thousands of small steps leave the filter exact and sharp`() {
    let weights = gaussian(256, 16, seed: 5)
    let queries = gaussian(32, 16, seed: 6, scale: 0.25)
    var index = CertifiedTileIndex(weights)
    var generator = SeededGenerator(seed: 9)
    var report = FiringReport()
    for step in 0..<6000 {
      let row = generator.below(256)
      let change = Float(generator.below(2001) - 1000) * 2e-4
      weights[row, step % 16] += change
      unsafe [Int32(row)].withUnsafeBufferPointer { unsafe index.update(rows: $0) }
      guard step % 500 == 499 else { continue }
      let before = index.statistics.rechecked
      index.report(queries: queries, above: 2, into: &report)
      #expect(
        Oracle(report) == Oracle(weights: weights, queries: queries, rows: 0..<32, above: 2))
      var fresh = CertifiedTileIndex(weights)
      let rechecked = index.statistics.rechecked - before
      fresh.report(queries: queries, above: 2, into: &report)
      #expect(rechecked < fresh.statistics.rechecked * 3 / 2)
    }
  }

  @Test func `rows that shrink make the filter sharp again`() {
    let weights = gaussian(256, 16, seed: 5, scale: 1e6)
    let queries = gaussian(64, 16, seed: 6)
    var index = CertifiedTileIndex(weights)
    for r in 0..<256 { weights.setRow(r, to: gaussian(1, 16, seed: UInt64(r)).rowArray(0)) }
    // One by one: the tiles' scales have to follow by themselves.
    for r in 0..<Int32(256) {
      unsafe [r].withUnsafeBufferPointer { unsafe index.update(rows: $0) }
    }
    var report = FiringReport()
    index.report(queries: queries, above: 6, into: &report)
    #expect(report.count > 0)
    #expect(index.statistics.rechecked < 2 * report.count)
  }

  @Test(arguments: [7, 32])
  func `rows that go to and fro may be told of late and in parts`(_ columns: Int) {
    let weights = gaussian(300, columns, seed: 21)
    let queries = gaussian(20, columns, seed: 22)
    let changes = gaussian(300, columns, seed: 23)
    var index = CertifiedTileIndex(weights)
    var report = FiringReport()
    for step in 0..<60 {
      // Small moves there and back, some large ones that stay; told of after all have been made.
      let size: Float = step % 2 == 0 ? 0.02 : -0.02
      let moved = (0..<Int32(300)).filter { ($0 + Int32(step)) % 3 != 0 }
      for row in moved {
        let change = row % 50 == Int32(step % 50) ? 1 : size
        for c in 0..<columns { weights[Int(row), c] += change * changes[Int(row), c] }
      }
      for part in [moved.filter { $0 % 2 == 1 }, moved.filter { $0 % 2 == 0 }] {
        unsafe part.withUnsafeBufferPointer { unsafe index.update(rows: $0) }
      }
      index.report(queries: queries, above: 2, into: &report)
      #expect(
        Oracle(report) == Oracle(weights: weights, queries: queries, rows: 0..<20, above: 2))
    }
  }

  @Test func `batches and threads do not show in a report`() {
    let weights = gaussian(3000, 20, seed: 15)
    let queries = gaussian(300, 20, seed: 16, scale: 0.2)
    let expected = Oracle(weights: weights, queries: queries, rows: 0..<300, above: 2)
    #expect(expected.pairCount > 1000)
    for threads in [1, 2, 7] {
      #expect(ask(weights, queries, above: 2, threads: threads) == expected)
    }
    let index = CertifiedTileIndex(weights, threads: 2)
    var report = FiringReport()
    var begin = 0
    var size = 1
    while begin < 300 {
      let end = min(300, begin + size)
      index.report(queries: queries, rows: begin..<end, above: 2, into: &report)
      #expect(Oracle(report).neurons == Array(expected.neurons[begin..<end]))
      #expect(Oracle(report).values == Array(expected.values[begin..<end]))
      begin = end
      size += 1
    }
    index.report(queries: queries, rows: 9..<9, above: 2, into: &report)
    #expect(report.queryCount == 0 && report.count == 0)
  }

  @Test func `work is counted`() {
    let weights = gaussian(1000, 30, seed: 1)
    let queries = gaussian(100, 30, seed: 2, scale: 0.18)
    var report = FiringReport()
    var index = CertifiedTileIndex(weights)
    index.report(queries: queries, above: 2, into: &report)
    var work = index.statistics
    #expect(work.queries == 100 && work.reported == report.count)
    #expect(work.rechecked >= report.count && work.rechecked < report.count * 3 / 2)
    #expect(work.nodesVisited == 100 * 16 && work.nodesPruned == 0)
    #expect(work.innerProducts == 100 * 1024 + work.rechecked)
    #expect(work.bytesScanned == 16 * 64 * 32 + 128 * work.rechecked)
    #expect(work.memoryBytes > 1000 * 32 && work.memoryBytes < 1 << 20)
    index.report(queries: queries, rows: 3..<4, above: 20, into: &report)
    work = index.statistics
    #expect(work.queries == 101 && work.nodesVisited == 101 * 16)
    #expect(work.nodesPruned == 16)
  }

  @Test func `an index over no rows reports nothing`() {
    for columns in [0, 3] {
      let report = ask(
        Matrix(rows: 0, columns: columns), Matrix(rows: 4, columns: columns), above: -9,
        threads: 2)
      #expect(report.neurons == [[], [], [], []])
    }
    let empty = ask(Matrix(rows: 3, columns: 0), Matrix(rows: 1, columns: 0), above: -9)
    #expect(empty.neurons == [[0, 1, 2]])
  }

  @Test func `queries of another dimension and rows that do not exist trap`() async {
    await #expect(processExitsWith: .failure) {
      var report = FiringReport()
      CertifiedTileIndex(Matrix(rows: 2, columns: 3)).report(
        queries: Matrix(rows: 1, columns: 2), rows: 0..<1, above: 0, into: &report)
    }
    await #expect(processExitsWith: .failure) {
      var report = FiringReport()
      CertifiedTileIndex(Matrix(rows: 2, columns: 3)).report(
        queries: Matrix(rows: 1, columns: 3), rows: 0..<2, above: 0, into: &report)
    }
    await #expect(processExitsWith: .failure) {
      let index = CertifiedTileIndex(Matrix(rows: 2, columns: 3))
      unsafe [Int32(2)].withUnsafeBufferPointer { unsafe index.update(rows: $0) }
    }
  }
}
