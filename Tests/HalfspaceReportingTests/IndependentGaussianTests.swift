// SPDX-License-Identifier: Apache-2.0
import HalfspaceLinalg
import Testing

@testable import HalfspaceReporting

@Suite struct IndependentGaussianTests {
  @Test(arguments: [(1, 1), (5, 3), (1023, 17), (1024, 2), (2049, 16), (700, 128)])
  func `a report equals a dense pass over the rows`(m: Int, d: Int) {
    let rows = IndependentGaussian(count: m, dimension: d, seed: 7)
    let weights = assembled(rows)
    let queries = gaussian(6, d, seed: 8, scale: 1 / Float(d).squareRoot())
    queries.setRow(1, to: [Float](repeating: 0, count: d))
    let tie = weights.canonicalProduct(with: queries)[m / 2, 0]
    for threshold: Float in [
      -100, -1, 0, 2, 3.3, 1e9, .infinity, -.infinity, .nan, tie, tie.nextDown,
    ] {
      let expected = Oracle(weights: weights, queries: queries, rows: 0..<6, above: threshold)
      for threads in [1, 2] {
        #expect(ask(rows, queries, above: threshold, threads: threads).report == expected)
      }
    }
  }

  @Test func `enormous, infinite and missing numbers lose no pair`() {
    let rows = IndependentGaussian(count: 600, dimension: 3, seed: 7, nonFinite: .decided)
    let weights = assembled(rows)
    let queries = Matrix([
      [1e38, 3e38, -2e38], [.infinity, 1, 0], [.nan, 1, 2], [0x1p-149, 0, 0x1p-140],
      [.infinity, -.infinity, 1],
    ])
    for threshold: Float in [-1, 0, 1e38, 3e38] {
      let expected = Oracle(weights: weights, queries: queries, rows: 0..<5, above: threshold)
      #expect(ask(rows, queries, above: threshold).report == expected)
    }
  }

  @Test func `batches and threads do not show in a report`() {
    let rows = IndependentGaussian(count: 5000, dimension: 9, seed: 1)
    let queries = gaussian(300, 9, seed: 2, scale: 0.33)
    let (expected, work) = ask(rows, queries, above: 2)
    #expect(ask(rows, queries, above: 2, threads: 3).report == expected)
    for q in [0, 17, 127, 128, 299] {
      let one = ask(rows, queries, q..<(q + 1), above: 2, threads: 2).report
      #expect(one.neurons[0] == expected.neurons[q])
      #expect(one.values[0] == expected.values[q])
    }
    #expect(work.queries == 300)
    #expect(work.reported == expected.pairCount)
    // Tiles of 64 rows, some of them too short for a query.
    #expect(work.innerProducts <= 300 * 5056 + work.rechecked)
    #expect(work.rechecked < 2 * expected.pairCount)
    #expect(ask(rows, queries, 3..<3, above: 2).report.neurons.isEmpty)
    let few = ask(rows, queries, 0..<5, above: 2).statistics
    #expect(few.queries == 5 && few.rechecked < expected.pairCount / 20)
  }

  @Test(arguments: [(4096, 8), (5003, 2), (9000, 4)])
  func `a tree grown after some reports does not show in them`(m: Int, d: Int) {
    let rows = IndependentGaussian(count: m, dimension: d, seed: 7)
    let copy = rows
    let queries = gaussian(500, d, seed: 8, scale: 1 / Float(d).squareRoot())
    let expected = Oracle(weights: assembled(rows), queries: queries, rows: 0..<500, above: 1.5)
    var works: [Int] = []
    for threads in [1, 2, 1, 3, 1, 2] {
      let answer = ask(rows, queries, above: 1.5, threads: threads)
      #expect(answer.report == expected)
      #expect(answer.statistics.queries == 500)
      #expect(answer.statistics.reported == expected.pairCount)
      works.append(answer.statistics.innerProducts + answer.statistics.nodesVisited)
    }
    #expect(works[0] >= 500 * m && works[5] < 500 * m && works[4] == works[5])
    #expect(rows.memoryBytes > m * d * 4 && copy.memoryBytes == rows.memoryBytes)
  }

  @Test func `nothing is kept of few rows, many rows or many dimensions`() {
    for (m, d) in [(4095, 2), (4095, 9)] {
      let rows = IndependentGaussian(count: m, dimension: d, seed: 7)
      let queries = gaussian(2000, d, seed: 8)
      _ = ask(rows, queries, above: 3)
      _ = ask(rows, queries, above: 3)
      #expect(rows.memoryBytes == 0)
    }
    #expect(IndependentGaussianTree.isWorthwhile(count: 1 << 22, dimension: 8))
    #expect(!IndependentGaussianTree.isWorthwhile(count: 1 << 23, dimension: 8))
    #expect(!IndependentGaussianTree.isWorthwhile(count: 1 << 40, dimension: 2))
    #expect(!IndependentGaussianTree.isWorthwhile(count: 4096, dimension: 9))
    #expect(!IndependentGaussianTiles.isWorthKeeping(count: 4096, dimension: 8))
    #expect(IndependentGaussianTiles.isWorthKeeping(count: 800_000, dimension: 128))
    #expect(!IndependentGaussianTiles.isWorthKeeping(count: 1 << 20, dimension: 128))
    #expect(!IndependentGaussianTiles.isWorthKeeping(count: 1 << 40, dimension: 9))
    #expect(!IndependentGaussianTiles.isWorthKeeping(count: 4096, dimension: 1 << 20))
  }

