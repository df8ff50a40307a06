// SPDX-License-Identifier: Apache-2.0
import HalfspaceLinalg
import HalfspaceReporting
import Testing

@Suite struct BruteForceIndexTests {
  static let shapes: [(m: Int, d: Int)] = [
    (1, 1), (2, 3), (15, 2), (63, 17), (64, 16), (65, 128), (511, 5), (513, 33), (1300, 17),
    (5003, 3),
    (2049, 1),
  ]
  static let methods = BruteForceIndex.Method.allCases

  private func ask(
    _ weights: Matrix, _ queries: Matrix, _ rows: Range<Int>? = nil, above threshold: Float,
    threads: Int = 1, _ method: BruteForceIndex.Method
  ) -> Oracle {
    let index = BruteForceIndex(weights, threads: threads, method: method, nonFinite: .decided)
    var report = FiringReport()
    index.report(
      queries: queries, rows: rows ?? 0..<queries.rows, above: threshold, into: &report)
    return Oracle(report)
  }

  @Test(arguments: shapes, methods)
  func `a report equals the canonical products`(
    shape: (m: Int, d: Int), method: BruteForceIndex.Method
  ) {
    let weights = gaussian(shape.m, shape.d, seed: 3)
    let queries = gaussian(7, shape.d, seed: 4, scale: 1 / Float(shape.d).squareRoot())
    queries.setRow(2, to: [Float](repeating: 0, count: shape.d))
    queries.setRow(6, to: queries.rowArray(5))
    for threshold: Float in [-50, -0.5, 0, 1, 2.5, 50, .infinity, -.infinity, .nan] {
      let expected = Oracle(weights: weights, queries: queries, rows: 0..<7, above: threshold)
      for threads in [1, 2, 5] {
        let report = ask(weights, queries, above: threshold, threads: threads, method)
        #expect(report == expected, "b = \(threshold), \(threads) threads")
      }
    }
  }

  @Test(arguments: methods)
  func `integer rows with many ties are decided strictly`(method: BruteForceIndex.Method) {
    for d in [1, 3, 17, 80] {
      let weights = integers(900, d, seed: 9)
      let queries = integers(5, d, seed: 10)
      for threshold: Float in [-3, 0, 1, 6] {
        let expected = Oracle(weights: weights, queries: queries, rows: 0..<5, above: threshold)
        #expect(ask(weights, queries, above: threshold, method) == expected)
      }
    }
  }

