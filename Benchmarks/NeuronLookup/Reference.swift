// SPDX-License-Identifier: Apache-2.0
import CHalfspace
import Halfspace

/// The pairs that fire, by exhaustive computation.
struct Reference {
  let threshold: Float
  private(set) var neurons: [[Int32]] = []
  private(set) var values: [[Float]] = []

  /// What must be reported above each threshold: all canonical products, compared one by one.
  static func all(rows: Matrix, queries: Matrix, above thresholds: [Float]) -> [Reference] {
    let products = Matrix(rows: 1, columns: rows.rows)
    var references = thresholds.map { Reference(threshold: $0) }
    for q in 0..<queries.rows {
      unsafe hs_preactivations_f32(
        1, rows.rows, rows.stride, queries.row(q), rows.pointer, products.pointer, products.stride)
      for k in references.indices {
        unsafe references[k].append(UnsafeBufferPointer(start: products.pointer, count: rows.rows))
      }
    }
    return references
  }

  private init(threshold: Float) { self.threshold = threshold }

  /// Pairs per query.
  var meanCount: Double {
    Double(neurons.reduce(0) { $0 + $1.count }) / Double(max(1, neurons.count))
  }

  private mutating func append(_ products: UnsafeBufferPointer<Float>) {
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