  @Test(arguments: [(4096, 9), (5003, 17), (8300, 65), (70_001, 33)])
  func `tiles kept from the second report on do not show in it`(m: Int, d: Int) {
    let rows = IndependentGaussian(count: m, dimension: d, seed: 7, nonFinite: .decided)
    let copy = rows
    let queries = gaussian(40, d, seed: 8, scale: 1 / Float(d).squareRoot())
    queries.setRow(3, to: [Float](repeating: 0, count: d))
    queries.setRow(4, to: [Float](repeating: .nan, count: d))
    queries.setRow(5, to: [Float](repeating: 3e38, count: d))
    let weights = assembled(rows)
    let tie = weights.canonicalProduct(with: queries)[m - 1, 0]
    for (round, threshold) in [Float(2), -1, tie, tie.nextDown, .infinity, .nan, 2].enumerated() {
      for asked in [0..<40, 0..<1, 3..<12] where asked.count < 40 || threshold >= 1 || round > 1 {
        let expected = Oracle(weights: weights, queries: queries, rows: asked, above: threshold)
        let answer = ask(copy, queries, asked, above: threshold, threads: 1 + round % 3)
        #expect(answer.report == expected)
        #expect(answer.statistics.queries == asked.count)
        #expect(answer.statistics.reported == expected.pairCount)
        if round == 0 && asked.count == 40 { #expect(rows.memoryBytes == 0) }
      }
    }
    let works = [1, 2, 3].map { ask(rows, queries, above: 2, threads: $0).statistics }
    #expect(works[1] == works[0] && works[2] == works[0])
    // Codes are read for each query, rows for candidates only.
    #expect(works[0].bytesScanned < 40 * 2 * m * d)
    #expect(rows.memoryBytes > 5 * m * d && copy.memoryBytes == rows.memoryBytes)
  }

  @Test(arguments: [(1, 9), (63, 12), (16_385, 16), (40_000, 9)])
  func `blocks that are encoded and forgotten do not show in a report`(m: Int, d: Int) {
    let queries = gaussian(IndependentGaussianTiles.fewestQueries, d, seed: 8, scale: 0.3)
    let fresh = { IndependentGaussian(count: m, dimension: d, seed: 7) }
    let expected = Oracle(
      weights: assembled(fresh()), queries: queries, rows: 0..<queries.rows, above: 1.8)
    var works: [Int] = []
    for threads in [1, 2, 5] {
      let answer = ask(fresh(), queries, above: 1.8, threads: threads)
      #expect(answer.report == expected)
      works.append(answer.statistics.innerProducts)
    }
    #expect(works[0] == works[1] && works[0] == works[2])
  }

  @Test func `reports at the same time do not disturb each other`() async {
    let rows = IndependentGaussian(count: 4500, dimension: 12, seed: 7)
    let queries = gaussian(64, 12, seed: 8, scale: 0.3)
    let expected = Oracle(
      weights: assembled(rows), queries: queries, rows: 0..<64, above: 1.5)
    let wrong = await withTaskGroup(of: Bool.self, returning: Int.self) { group in
      for _ in 0..<12 {
        group.addTask { ask(rows, queries, above: 1.5).report != expected }
      }
      return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
    }
    #expect(wrong == 0)
  }

  @Test func `a row depends on seed and number only`() {
    let few = assembled(IndependentGaussian(count: 10, dimension: 5, seed: 3))
    let many = IndependentGaussian(count: 1 << 40, dimension: 5, seed: 3)
    let row = Matrix(rows: 2, columns: 5)
    unsafe many.copyRow(7, to: row.row(0))
    unsafe many.copyRow((1 << 40) - 1, to: row.row(1))
    #expect(row.rowArray(0) == few.rowArray(7))
    #expect(row.isFinite && row.rowArray(1) != row.rowArray(0))
    let other = assembled(IndependentGaussian(count: 10, dimension: 5, seed: 4))
    #expect(!few.isIdentical(to: other))
  }

  @Test func `coordinates have the moments of N(0, 1)`() {
    let rows = assembled(IndependentGaussian(count: 20_000, dimension: 3, seed: 3))
    for c in 0..<3 {
      var moments = (0.0, 0.0, 0.0, 0.0)
      for r in 0..<rows.rows {
        let x = Double(rows[r, c])
        moments.0 += x
        moments.1 += x * x
        moments.2 += x * x * x * x
        moments.3 += x * Double(rows[r, (c + 1) % 3])
      }
      let n = Double(rows.rows)
      #expect(abs(moments.0 / n) < 0.04)
      #expect(abs(moments.1 / n - 1) < 0.05)
      #expect(abs(moments.2 / n - 3) < 0.4)
      #expect(abs(moments.3 / n) < 0.04)
    }
  }

  @Test func `shapes that make no sense trap`() async {
    await #expect(processExitsWith: .failure) {
      _ = IndependentGaussian(count: 0, dimension: 1, seed: 0)
    }
    await #expect(processExitsWith: .failure) {
      _ = ask(
        IndependentGaussian(count: 2, dimension: 2, seed: 0), Matrix(rows: 1, columns: 3),
        above: 0)
    }
  }
}
