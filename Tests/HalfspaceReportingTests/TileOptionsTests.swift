// SPDX-License-Identifier: Apache-2.0
import HalfspaceLinalg
import HalfspaceReporting
import Testing

@Suite struct TileOptionsTests {
  /// Queries near a subspace of `k` of `d` dimensions, `noise` away from it.
  private func lowRank(_ count: Int, _ d: Int, rank k: Int, noise: Float, seed: UInt64) -> Matrix {
    let factors = gaussian(count, k, seed: seed, scale: 1 / Float(k).squareRoot())
    let directions = gaussian(k, d, seed: 77, scale: 1 / Float(d).squareRoot())
    let queries = gaussian(count, d, seed: seed + 1, scale: noise / Float(d).squareRoot())
    for q in 0..<count {
      for c in 0..<d {
        for j in 0..<k { queries[q, c] += factors[q, j] * directions[j, c] }
      }
    }
    return queries
  }

  private func work(
    _ index: inout CertifiedTileIndex, _ queries: Matrix, above threshold: Float
  ) -> (report: Oracle, statistics: IndexStatistics) {
    var report = FiringReport()
    for q in 0..<queries.rows {
      var single = FiringReport()
      index.report(queries: queries, rows: q..<(q + 1), above: threshold, into: &single)
      report.append(single)
    }
    return (Oracle(report), index.statistics)
  }

  @Test func `queries near a subspace cost bytes for its directions only`() {
    let weights = gaussian(4096, 96, seed: 1)
    let sample = lowRank(200, 96, rank: 6, noise: 0.02, seed: 10)
    let queries = lowRank(12, 96, rank: 6, noise: 0.02, seed: 20)
    let expected = Oracle(weights: weights, queries: queries, rows: 0..<12, above: 2.2)
    var flat = CertifiedTileIndex(weights)
    var prefix = CertifiedTileIndex(weights, options: TileOptions(sampleQueries: sample))
    #expect(prefix.encodedDimension >= 6 && prefix.encodedDimension <= 12)
    let (flatReport, flatWork) = work(&flat, queries, above: 2.2)
    let (report, work) = work(&prefix, queries, above: 2.2)
    #expect(report == expected && flatReport == expected)
    #expect(expected.pairCount > 100)
    #expect(work.bytesScanned * 3 < flatWork.bytesScanned)
    #expect(work.memoryBytes * 3 < flatWork.memoryBytes)
    #expect(work.rechecked < 4 * expected.pairCount)
  }

  @Test func `a prefix is left out where it does not pay`() {
    let weights = gaussian(512, 32, seed: 1)
    for sample in [
      gaussian(300, 32, seed: 2), Matrix(rows: 0, columns: 32), Matrix(rows: 5, columns: 32),
    ] {
      let index = CertifiedTileIndex(weights, options: TileOptions(sampleQueries: sample))
      #expect(index.encodedDimension == 32)
    }
    let missing = gaussian(5, 32, seed: 2)
    missing[3, 3] = .nan
    #expect(
      CertifiedTileIndex(weights, options: TileOptions(sampleQueries: missing, prefix: 4))
        .encodedDimension == 32)
  }

  @Test func `queries far from the sample are answered as exactly`() {
    let weights = gaussian(1000, 40, seed: 1)
    let sample = lowRank(100, 40, rank: 3, noise: 0, seed: 10)
    var index = CertifiedTileIndex(
      weights, options: TileOptions(sampleQueries: sample, prefix: 3))
    #expect(index.encodedDimension == 3)
    let queries = gaussian(20, 40, seed: 3, scale: 0.16)
    let expected = Oracle(weights: weights, queries: queries, rows: 0..<20, above: 2)
    var report = FiringReport()
    index.report(queries: queries, above: 2, into: &report)
    #expect(Oracle(report) == expected)
    for q in 0..<20 {
      index.report(queries: queries, rows: q..<(q + 1), above: 2, into: &report)
      #expect(Oracle(report).neurons[0] == expected.neurons[q])
    }
  }

  @Test func `an order discards most tiles of rows near a curve and accepts whole ones`() {
    // A curve in 40 dimensions.
    let parameters = gaussian(8192, 1, seed: 1)
    let waves = gaussian(40, 2, seed: 2)
    let weights = Matrix(rows: 8192, columns: 40)
    for r in 0..<8192 {
      for c in 0..<40 {
        let phase = waves[c, 0] * parameters[r, 0] + waves[c, 1]
        weights[r, c] = phase - phase * phase * phase / 30
      }
    }
    let queries = gaussian(16, 40, seed: 3, scale: 0.16)
    let threshold: Float = 1.5
    let expected = Oracle(weights: weights, queries: queries, rows: 0..<16, above: threshold)
    var flat = CertifiedTileIndex(weights)
    var ordered = CertifiedTileIndex(weights, options: TileOptions(order: .spatial))
    let (flatReport, flatWork) = work(&flat, queries, above: threshold)
    let (report, work) = work(&ordered, queries, above: threshold)
    #expect(report == expected && flatReport == expected)
    #expect(expected.pairCount > 1000)
    #expect(work.innerProducts * 4 < flatWork.innerProducts)
    #expect(work.bytesScanned < flatWork.bytesScanned)
    #expect(work.nodesPruned > 0 && work.nodesPruned < work.nodesVisited)
    // Rows of accepted tiles are not candidates.
    #expect(work.rechecked < expected.pairCount)
    // A batch is searched, not multiplied, with as little work.
    var batch = FiringReport()
    ordered.report(queries: queries, above: threshold, into: &batch)
    #expect(Oracle(batch) == expected)
    #expect(ordered.statistics.innerProducts == 2 * work.innerProducts)
  }

  @Test func `an order follows rows that wander off`() {
    let weights = gaussian(2000, 3, seed: 5)
    let queries = gaussian(8, 3, seed: 6)
    var index = CertifiedTileIndex(weights, options: TileOptions(order: .spatial))
    var generator = SeededGenerator(seed: 7)
    for round in 0..<12 {
      // A hundred rows at a time jump anywhere, until hardly one is where it was.
      let moved = (0..<400).map { _ in Int32(generator.below(2000)) }
      for row in moved {
        weights.setRow(Int(row), to: gaussian(1, 3, seed: generator.next()).rowArray(0))
      }
      unsafe moved.withUnsafeBufferPointer { unsafe index.update(rows: $0) }
      let before = index.statistics
      let (report, after) = work(&index, queries, above: 3)
      #expect(
        report == Oracle(weights: weights, queries: queries, rows: 0..<8, above: 3), "\(round)")
      var fresh = CertifiedTileIndex(weights, options: TileOptions(order: .spatial))
      let best = work(&fresh, queries, above: 3).statistics.innerProducts
      #expect(after.innerProducts - before.innerProducts < 3 * best + 2000)
    }
  }

  @Test func `options are refused or trap where they make no sense`() async {
    await #expect(processExitsWith: .failure) {
      _ = CertifiedTileIndex(
        Matrix(rows: 2, columns: 3),
        options: TileOptions(sampleQueries: Matrix(rows: 1, columns: 2)))
    }
    await #expect(processExitsWith: .failure) { _ = TileOptions(prefix: 0) }
  }
}
