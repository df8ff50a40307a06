// SPDX-License-Identifier: Apache-2.0
import CHalfspace
import Halfspace
import _HalfspaceReport

/// The rows and queries of a case, stored explicitly.
final class Workload {
  let distribution: LookupCase.Distribution
  /// The rows as `[m, d]` and, for the other orientation of sgemv, as `[d, m]`.
  let rows: Matrix
  let columns: Matrix
  let queries: Matrix
  /// Other queries from the same source, for structures that want to see some beforehand.
  let sampleQueries: Matrix
  /// Where the rows are those of one: it, how far they have moved from it, and what it took.
  private(set) var grid: (weights: ProductGrid, drift: Float, buildSeconds: Double)?
  /// One threshold for each firing share.
  let thresholds: [(firing: Double, threshold: Float)]

  var m: Int { rows.rows }
  var d: Int { rows.columns }

  init(_ lookup: LookupCase, seed: UInt64, dataFolder: String?) throws {
    distribution = lookup.distribution
    let (m, d, count) = (lookup.m, lookup.d, lookup.queryCount)
    let sampleCount = 512
    var given: Float?
    switch lookup.distribution {
    case .gaussian:
      rows = Drawing.gaussian(m, d, seed: seed)
      queries = Drawing.directions(count, d, seed: ~seed)
      sampleQueries = Drawing.directions(sampleCount, d, seed: ~seed ^ 1)
    case .productGrid(let drift):
      let start = MonotonicClock.now
      let weights = ProductGrid(count: m, dimension: d, seed: seed, threads: 1)
      grid = (weights, drift, MonotonicClock.now - start)
      rows = Drawing.assembled(weights)
      if drift > 0 { Drawing.move(rows, by: drift, seed: seed ^ 0xD21F7) }
      queries = Drawing.directions(count, d, seed: ~seed)
      sampleQueries = Drawing.directions(sampleCount, d, seed: ~seed ^ 1)
    case .manifold:
      rows = Drawing.surface(m, d, seed: seed)
      queries = Drawing.directions(count, d, seed: ~seed)
      sampleQueries = Drawing.directions(sampleCount, d, seed: ~seed ^ 1)
    case .lowRankInputs:
      rows = Drawing.gaussian(m, d, seed: seed)
      let drawn = Drawing.lowRank(count + sampleCount, d, rank: 16, seed: ~seed)
      queries = drawn.gather(0..<count)
      sampleQueries = drawn.gather(count..<count + sampleCount)
    case .trained(let table):
      let trained = try TrainedRows(table: table, dataFolder: dataFolder)
      rows = trained.weights
      var generator = SeededGenerator(seed: seed)
      func some(_ count: Int) -> Matrix {
        trained.inputs.gather((0..<count).map { _ in generator.below(trained.inputs.rows) })
      }
      queries = some(count)
      sampleQueries = some(sampleCount)
      given = trained.threshold
    }
    columns = rows.transposedInBlocks()
    let shares = lookup.firings
    if let given {
      let share = Self.share(rows, queries, above: given)
      thresholds = [(share, given)]
    } else {
      thresholds = Array(zip(shares, Self.quantiles(rows, queries, shares)))
    }
  }

  /// Thresholds with these shares of pairs above them, from a sample of pairs.
  private static func quantiles(
    _ rows: Matrix, _ queries: Matrix, _ shares: [Double]
  ) -> [Float] {
    let products = sample(rows, queries)
    return shares.map { products[min(products.count - 1, Int(Double(products.count) * (1 - $0)))] }
  }

  private static func share(_ rows: Matrix, _ queries: Matrix, above threshold: Float) -> Double {
    let products = sample(rows, queries)
    return Double(products.count { $0 > threshold }) / Double(products.count)
  }

  /// Ascending products of up to 2^14 rows with up to 32 queries.
  private static func sample(_ rows: Matrix, _ queries: Matrix) -> [Float] {
    let count = min(rows.rows, 1 << 14)
    let some = rows.gather((0..<count).map { $0 * rows.rows / count })
    var products: [Float] = []
    let row = Matrix(rows: 1, columns: count)
    for q in 0..<min(32, queries.rows) {
      unsafe hs_preactivations_f32(
        1, count, some.stride, queries.row(q), some.pointer, row.pointer, row.stride)
      products += row.rowArray(0)
    }
    return products.sorted()
  }
}

extension Matrix {
  /// The transpose, block by block so that no cache line is fetched twice.
  fileprivate func transposedInBlocks() -> Matrix {
    let other = Matrix(rows: columns, columns: rows)
    parallelFor(rows, grain: 64, threads: ThreadCount.available) { range in
      for c in 0..<columns {
        let column = unsafe other.row(c)
        for r in range { unsafe column[r] = pointer[r * stride + c] }
      }
    }
    return other
  }
}
