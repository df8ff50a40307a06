// SPDX-License-Identifier: Apache-2.0
import CHalfspace
import Halfspace
import _HalfspaceReport

/// One network and its queries: the rows of a product grid, stored explicitly for everyone else.
final class Workload {
  let grid: ProductGrid
  /// The rows as `[m, d]` and, for the other orientation of sgemv, as `[d, m]`.
  let rows: Matrix
  let columns: Matrix
  /// Unit vectors in random directions.
  let queries: Matrix
  let gridSeconds: Double

  var m: Int { grid.count }
  var d: Int { grid.dimension }

  init(m: Int, d: Int, queryCount: Int, seed: UInt64) {
    let start = MonotonicClock.now
    let grid = ProductGrid(count: m, dimension: d, seed: seed, threads: 1)
    gridSeconds = MonotonicClock.now - start
    let rows = Matrix(rows: m, columns: d)
    let columns = Matrix(rows: d, columns: m)
    let block = 64
    parallelFor(m, grain: block, threads: ThreadCount.available) { range in
      for r in range { unsafe grid.copyRow(r, to: rows.row(r)) }
      for c in 0..<d {
        let column = unsafe columns.row(c)
        for r in range { unsafe column[r] = rows.pointer[r * rows.stride + c] }
      }
    }
    self.grid = grid
    self.rows = rows
    self.columns = columns
    let directions = IndependentGaussian(count: queryCount, dimension: d, seed: ~seed)
    queries = Matrix(rows: queryCount, columns: d)
    for q in 0..<queryCount {
      unsafe directions.copyRow(q, to: queries.row(q))
      let x = queries.rowArray(q)
      let norm = x.reduce(0) { $0 + $1 * $1 }.squareRoot()
      queries.setRow(q, to: x.map { $0 / norm })
    }
  }

  /// What must be reported above each threshold: all canonical products, compared one by one.
  func references(above thresholds: [Float]) -> [Reference] {
    let products = Matrix(rows: 1, columns: m)
    var references = thresholds.map { Reference(threshold: $0) }
    for q in 0..<queries.rows {
      unsafe hs_preactivations_f32(
        1, m, rows.stride, queries.row(q), rows.pointer, products.pointer, products.stride)
      for k in references.indices {
        unsafe references[k].append(UnsafeBufferPointer(start: products.pointer, count: m))
      }
    }
    return references
  }
}

/// The pairs that fire, by exhaustive computation.
struct Reference {
  let threshold: Float
  private(set) var neurons: [[Int32]] = []
  private(set) var values: [[Float]] = []

  init(threshold: Float) { self.threshold = threshold }

  /// Pairs per query.
  var meanCount: Double {
    Double(neurons.reduce(0) { $0 + $1.count }) / Double(max(1, neurons.count))
  }

  mutating func append(_ products: UnsafeBufferPointer<Float>) {
    var firing: [Int32] = []
    for r in 0..<products.count where unsafe products[r] > threshold { firing.append(Int32(r)) }
    neurons.append(firing)
    values.append(firing.map { unsafe products[Int($0)] - threshold })
  }

  /// Pairs in which a report about queries from `first` on differs: missing, superfluous, or with
  /// another value.
  func mismatches<Neuron>(_ report: borrowing CSRReport<Neuron>, from first: Int) -> Int {
    var count = 0
    for q in 0..<report.queryCount {
      let found = report.neurons(of: q).map { Int32($0) }
      let expected = neurons[first + q]
      if found == expected {
        count += zip(report.values(of: q), values[first + q])
          .count { $0.bitPattern != $1.bitPattern }
      } else {
        count += max(1, Set(found).symmetricDifference(expected).count)
      }
    }
    return count
  }
}
