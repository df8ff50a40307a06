// SPDX-License-Identifier: Apache-2.0
import HalfspaceLinalg
import HalfspaceReporting
import Testing

@Suite struct PartitionTreeIndexTests {
  static let shapes: [(m: Int, d: Int)] = [
    (1, 1), (2, 3), (15, 2), (16, 4), (17, 4), (255, 1), (256, 8), (257, 8), (300, 16), (4097, 2),
    (700, 17), (513, 33), (520, 65), (400, 130), (5003, 3), (6000, 5), (4500, 6), (4400, 7),
    (5100, 9),
  ]

  private func ask(
    _ weights: Matrix, _ queries: Matrix, _ rows: Range<Int>? = nil, above threshold: Float,
    threads: Int = 1
  ) -> Oracle {
    let index = PartitionTreeIndex(weights, threads: threads, nonFinite: .decided)
    var report = FiringReport()
    index.report(
      queries: queries, rows: rows ?? 0..<queries.rows, above: threshold, into: &report)
    return Oracle(report)
  }

  @Test(arguments: shapes)
  func `a report equals the canonical products`(shape: (m: Int, d: Int)) {
    let weights = gaussian(shape.m, shape.d, seed: 3)
    let queries = gaussian(7, shape.d, seed: 4, scale: 1 / Float(shape.d).squareRoot())
    queries.setRow(2, to: [Float](repeating: 0, count: shape.d))
    queries.setRow(6, to: queries.rowArray(5))
    for threshold: Float in [-50, -0.5, 0, 1, 2.5, 50, .infinity, -.infinity, .nan] {
      let expected = Oracle(weights: weights, queries: queries, rows: 0..<7, above: threshold)
      #expect(ask(weights, queries, above: threshold) == expected, "b = \(threshold)")
      #expect(ask(weights, queries, above: threshold, threads: 3) == expected)
    }
  }

  @Test func `integer rows with many ties and duplicates are decided strictly`() {
    for d in [1, 2, 3, 8, 17] {
      let weights = integers(3000, d, seed: 9)
      let queries = integers(5, d, seed: 10)
      for threshold: Float in [-3, 0, 1, 6] {
        let expected = Oracle(weights: weights, queries: queries, rows: 0..<5, above: threshold)
        #expect(ask(weights, queries, above: threshold) == expected)
      }
    }
  }

  @Test func `equal rows and zero rows fire together or not at all`() {
    for row: [Float] in [[0, 0, 0], [1, -2, 3]] {
      let weights = Matrix([[Float]](repeating: row, count: 1000))
      let queries = Matrix([[0.5, 0.25, 1], [0, 0, 0]])
      for threshold: Float in [-1, -0.0, 0, 3, Float(3).nextDown, Float(3).nextUp] {
        let expected = Oracle(weights: weights, queries: queries, rows: 0..<2, above: threshold)
        #expect(ask(weights, queries, above: threshold) == expected)
      }
    }
  }

