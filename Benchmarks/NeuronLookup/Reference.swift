// SPDX-License-Identifier: Apache-2.0
import CHalfspace
import Halfspace

/// The pairs that fire, by exhaustive computation.
struct Reference {
  let threshold: Float
  private(set) var neurons: [[Int32]]
  private(set) var values: [[Float]]

  /// What must be reported above each threshold: all canonical products, compared one by one.
  static func all(rows: Matrix, queries: Matrix, above thresholds: [Float]) -> [Reference] {
    var references = thresholds.map { Reference(threshold: $0, queries: queries.rows) }
    // Blocks of rows that stay in cache for all queries.
    let size = max(64, (1 << 16) / max(1, rows.stride))
    let products = Matrix(rows: queries.rows, columns: size)
    for first in stride(from: 0, to: rows.rows, by: size) {
      let count = min(size, rows.rows - first)
      unsafe hs_preactivations_f32(
        queries.rows, count, rows.stride, queries.pointer, rows.row(first), products.pointer,
        products.stride)
      for q in 0..<queries.rows {
        let own = unsafe UnsafeBufferPointer(start: products.row(q), count: count)
        for k in references.indices { unsafe references[k].append(own, query: q, first: first) }
      }
    }
    return references
  }

  private init(threshold: Float, queries: Int) {
    self.threshold = threshold
    neurons = .init(repeating: [], count: queries)
    values = .init(repeating: [], count: queries)
  }

  /// Pairs per query.
  var meanCount: Double {
    Double(neurons.reduce(0) { $0 + $1.count }) / Double(max(1, neurons.count))
  }

  private mutating func append(
    _ products: UnsafeBufferPointer<Float>, query q: Int, first: Int
  ) {
    for r in 0..<products.count where unsafe products[r] > threshold {
      neurons[q].append(Int32(first + r))
      unsafe values[q].append(products[r] - threshold)
    }
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
