// SPDX-License-Identifier: Apache-2.0
import CHalfspace
import HalfspaceLinalg
import Testing

@testable import HalfspaceReporting

@Suite struct ProductGridTests {
  /// Shapes that exercise every cut: one row, one group, unfilled last groups and lines, one
  /// coordinate, halves of unequal size, several blocks of 16 and of 64 coordinates.
  static let shapes: [(m: Int, d: Int, groups: Int?)] = [
    (1, 1, nil), (1, 5, 3), (2, 2, 1), (7, 1, 2), (10, 3, 4), (97, 2, 5), (100, 1, 1),
    (255, 3, nil), (333, 17, 7), (1000, 16, 3), (1021, 17, nil), (1500, 33, 64), (2311, 128, 9),
    (3000, 2, 1000), (4099, 17, 16), (600, 200, 600),
  ]
  static let thresholds: [Float] = [-100, -1, 0, 0.5, 2, 3.5, 1e6, -.infinity, .infinity, .nan]

  /// The same in three parts, where there are as many coordinates.
  static let grids: [(m: Int, d: Int, groups: Int?, parts: Int)] =
    shapes.map { ($0.m, $0.d, $0.groups, 2) }
    + shapes.filter { $0.d >= 3 }.map { ($0.m, $0.d, $0.groups, 3) }

  @Test(arguments: grids)
  func `a report equals a dense pass over the assembled rows`(
    m: Int, d: Int, groups: Int?, parts: Int
  ) {
    let grid = ProductGrid(
      count: m, dimension: d, seed: UInt64(m * d), groups: groups, parts: parts)
    #expect(grid.partCount == parts)
    let rows = assembled(grid)
    // Unit norm on average, a zero query, a duplicate.
    let queries = gaussian(9, d, seed: 5, scale: 1 / Float(d).squareRoot())
    queries.setRow(3, to: [Float](repeating: 0, count: d))
    queries.setRow(5, to: queries.rowArray(4))
    for threshold in Self.thresholds {
      let expected = Oracle(weights: rows, queries: queries, rows: 0..<9, above: threshold)
      #expect(ask(grid, queries, above: threshold).report == expected, "b = \(threshold)")
    }
  }

