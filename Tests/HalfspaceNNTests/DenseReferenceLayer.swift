// SPDX-License-Identifier: Apache-2.0
import HalfspaceLinalg
import HalfspaceReporting
import _HalfspaceTestSupport

@testable import HalfspaceNN

/// A wide layer of which every neuron is stored and every product computed, in plain loops over
/// single floats: what `SparseWideLayer` must be, bit for bit, under SGD.
///
/// Its rows stand in the order in which the sparse layer has stored them in the end; those that had
/// not joined yet fired on nothing.
struct DenseReferenceLayer {
  var weights: [[Float]]
  var outputs: [[Float]]
  let threshold: Float
  let factor: Float
  let shards: [Int]
  private var inputs: [[Float]] = []
  private var h: [[Float]] = []
  private var gradient: [[Float]] = []

  /// As the sparse layer began.
  init(twinOf network: MaterializedNetwork) {
    let initial = network.initial
    let order = network.neurons + (0..<network.width).filter { !network.isMaterialized($0) }
    weights = order.map { neuron in
      let row = Matrix(rows: 1, columns: initial.dimension)
      unsafe initial.copyWeights(of: neuron, to: row.pointer)
      return row.rowArray(0)
    }
    outputs = order.map { neuron in
      let row = Matrix(rows: 1, columns: initial.outputCount)
      unsafe initial.copyOutputs(of: neuron, to: row.pointer)
      return row.rowArray(0)
    }
    threshold = network.threshold
    factor = network.scale
    shards = network.shards.dropLast() + [initial.width]
  }

  /// `factor * sum_r values[r][k] rows[r]`, shard by shard, over the neurons that fire.
  private func sums(_ values: [[Float]], _ rows: [[Float]], _ factor: Float) -> [[Float]] {
    inputs.indices.map { k in
      var total = [Float](repeating: 0, count: rows[0].count)
      for (piece, (begin, end)) in zip(shards, shards.dropFirst()).enumerated() {
        var sum = [Float](repeating: 0, count: total.count)
        for r in begin..<end where h[r][k] > 0 {
          for c in sum.indices { sum[c].addProduct(values[r][k], rows[r][c]) }
        }
        for c in sum.indices { total[c] = piece == 0 ? sum[c] : total[c] + sum[c] }
      }
      return total.map { $0 * factor }
    }
  }

  mutating func forward(_ batch: [[Float]]) -> [[Float]] {
    inputs = batch
    h = weights.map { w in batch.map { max(0, canonicalReference(w, $0) - threshold) } }
    return sums(h, outputs, factor)
  }

  mutating func backward(_ gradient: [[Float]]) -> [[Float]] {
    self.gradient = gradient.map { $0.map { $0 * factor } }
    let slopes = outputs.map { a in
      self.gradient.map { g in a.count == 1 ? a[0] * g[0] : canonicalReference(a, g) }
    }
    return sums(slopes, weights, 1)
  }

  /// A step of SGD.
  mutating func update(rate: Float) {
    for r in weights.indices where h[r].contains(where: { $0 > 0 }) {
      var gradW = weights[r].map { _ in Float(0) }
      var gradA = outputs[r].map { _ in Float(0) }
      for (k, g) in gradient.enumerated() where h[r][k] > 0 {
        let slope =
          g.count == 1 ? outputs[r][0] * g[0] : canonicalReference(outputs[r], g)
        for l in gradW.indices { gradW[l].addProduct(slope, inputs[k][l]) }
        for c in gradA.indices { gradA[c].addProduct(h[r][k], g[c]) }
      }
      for l in gradW.indices { weights[r][l].addProduct(-rate, gradW[l]) }
      for c in gradA.indices { outputs[r][c].addProduct(-rate, gradA[c]) }
    }
  }
}

extension Matrix {
  /// All rows as arrays.
  var rowArrays: [[Float]] { (0..<rows).map(rowArray) }
}
