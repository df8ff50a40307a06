// SPDX-License-Identifier: Apache-2.0
import CHalfspace
import HalfspaceLinalg
import Testing

@testable import HalfspaceReporting

@Suite struct ProjectedRowsTests {
  /// Rows near a subspace of `k` of `d` dimensions, `noise` away from it.
  private func rows(_ m: Int, _ d: Int, rank k: Int, noise: Float = 0, seed: UInt64 = 1) -> Matrix {
    let factors = gaussian(m, k, seed: seed)
    let directions = gaussian(k, d, seed: 77, scale: 1 / Float(k).squareRoot())
    let rows = gaussian(m, d, seed: seed + 1, scale: noise)
    for r in 0..<m {
      for j in 0..<k {
        for c in 0..<d { rows[r, c] += factors[r, j] * directions[j, c] }
      }
    }
    return rows
  }

  private func ordered(
    _ weights: Matrix, threads: Int = 1, nonFinite: NonFiniteNumbers = .refused
  ) -> CertifiedTileIndex {
    CertifiedTileIndex(
      weights, threads: threads, options: TileOptions(order: .spatial), nonFinite: nonFinite)
  }

  /// Whether an index answers these queries as an exhaustive pass does, one by one and together.
  private func isRight(
    _ index: inout CertifiedTileIndex, _ queries: Matrix, above threshold: Float
  ) -> Bool {
    let expected = Oracle(
      weights: index.weights, queries: queries, rows: 0..<queries.rows, above: threshold)
    var report = FiringReport()
    index.report(queries: queries, above: threshold, into: &report)
    guard Oracle(report) == expected else { return false }
    return (0..<queries.rows).allSatisfy { q in
      index.report(queries: queries, rows: q..<(q + 1), above: threshold, into: &report)
      let own = Oracle(report)
      return own.neurons[0] == expected.neurons[q] && own.values[0] == expected.values[q]
    }
  }

  @Test func `rows near a subspace are searched by their coordinates in it`() {
    let weights = rows(8192, 64, rank: 3)
    var index = ordered(weights)
    #expect(index.encodedDimension == 4)
    let queries = gaussian(16, 64, seed: 5, scale: 0.125)
    for threshold: Float in [-1, 0, 0.5, 1.5, 2.5, 100] {
      #expect(isRight(&index, queries, above: threshold), "\(threshold)")
    }
    // A tree over the rows themselves reads more for fewer nodes than the whole search here.
    let before = index.statistics
    var report = FiringReport()
    index.report(queries: queries, rows: 0..<1, above: 1.5, into: &report)
    let work = index.statistics
    #expect(report.count > 50)
    #expect(work.bytesScanned - before.bytesScanned < 4 * 64 * (report.count + 1000))
    #expect(work.nodesPruned > before.nodesPruned)
  }

  @Test func `rows elsewhere are left as they are`() {
    for weights in [
      gaussian(4096, 32, seed: 1), rows(4096, 32, rank: 3, noise: 0.1), rows(40, 32, rank: 3),
      rows(4096, 8, rank: 2), rows(4096, 32, rank: 20), Matrix(rows: 4096, columns: 32),
    ] {
      #expect(ProjectedRows(weights, threads: 1) == nil)
    }
    // One row that the sample does not show.
    let odd = rows(20_000, 32, rank: 3)
    for c in 0..<32 { odd[7, c] = gaussian(1, 32, seed: 9)[0, c] }
    #expect(TileBasis.forRows(odd) != nil && ProjectedRows(odd, threads: 1) == nil)
    odd[7, 3] = .nan
    #expect(ProjectedRows(odd, threads: 1) == nil)
  }

  @Test(arguments: [Float(0), 1e-4, 1e-3])
  func `pairs within two units of the threshold are decided rightly`(noise: Float) {
    let weights = rows(2048, 48, rank: 5, noise: noise)
    // Ties: what one row decides another must.
    for r in stride(from: 0, to: 2048, by: 5) { weights.setRow(r, to: weights.rowArray(r / 5)) }
    var index = ordered(weights, threads: 2)
    #expect(index.encodedDimension == 8)
    let queries = gaussian(4, 48, seed: 3, scale: 0.3)
    for q in 0..<4 {
      for r in stride(from: 3, to: 2048, by: 97) {
        let value = unsafe hs_dot_f32(weights.stride, weights.row(r), queries.row(q))
        for threshold in [
          value, value.nextDown, value.nextUp, value.nextDown.nextDown, value.nextUp.nextUp,
        ] {
          #expect(isRight(&index, queries, above: threshold), "row \(r), query \(q)")
        }
      }
    }
  }

  @Test func `rows that leave the subspace are followed`() {
    let weights = rows(3000, 32, rank: 3)
    let queries = gaussian(6, 32, seed: 6, scale: 0.2)
    var index = ordered(weights, nonFinite: .decided)
    #expect(index.encodedDimension == 4)
    var generator = SeededGenerator(seed: 7)
    for round in 0..<24 {
      let moved = (0..<100).map { _ in Int32(generator.below(3000)) }.sorted()
      let step = gaussian(100, 32, seed: generator.next(), scale: round < 8 ? 1e-4 : 0.1)
      var distances: [Float] = []
      for (k, row) in moved.enumerated() {
        var square: Float = 0
        for c in 0..<32 {
          weights[Int(row), c] += step[k, c]
          square += step[k, c] * step[k, c]
        }
        distances.append(square.squareRoot() * 1.001 + 1e-5)
      }
      if round == 15 {
        weights[Int(moved[3]), 5] = .infinity
        weights[Int(moved[4]), 5] = .nan
        weights[Int(moved[5]), 5] = 1e30
        for k in 3...5 { distances[k] = .infinity }
      }
      unsafe moved.withUnsafeBufferPointer { moved in
        unsafe distances.withUnsafeBufferPointer {
          if round % 2 == 0 {
            unsafe index.update(rows: moved)
          } else {
            unsafe index.update(rows: moved, displacements: $0)
          }
        }
      }
      for threshold: Float in [0, 1, 2] {
        #expect(isRight(&index, queries, above: threshold), "round \(round)")
      }
    }
  }

  @Test func `queries of any size are answered`() {
    let weights = rows(1000, 32, rank: 3)
    let queries = gaussian(8, 32, seed: 6, scale: 0.2)
    for c in 0..<32 {
      queries[1, c] *= 1e30
      queries[2, c] *= 1e-30
      queries[3, c] *= 0x1p-136
      queries[4, c] = 0
    }
    queries[5, 3] = .infinity
    queries[6, 3] = .nan
    queries[7, 3] = -3e38
    var index = ordered(weights, nonFinite: .decided)
    #expect(index.encodedDimension == 4)
    for threshold: Float in [-.infinity, -1, -1e-38, 0, 1e-38, 1, 1e30, .infinity, .nan] {
      #expect(isRight(&index, queries, above: threshold), "\(threshold)")
    }
  }
}