  @Test(arguments: grids)
  func `a pair exactly at the threshold is not reported`(
    m: Int, d: Int, groups: Int?, parts: Int
  ) {
    let grid = ProductGrid(count: m, dimension: d, seed: 3, groups: groups, parts: parts)
    let rows = assembled(grid)
    let queries = gaussian(1, d, seed: 11)
    let products = rows.canonicalProduct(with: queries)
    for row in Set([0, m / 3, m / 2, m - 1]) {
      let value = products[row, 0]
      #expect(!ask(grid, queries, above: value).report.neurons[0].contains(row))
      #expect(ask(grid, queries, above: value.nextDown).report.neurons[0].contains(row))
      for threshold in [value.nextDown, value, value.nextUp] {
        #expect(
          ask(grid, queries, above: threshold).report
            == Oracle(weights: rows, queries: queries, rows: 0..<1, above: threshold))
      }
    }
  }

  @Test(arguments: [(1, 2), (2, 2), (3, 2), (17, 2), (64, 2), (3, 3), (5, 3), (17, 3), (64, 3)])
  func `integer rows with many ties are decided strictly`(d: Int, parts: Int) {
    let grid = ProductGrid(
      count: 3001, dimension: d, seed: 8, groups: 3, parts: parts, threads: 1
    ) {
      stream, vectors in
      let drawn = integers(vectors.rows, vectors.columns, seed: UInt64(stream))
      for i in 0..<vectors.rows { vectors.setRow(i, to: drawn.rowArray(i)) }
    }
    let rows = assembled(grid)
    let queries = integers(6, d, seed: 21)
    var ties = 0
    for threshold: Float in [-4, -1, 0, 1, 2, 7] {
      let expected = Oracle(weights: rows, queries: queries, rows: 0..<6, above: threshold)
      #expect(ask(grid, queries, above: threshold).report == expected)
      let atLeast = Oracle(weights: rows, queries: queries, rows: 0..<6, above: threshold.nextDown)
      ties += atLeast.pairCount - expected.pairCount
    }
    #expect(ties > 100)
  }

  @Test(arguments: [
    [Float.leastNonzeroMagnitude, 0x1p-133], [1e-30, 1e-20], [1e19, 1e20], [1e30, 1e37],
    [.greatestFiniteMagnitude, -.greatestFiniteMagnitude], [.infinity, 1], [-.infinity, .infinity],
    [.nan, 1], [.infinity, .nan],
  ])
  func `denormal, enormous, infinite and missing numbers lose no pair`(extremes: [Float]) {
    for (d, groups, parts) in [
      (1, 1, 2), (2, 2, 2), (17, 4, 2), (70, 3, 2), (3, 1, 3), (17, 4, 3), (70, 3, 3),
    ] {
      let grid = ProductGrid(
        count: 500, dimension: d, seed: 2, groups: groups, parts: parts, nonFinite: .decided)
      let rows = assembled(grid)
      let queries = Matrix(rows: 4, columns: d)
      for q in 0..<4 {
        for c in 0..<d { queries[q, c] = extremes[(q + c) % extremes.count] * (q < 2 ? 1 : -1) }
      }
      for threshold: Float in [
        -1e38, -1, -0x1p-133, 0, 0x1p-147, 1e-30, 1, 1e30, 1e38, .greatestFiniteMagnitude,
        -.infinity,
      ] {
        let expected = Oracle(weights: rows, queries: queries, rows: 0..<4, above: threshold)
        #expect(ask(grid, queries, above: threshold).report == expected, "b = \(threshold)")
      }
    }
  }

  @Test(arguments: [2, 3])
  func `threads and batches do not show in a report`(parts: Int) {
    let grid = ProductGrid(
      count: 20_011, dimension: 17, seed: 4, groups: 37, parts: parts, threads: 1)
    let queries = gaussian(301, 17, seed: 6, scale: 0.25)
    let (expected, work) = ask(grid, queries, above: 2.5)
    #expect(expected.pairCount > 300)
    for threads in [2, 3, 8, 100] {
      let (report, statistics) = ask(grid, queries, above: 2.5, threads: threads)
      #expect(report == expected)
      #expect(statistics == work)
    }
    var one = InitialReport()
    var all = Oracle(one)
    var statistics = IndexStatistics()
    for q in 0..<queries.rows {
      // Single queries with threads are cut by groups.
      grid.report(
        queries: queries, rows: q..<(q + 1), above: 2.5, threads: 1 + q % 3, into: &one,
        statistics: &statistics)
      all.neurons += Oracle(one).neurons
      all.values += Oracle(one).values
    }
    #expect(all == expected)
    // The filter of one query sums in another order than that of many: what is kept next to the
    // threshold may differ, what is reported does not.
    #expect(abs(statistics.rechecked - work.rechecked) <= 4)
    #expect(statistics.queries == work.queries && statistics.reported == work.reported)
    #expect(statistics.nodesVisited == work.nodesVisited)
    let middle = ask(grid, queries, 100..<203, above: 2.5).report
    #expect(middle.neurons == Array(expected.neurons[100..<203]))
    #expect(ask(grid, queries, 5..<5, above: 2.5).report.neurons.isEmpty)
  }

  @Test func `a report refilled with less is the smaller one`() {
    let grid = ProductGrid(count: 900, dimension: 8, seed: 4)
    let queries = gaussian(7, 8, seed: 6)
    var report = InitialReport()
    var statistics = IndexStatistics()
    for (rows, threshold) in [(0..<7, Float(-50)), (2..<4, 1), (6..<7, 0)] {
      grid.report(
        queries: queries, rows: rows, above: threshold, threads: 1, into: &report,
        statistics: &statistics)
      #expect(Oracle(report) == ask(grid, queries, rows, above: threshold).report)
    }
    #expect(statistics.queries == 10)
  }

  @Test(arguments: [2, 3])
  func `the work grows as a root of the number of rows`(parts: Int) {
    // 64 rows fire, from 2^18 to 2^30.
    func work(_ m: Int) -> IndexStatistics {
      let grid = ProductGrid(count: m, dimension: 16, seed: 1, groups: 64, parts: parts)
      let queries = IndependentGaussian(count: 4, dimension: 16, seed: 2)
      let x = assembled(queries)
      for q in 0..<4 {
        let norm = x.rowArray(q).reduce(0) { $0 + $1 * $1 }.squareRoot()
        x.setRow(q, to: x.rowArray(q).map { $0 / norm })
      }
      let threshold = Float(GaussianTail.threshold(forProbability: 64 / Double(m)))
      let (report, work) = ask(grid, x, above: threshold)
      #expect(report.pairCount > 32 && report.pairCount < 1024)
      #expect(work.rechecked < report.pairCount + 16)
      return work
    }
    let (small, large) = (work(1 << 18), work(1 << 30))
    let growth = Double(large.innerProducts) / Double(small.innerProducts)
    #expect(growth < (parts == 2 ? 64 : 16) * 1.15)
  }

  @Test func `more queries afford fewer groups`() {
    var last = Int.max
    for queries in [1, 1000, 100_000, 10_000_000] {
      let groups = ProductGrid.groupCount(count: 1 << 20, dimension: 128, queries: queries)
      #expect(groups >= 64 && groups <= last)
      last = groups
    }
    #expect(last == 64)
    #expect(ProductGrid.groupCount(count: 1 << 20, dimension: 128, queries: 1) == 4096)
    #expect(ProductGrid.groupCount(count: 100, dimension: 128, queries: 1) == 1)
  }

  @Test func `the work is a small share of the rows`() {
    let m = 1 << 20
    let grid = ProductGrid(count: m, dimension: 16, seed: 1)
    let queries = gaussian(8, 16, seed: 2, scale: 0.25)
    let (report, work) = ask(grid, queries, above: 3.5)
    #expect(work.queries == 8)
    #expect(work.reported == report.pairCount)
    #expect(report.pairCount > 100)
    // Half-length products: 64 groups of 128 + 128, 1.6 % of the rows.
    #expect(work.innerProducts - work.rechecked == 8 * 64 * 256)
    #expect(work.rechecked < report.pairCount + report.pairCount / 100 + 8)
    #expect(Double(work.innerProducts) < 0.02 * Double(8 * m))
    #expect(grid.memoryBytes < m * 4)
  }

  @Test(arguments: [2, 3])
  func `rows are a function of shape, seed, groups and parts`(parts: Int) {
    let grid = ProductGrid(
      count: 777, dimension: 9, seed: 5, groups: 6, parts: parts, threads: 1)
    let same = ProductGrid(
      count: 777, dimension: 9, seed: 5, groups: 6, parts: parts, threads: 2)
    let other = ProductGrid(count: 777, dimension: 9, seed: 6, groups: 6, parts: parts)
    let split = ProductGrid(count: 777, dimension: 9, seed: 5, groups: 6, parts: 5 - parts)
    #expect(assembled(grid).isIdentical(to: assembled(same)))
    #expect(!assembled(grid).isIdentical(to: assembled(other)))
    #expect(!assembled(grid).isIdentical(to: assembled(split)))
    for seed: UInt64 in [0, .max] {
      #expect(ProductGrid(count: 3, dimension: 2, seed: seed).count == 3)
    }
  }

  @Test(arguments: [(40_000, 1, 4, 2), (40_000, 6, 16, 2), (30_000, 17, 64, 2), (40_000, 7, 16, 3)])
  func `rows look like independent coordinates of N(0, 1)`(
    m: Int, d: Int, groups: Int, parts: Int
  ) {
    let grid = ProductGrid(count: m, dimension: d, seed: 12, groups: groups, parts: parts)
    let rows = assembled(grid)
    // A group has only about sqrt(m / G) different numbers per coordinate, or a cube root.
    let layout = grid.layout
    let numbers = Double(
      layout.groups * (parts == 3 ? layout.outerCount : layout.leftCount))
    let tolerance = 5 / numbers.squareRoot()
    for c in 0..<d {
      var mean = 0.0
      var square = 0.0
      var product = 0.0
      for r in 0..<m {
        let value = Double(rows[r, c])
        mean += value
        square += value * value
        if d > 1 { product += value * Double(rows[r, (c + 1) % d]) }
      }
      #expect(abs(mean / Double(m)) < tolerance)
      #expect(abs(square / Double(m) - 1) < 1.5 * tolerance)
      #expect(abs(product / Double(m)) < tolerance)
    }
  }

  @Test func `the firing share of a unit query is the Gaussian tail`() {
    let grid = ProductGrid(count: 1 << 20, dimension: 40, seed: 17)
    let queries = gaussian(20, 40, seed: 3)
    for q in 0..<20 {
      let row = queries.rowArray(q)
      let norm = row.reduce(0) { $0 + $1 * $1 }.squareRoot()
      queries.setRow(q, to: row.map { $0 / norm })
    }
    let threshold = GaussianTail.threshold(forProbability: 0.001)
    let share = Double(ask(grid, queries, above: Float(threshold)).report.pairCount) / (20 * 0x1p20)
    #expect(abs(share / 0.001 - 1) < 0.1)
  }

  @Test func `three parts split the coordinates, and every row is one of each`() {
    let grid = ProductGrid(count: 500, dimension: 11, seed: 9, groups: 2, parts: 3)
    let layout = grid.layout
    #expect((layout.outerDimension, layout.leftDimension, layout.rightDimension) == (3, 4, 4))
    let rows = assembled(grid)
    for group in 0..<2 {
      let split = grid.permutations[group * 11..<(group + 1) * 11]
      #expect(split.sorted() == Array(0..<11))
      func row(_ o: Int, _ i: Int, _ j: Int) -> [Float] {
        rows.rowArray(
          group * grid.rowsPerGroup + (o * layout.leftCount + i) * layout.rightCount + j)
      }
      let whole = row(1, 2, 3)
      let sources = [row(1, 0, 0), row(0, 2, 0), row(0, 0, 3)]
      for (k, c) in split.enumerated() {
        #expect(whole[Int(c)] == sources[k < 3 ? 0 : k < 7 ? 1 : 2][Int(c)])
      }
    }
  }

  @Test func `halves split the coordinates, and every row is one of each`() {
    let grid = ProductGrid(count: 500, dimension: 11, seed: 9, groups: 2)
    for group in 0..<grid.groupCount {
      let split = grid.permutations[group * 11..<(group + 1) * 11]
      #expect(split.sorted() == Array(0..<11))
      let first = group * grid.rowsPerGroup
      let rows = assembled(grid)
      let (i, j) = (2, 3)
      let row = rows.rowArray(first + i * grid.layout.rightCount + j)
      let sameLeft = rows.rowArray(first + i * grid.layout.rightCount)
      let sameRight = rows.rowArray(first + j)
      for (k, c) in split.enumerated() {
        #expect(row[Int(c)] == (k < grid.layout.leftDimension ? sameLeft : sameRight)[Int(c)])
      }
    }
    #expect(
      grid.permutations[0..<11] != grid.permutations[11..<22], "groups split differently")
  }

  @Test func `a billion rows take few megabytes`() {
    #expect(ProductGrid.memoryBytes(count: 1 << 30, dimension: 17, parts: 2) < 150_000_000)
    #expect(ProductGrid.memoryBytes(count: 1 << 30, dimension: 17) < 25_000_000)
  }

  @Test(arguments: [
    (1, 1, nil, nil), (1000, 17, nil, nil), (1000, 17, nil, 3), (1 << 20, 33, 7, 2),
    (1 << 34, 2, nil, nil), (1 << 34, 3, nil, nil),
  ])
  func `memory is known before it is taken`(m: Int, d: Int, groups: Int?, parts: Int?) {
    #expect(
      ProductGrid.memoryBytes(count: m, dimension: d, groups: groups, parts: parts)
        == ProductGrid(count: m, dimension: d, seed: 1, groups: groups, parts: parts).memoryBytes)
    #expect(ProductGrid.memoryBytes(count: 1 << 48, dimension: 1 << 40, groups: 1 << 30) == .max)
  }

  @Test func `groups of more than 2^31 rows are asked panel by panel`() {
    // 2^34 rows in 2 groups of 2^33: lines of 92,682.
    let grid = ProductGrid(count: 1 << 34, dimension: 4, seed: 2, groups: 2, parts: 2)
    #expect(grid.rowsPerGroup == 1 << 33)
    let queries = gaussian(2, 4, seed: 77)
    let layout = grid.layout
    for query in 0..<2 {
      let x = queries.gather([query])
      // The best row of a group joins the best halves; ask just below the lesser of the two.
      let alpha = grid.left.canonicalProduct(with: x)
      let beta = grid.right.canonicalProduct(with: x)
      let best = (0..<2).map { group in
        let i = (0..<layout.leftCount).map { alpha[group * layout.leftCount + $0, 0] }.max()!
        let j = (0..<layout.rightCount).map { beta[group * layout.rightCount + $0, 0] }.max()!
        return i + j
      }
      let threshold = best.min()! * 0.97
      let (report, work) = ask(grid, queries, query..<(query + 1), above: threshold)
      #expect(work.rechecked < 1_000_000)
      #expect(report.neurons[0].count > 1)
      #expect(report.neurons[0] == report.neurons[0].sorted())
      for (neuron, value) in zip(report.neurons[0], report.values[0]).prefix(100) {
        let row = Matrix(rows: 1, columns: 4)
        unsafe grid.copyRow(neuron, to: row.pointer)
        #expect((row.canonicalProduct(with: x)[0, 0] - threshold).bitPattern == value)
      }
    }
  }

  @Test func `group counts follow the documented rule`() {
    for (m, groups) in [
      (1, 1), (511, 1), (1 << 12, 16), ((1 << 14) - 1, 63), (1 << 14, 64), (1 << 32, 64),
      (1 << 34, 16), (1 << 40, 4),
    ] {
      #expect(ProductGrid.defaultGroupCount(count: m) == groups)
    }
    for (m, groups) in [
      (1, 1), (1 << 15, 128), (1 << 16, 256), (1 << 26, 256), (1 << 38, 256), (1 << 40, 128),
      (1 << 48, 8),
    ] {
      #expect(ProductGrid.defaultGroupCount(count: m, parts: 3) == groups)
    }
    for (m, dimension, parts) in [
      ((1 << 26) - 1, 784, 2), (1 << 26, 784, 3), (1 << 26, 128, 2), (1 << 28, 128, 3),
      (1 << 30, 61, 2), (1 << 30, 65, 3), (1 << 26, 32, 2), (1 << 26, 31, 3), (1 << 26, 2, 2),
      (1 << 32, 31, 3), ((1 << 32) + 1, 32, 3),
    ] {
      #expect(ProductGrid.defaultPartCount(count: m, dimension: dimension) == parts)
    }
    #expect(ProductGrid.defaultPartCount(count: 1 << 40, dimension: 2) == 2)
  }

  @Test func `shapes that make no sense trap`() async {
    await #expect(processExitsWith: .failure) {
      _ = ProductGrid(count: 0, dimension: 3, seed: 1)
    }
    await #expect(processExitsWith: .failure) {
      _ = ProductGrid(count: 3, dimension: 0, seed: 1)
    }
    await #expect(processExitsWith: .failure) {
      _ = ProductGrid(count: 3, dimension: 3, seed: 1, groups: 0)
    }
    await #expect(processExitsWith: .failure) {
      _ = ProductGrid(count: 30, dimension: 2, seed: 1, parts: 3)
    }
    await #expect(processExitsWith: .failure) {
      _ = ProductGrid(count: 30, dimension: 8, seed: 1, parts: 4)
    }
    await #expect(processExitsWith: .failure) {
      let grid = ProductGrid(count: 3, dimension: 3, seed: 1)
      _ = ask(grid, Matrix(rows: 1, columns: 4), above: 0)
    }
    await #expect(processExitsWith: .failure) {
      _ = ProductGrid(count: 30, dimension: 2, seed: 1, parts: 3)
    }
    await #expect(processExitsWith: .failure) {
      _ = ProductGrid(count: 30, dimension: 8, seed: 1, parts: 4)
    }
    await #expect(processExitsWith: .failure) {
      let grid = ProductGrid(count: 3, dimension: 3, seed: 1)
      _ = ask(grid, Matrix(rows: 1, columns: 3), 0..<2, above: 0)
    }
  }
}
