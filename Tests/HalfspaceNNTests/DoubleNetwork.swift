// SPDX-License-Identifier: Apache-2.0
import Foundation
import HalfspaceLinalg

@testable import HalfspaceNN

/// The mean loss of a network over a few rows, in Double, from the formulas alone.
struct DoubleNetwork {
  var weights: [[Double]]
  var outputs: [[Double]]
  let threshold: Double
  let scale: Double
  let inputs: [[Double]]
  let targets: [[Double]]
  let loss: Loss

  /// The true weights of a network: what is stored, times what weight decay has left.
  init(_ network: MaterializedNetwork, _ inputs: Matrix, _ targets: Targets, _ loss: Loss) {
    func rows(_ matrix: Matrix, times factor: Double) -> [[Double]] {
      (0..<matrix.rows).map { matrix.rowArray($0).map { factor * Double($0) } }
    }
    weights = rows(network.weights, times: network.decay)
    outputs = rows(network.outputs, times: network.outputDecay)
    threshold = Double(network.threshold)
    scale = Double(network.scale)
    self.inputs = rows(inputs, times: 1)
    self.loss = loss
    switch targets {
    case .values(let values): self.targets = rows(values, times: 1)
    case .classes(let classes, let count):
      self.targets = classes.map { label in
        (0..<count).map { $0 == Int(label) ? 1 : 0 }
      }
    case .labelSets(let sets, let count):
      self.targets = sets.map { set in
        (0..<count).map { set.contains(Int32($0)) ? 1 : 0 }
      }
    }
  }

  /// `<w_r, x_k> - b`.
  func margin(_ r: Int, _ k: Int) -> Double {
    zip(weights[r], inputs[k]).reduce(-threshold) { $0 + $1.0 * $1.1 }
  }

  /// What the network says about row `k`.
  func scores(_ k: Int) -> [Double] {
    var sum = [Double](repeating: 0, count: outputs[0].count)
    for r in weights.indices {
      let h = margin(r, k)
      guard h > 0 else { continue }
      for c in sum.indices { sum[c] += scale * h * outputs[r][c] }
    }
    return sum
  }

  /// The mean loss over all rows.
  var meanLoss: Double {
    inputs.indices.reduce(0) { $0 + value(scores($1), targets[$1]) } / Double(inputs.count)
  }

  /// The loss of one row; classes are one-hot targets.
  private func value(_ f: [Double], _ y: [Double]) -> Double {
    func sum(_ term: (Double, Double) -> Double) -> Double {
      zip(f, y).reduce(0) { $0 + term($1.0, $1.1) }
    }
    switch loss {
    case .squared: return sum { ($0 - $1) * ($0 - $1) / 2 }
    case .absolute: return sum { abs($0 - $1) }
    case .huber(let delta):
      let d = Double(delta)
      return sum {
        let e = abs($0 - $1)
        return e <= d ? e * e / 2 : d * (e - d / 2)
      }
    case .logistic, .oneVersusRestLogistic: return sum { log(1 + exp(-(2 * $1 - 1) * $0)) }
    case .hinge: return sum { max(0, 1 - (2 * $1 - 1) * $0) }
    case .softmaxCrossEntropy:
      return log(f.reduce(0) { $0 + exp($1) }) - zip(f, y).reduce(0) { $0 + $1.0 * $1.1 }
    }
  }
}
