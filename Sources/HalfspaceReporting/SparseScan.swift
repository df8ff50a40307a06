// SPDX-License-Identifier: Apache-2.0
internal import CHalfspace
package import HalfspaceLinalg

/// Looks at every row for every sparse query: the cost of a pair is the query's entries, not the
/// length of the rows.
///
/// The rows are read once for all queries of a report. Sixteen of them at a time are transposed,
/// so that an entry of a query serves sixteen pairs; products with the zeros are left out, which
/// changes no report (`CHalfspaceRows.h`).
///
/// - Complexity: O(m e) for e entries in all queries, and O(m d) to read the rows. Memory: 4 m bytes
///   per query of the largest report.
package final class SparseScan {
  private let weights: Matrix
  private let threads: Int
  private var products = Matrix(rows: 0, columns: 0)
  private var tiles = Matrix(rows: 0, columns: 0)
  private var counters = IndexStatistics()

  /// A scan over the rows of `weights`.
  package init(_ weights: Matrix, threads: Int) {
    precondition(weights.rows <= Int(Int32.max), "\(weights.rows) rows exceed 32-bit numbers")
    self.weights = weights
    self.threads = max(1, threads)
  }

  /// Work so far, and memory.
  package var statistics: IndexStatistics {
    var statistics = counters
    statistics.memoryBytes = products.byteCount + tiles.byteCount
    return statistics
  }

  /// Multiply-adds that take as long as starting a task.
  private static let productsWorthATask = 1 << 17

  /// Refills `report` with the rows that fire on the queries, as `BruteForceIndex` would.
  package func report(
    _ queries: SparseQueries, above threshold: Float, into report: inout FiringReport
  ) {
    precondition(
      queries.columns == weights.columns,
      "queries of \(queries.columns) columns for rows of \(weights.columns)")
    report.removeAll()
    let (weights, count) = (weights, weights.rows)
    let work = count * (queries.entryCount + weights.columns)
    let parts = max(1, min(threads, count / Matrix.lanes, work / Self.productsWorthATask))
    if products.rows < queries.count || products.columns < count {
      products = Matrix(rows: max(queries.count, products.rows), columns: count)
    }
    if tiles.rows < parts {
      tiles = Matrix(rows: parts, columns: Matrix.lanes * weights.stride)
    }
    let (products, tiles) = (products, tiles)
    parallelFor(parts, threads: threads) { part in
      // Whole tiles of sixteen rows, so that no two parts transpose the same.
      let first = part * count / parts / Matrix.lanes * Matrix.lanes
      let last =
        part + 1 == parts ? count : (part + 1) * count / parts / Matrix.lanes * Matrix.lanes
      unsafe queries.withRows { rows in
        unsafe hs_sparse_preactivations_f32(
          last - first, weights.stride, weights.row(first), rows, tiles.row(part),
          products.pointer + first, products.stride)
      }
    }
    for q in 0..<queries.count {
      report.commitFiring(products: products, row: q, count: count, above: threshold)
      report.endQuery()
    }
    counters.queries += queries.count
    counters.reported += report.count
    counters.innerProducts += queries.count * count
    counters.bytesScanned += 4 * weights.stride * count
  }
}

extension FiringReport {
  /// Adds the rows among 0..<count whose canonical products, a row of a matrix, are above the
  /// threshold to the current query.
  fileprivate mutating func commitFiring(
    products: Matrix, row: Int, count: Int, above threshold: Float
  ) {
    let room = unsafe reserve(count)
    let z = unsafe products.row(row)
    let kept = unsafe hs_filter_f32(count, z, threshold, 0, room.neurons)
    var fired = 0
    for k in 0..<kept {
      let neuron = unsafe room.neurons[k]
      let value = unsafe z[Int(neuron)]
      // NaN passes the filter and never fires.
      guard value > threshold else { continue }
      unsafe room.neurons[fired] = neuron
      unsafe room.values[fired] = value - threshold
      fired += 1
    }
    commit(fired)
  }
}