  @Test(arguments: [1, 2, 4, 8, 20])
  func `pairs within two units of the threshold are decided strictly`(d: Int) {
    // Clusters so narrow that the canonical values of a whole tile are a few units apart.
    var generator = SeededGenerator(seed: UInt64(d))
    let weights = gaussian(2048, d, seed: 31)
    for r in 0..<2048 where r % 64 != 0 {
      let center = r / 64 * 64
      for c in 0..<d {
        var value = weights[center, c]
        for _ in 0..<generator.below(3) { value = generator.below(2) == 0 ? value.nextUp : value }
        weights[r, c] = value
      }
    }
    let queries = gaussian(4, d, seed: 32)
    let products = queries.canonicalProduct(with: weights)
    let index = PartitionTreeIndex(weights)
    var report = FiringReport()
    for row in stride(from: 5, to: 2048, by: 128) {
      for q in 0..<4 {
        let z = products[q, row]
        for threshold in [z.nextDown.nextDown, z.nextDown, z, z.nextUp, z.nextUp.nextUp] {
          index.report(queries: queries, rows: q..<(q + 1), above: threshold, into: &report)
          #expect(
            report.neurons(of: 0).map { Int($0) }
              == (0..<2048).filter { products[q, $0] > threshold })
        }
      }
    }
  }

  @Test func `denormal, enormous, infinite and missing numbers lose no pair`() {
    let extremes: [Float] = [
      0x1p-149, 0x1p-130, 1e-30, 1e-20, 0, 1, 1e19, 1e30, 1e38, .infinity, .nan,
    ]
    for d in [1, 2, 8, 20] {
      for repeats in [1, 20] {
        // With repeats, tiles hold rows of one size.
        let weights = gaussian(2 * extremes.count * repeats, d, seed: 1)
        let queries = gaussian(2 * extremes.count, d, seed: 2)
        for (k, factor) in (extremes + extremes.reversed()).enumerated() {
          for c in 0..<d {
            for r in 0..<repeats { weights[k * repeats + r, c] *= factor }
            queries[k, c] *= (k + c) % 5 == 0 ? 1 : factor
          }
        }
        for threshold: Float in [-1e38, -1, -0x1p-133, 0, 0x1p-147, 1, 1e30, 3e38, -.infinity] {
          let expected = Oracle(
            weights: weights, queries: queries, rows: 0..<queries.rows, above: threshold)
          #expect(ask(weights, queries, above: threshold) == expected)
        }
      }
    }
  }

  @Test func `batches and threads do not show in a report`() {
    let weights = gaussian(3000, 6, seed: 15)
    let queries = gaussian(300, 6, seed: 16, scale: 0.4)
    let expected = ask(weights, queries, above: 2)
    #expect(expected.pairCount > 1000)
    #expect(ask(weights, queries, above: 2, threads: 7) == expected)
    let index = PartitionTreeIndex(weights, threads: 2)
    var report = FiringReport()
    var begin = 0
    var size = 1
    while begin < 300 {
      let end = min(300, begin + size)
      index.report(queries: queries, rows: begin..<end, above: 2, into: &report)
      #expect(Oracle(report).neurons == Array(expected.neurons[begin..<end]))
      #expect(Oracle(report).values == Array(expected.values[begin..<end]))
      begin = end
      size *= 2
    }
    index.report(queries: queries, rows: 9..<9, above: 2, into: &report)
    #expect(report.queryCount == 0 && report.count == 0)
  }

  @Test func `every instruction set gives the same report and the same work`() {
    let best = Runtime.instructionSet
    defer { _ = Runtime.select(best) }
    for d in [2, 8, 40] {
      let weights = gaussian(3000, d, seed: 25)
      let queries = gaussian(20, d, seed: 26, scale: 1 / Float(d).squareRoot())
      let expected = Oracle(weights: weights, queries: queries, rows: 0..<20, above: 1)
      var works: [IndexStatistics] = []
      for set in Runtime.InstructionSet.allCases where Runtime.select(set) {
        let index = PartitionTreeIndex(weights)
        var report = FiringReport()
        index.report(queries: queries, rows: 0..<20, above: 1, into: &report)
        #expect(Oracle(report) == expected, "\(set)")
        works.append(index.statistics)
      }
      #expect(works.allSatisfy { $0 == works[0] })
    }
  }

  @Test func `an index over no rows reports nothing`() {
    let report = ask(Matrix(rows: 0, columns: 3), gaussian(4, 3, seed: 1), above: -9, threads: 2)
    #expect(report.neurons == [[], [], [], []])
  }

  @Test func `work is counted`() {
    let weights = gaussian(10_000, 3, seed: 1)
    let queries = gaussian(20, 3, seed: 2, scale: 0.58)
    var report = FiringReport()
    var index = PartitionTreeIndex(weights)
    index.report(queries: queries, above: 2.5, into: &report)
    let work = index.statistics
    #expect(work.queries == 20 && work.reported == report.count)
    #expect(work.innerProducts >= report.count && work.innerProducts < 50_000)
    #expect(work.rechecked > 0 && work.rechecked <= work.innerProducts)
    #expect(work.nodesPruned > 0 && work.nodesPruned < work.nodesVisited)
    #expect(work.memoryBytes > 10_000 * 3 * 4 && work.memoryBytes < 10_000 * 60)
    // Far below every row nothing is tested below the first level: 40 nodes of 256 rows, and the
    // 3 above them.
    index.report(queries: queries, rows: 0..<1, above: -100, into: &report)
    #expect(report.count == 10_000)
    #expect(index.statistics.nodesVisited == work.nodesVisited + 3)
    #expect(index.statistics.innerProducts == work.innerProducts + 10_000)
    #expect(index.statistics.rechecked == work.rechecked)
  }

  @Test func `queries of another dimension and rows that do not exist trap`() async {
    await #expect(processExitsWith: .failure) {
      var report = FiringReport()
      PartitionTreeIndex(Matrix(rows: 2, columns: 3)).report(
        queries: Matrix(rows: 1, columns: 2), rows: 0..<1, above: 0, into: &report)
    }
    await #expect(processExitsWith: .failure) {
      var report = FiringReport()
      PartitionTreeIndex(Matrix(rows: 2, columns: 3)).report(
        queries: Matrix(rows: 1, columns: 3), rows: 0..<2, above: 0, into: &report)
    }
    await #expect(processExitsWith: .failure) {
      let index = PartitionTreeIndex(Matrix(rows: 2, columns: 3))
      unsafe [Int32(2)].withUnsafeBufferPointer { unsafe index.update(rows: $0) }
    }
    await #expect(processExitsWith: .failure) {
      _ = PartitionTreeIndex(Matrix(rows: 2, columns: 0))
    }
  }
}