  @Test(arguments: methods)
  func `a pair exactly at the threshold is not reported`(method: BruteForceIndex.Method) {
    let weights = gaussian(400, 65, seed: 31)
    let queries = gaussian(3, 65, seed: 32)
    let products = queries.canonicalProduct(with: weights)
    for row in stride(from: 0, to: 400, by: 37) {
      for threshold in [products[1, row].nextDown, products[1, row], products[1, row].nextUp] {
        let report = ask(weights, queries, above: threshold, method)
        #expect(
          report == Oracle(weights: weights, queries: queries, rows: 0..<3, above: threshold))
        #expect(report.neurons[1].contains(row) == (threshold < products[1, row]))
      }
    }
  }

  @Test(arguments: methods)
  func `denormal, enormous, infinite and missing numbers lose no pair`(
    method: BruteForceIndex.Method
  ) {
    let extremes: [Float] = [
      0x1p-149, 0x1p-130, 1e-30, 1e-20, 0, 1, 1e19, 1e30, 1e38, .infinity, .nan,
    ]
    for d in [1, 2, 20] {
      // Row r and query q are all powers of ten apart, with both signs.
      let weights = gaussian(2 * extremes.count, d, seed: 1)
      let queries = gaussian(2 * extremes.count, d, seed: 2)
      for (k, factor) in (extremes + extremes.reversed()).enumerated() {
        for c in 0..<d {
          weights[k, c] *= factor
          queries[k, c] *= (k + c) % 5 == 0 ? 1 : factor
        }
      }
      for threshold: Float in [-1e38, -1, -0x1p-133, 0, 0x1p-147, 1, 1e30, 3e38, -.infinity] {
        let expected = Oracle(
          weights: weights, queries: queries, rows: 0..<queries.rows, above: threshold)
        #expect(ask(weights, queries, above: threshold, method) == expected)
      }
    }
  }

  @Test(arguments: methods)
  func `moved rows are found where they are now`(method: BruteForceIndex.Method) {
    let weights = gaussian(700, 17, seed: 5)
    let queries = gaussian(40, 17, seed: 6, scale: 0.25)
    var index = BruteForceIndex(weights, threads: 2, method: method)
    var generator = SeededGenerator(seed: 7)
    var report = FiringReport()
    for step in 0..<30 {
      let moved = Set((0..<50).map { _ in Int32(generator.below(700)) }).sorted()
      for row in moved {
        // Grow, shrink, and pass through zero and infinity.
        let factor: Float = [3, 0.2, -1, 0, 1e30][step % 5]
        weights.setRow(Int(row), to: gaussian(1, 17, seed: generator.next()).rowArray(0))
        for c in 0..<17 { weights[Int(row), c] *= factor }
      }
      unsafe moved.withUnsafeBufferPointer { unsafe index.update(rows: $0) }
      index.report(queries: queries, above: 1.5, into: &report)
      #expect(
        Oracle(report) == Oracle(weights: weights, queries: queries, rows: 0..<40, above: 1.5))
    }
    #expect(index.statistics.queries == 1200)
  }

  @Test func `rows that shrink make the filter sharp again`() {
    let weights = gaussian(256, 16, seed: 5, scale: 1e6)
    let queries = gaussian(64, 16, seed: 6)
    var index = BruteForceIndex(weights, method: .product)
    for r in 0..<256 { weights.setRow(r, to: gaussian(1, 16, seed: UInt64(r)).rowArray(0)) }
    let all = (0..<Int32(256)).map { $0 }
    unsafe all.withUnsafeBufferPointer { unsafe index.update(rows: $0) }
    var report = FiringReport()
    index.report(queries: queries, above: 6, into: &report)
    #expect(report.count > 0)
    #expect(index.statistics.rechecked < report.count + 20)
  }

  @Test(arguments: methods)
  func `batches and threads do not show in a report`(method: BruteForceIndex.Method) {
    let weights = gaussian(3000, 20, seed: 15)
    let queries = gaussian(300, 20, seed: 16, scale: 0.2)
    let expected = ask(weights, queries, above: 2, method)
    #expect(expected.pairCount > 1000)
    #expect(ask(weights, queries, above: 2, threads: 7, method) == expected)
    let index = BruteForceIndex(weights, threads: 2, method: method)
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

  @Test func `work is counted`() {
    let weights = gaussian(1000, 30, seed: 1)
    let queries = gaussian(100, 30, seed: 2, scale: 0.18)
    var report = FiringReport()
    var scan = BruteForceIndex(weights, method: .scan)
    scan.report(queries: queries, above: 2, into: &report)
    #expect(scan.statistics.innerProducts == 100_000)
    #expect(scan.statistics.rechecked == 0)
    #expect(scan.statistics.bytesScanned == 100 * 1000 * 32 * 4)
    var product = BruteForceIndex(weights, method: .product)
    product.report(queries: queries, above: 2, into: &report)
    let work = product.statistics
    #expect(work.queries == 100)
    #expect(work.reported == report.count)
    #expect(work.rechecked >= report.count && work.rechecked < report.count + 10)
    #expect(work.innerProducts == 100_000 + work.rechecked)
    #expect(work.memoryBytes > 4000)
  }

  @Test func `an index over no rows reports nothing`() {
    for method in Self.methods {
      let report = ask(
        Matrix(rows: 0, columns: 3), gaussian(4, 3, seed: 1), above: -9, threads: 2, method)
      #expect(report.neurons == [[], [], [], []])
    }
  }

  @Test func `queries of another dimension and rows that do not exist trap`() async {
    await #expect(processExitsWith: .failure) {
      var report = FiringReport()
      BruteForceIndex(Matrix(rows: 2, columns: 3)).report(
        queries: Matrix(rows: 1, columns: 2), rows: 0..<1, above: 0, into: &report)
    }
    await #expect(processExitsWith: .failure) {
      var report = FiringReport()
      BruteForceIndex(Matrix(rows: 2, columns: 3)).report(
        queries: Matrix(rows: 1, columns: 3), rows: 0..<2, above: 0, into: &report)
    }
    await #expect(processExitsWith: .failure) {
      let index = BruteForceIndex(Matrix(rows: 2, columns: 3))
      unsafe [Int32(2)].withUnsafeBufferPointer { unsafe index.update(rows: $0) }
    }
  }
}
