// SPDX-License-Identifier: Apache-2.0
import HalfspaceLinalg
import HalfspaceReporting

@testable import HalfspaceNN

/// The mean squared loss of two wide layers with a normalization between them, in Double, from the
/// formulas alone. Every neuron is there, stored by the layers or not.
struct DoubleStack {
  struct Layer {
    /// True weights, stored neurons first.
    var weights: [[Double]]
    var outputs: [[Double]]
    let threshold: Double
    let scale: Double

    init(_ layer: SparseWideLayer) {
      let network = layer.network
      func rows(_ matrix: Matrix, times factor: Double) -> [[Double]] {
        (0..<matrix.rows).map { matrix.rowArray($0).map { factor * Double($0) } }
      }
      weights = rows(network.weights, times: network.decay)
      outputs = rows(network.outputs, times: network.outputDecay)
      let (w, a) = (
        Matrix(rows: 1, columns: network.dimension), Matrix(rows: 1, columns: network.outputCount)
      )
      for neuron in 0..<network.width where !network.isMaterialized(neuron) {
        unsafe network.initial.copyWeights(of: neuron, to: w.pointer)
        unsafe network.initial.copyOutputs(of: neuron, to: a.pointer)
        weights += rows(w, times: network.decay)
        outputs += rows(a, times: network.outputDecay)
      }
      threshold = Double(network.threshold)
      scale = Double(network.scale)
    }

    func margins(_ x: [Double]) -> [Double] {
      weights.map { w in zip(w, x).reduce(-threshold) { $0 + $1.0 * $1.1 } }
    }

    func callAsFunction(_ x: [Double]) -> [Double] {
      var sum = [Double](repeating: 0, count: outputs[0].count)
      for (h, a) in zip(margins(x), outputs) where h > 0 {
        for c in sum.indices { sum[c] += scale * h * a[c] }
      }
      return sum
    }
  }

  var inputs: [[Double]]
  var lower: Layer
  var upper: Layer
  private let constant: Double
  private let targets: [[Double]]

  init(
    _ lower: SparseWideLayer, constant: Double, _ upper: SparseWideLayer, _ inputs: Matrix,
    _ targets: Matrix
  ) {
    self.lower = Layer(lower)
    self.upper = Layer(upper)
    self.constant = constant
    self.inputs = inputs.rowArrays.map { $0.map(Double.init) }
    self.targets = targets.rowArrays.map { $0.map(Double.init) }
  }

  private func middle(_ x: [Double]) -> [Double] {
    let row = lower(x) + [constant]
    let norm = row.reduce(0) { $0 + $1 * $1 }.squareRoot()
    return row.map { $0 / norm }
  }

  var loss: Double {
    zip(inputs, targets).reduce(0) { sum, row in
      zip(upper(middle(row.0)), row.1).reduce(sum) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) / 2 }
    } / Double(inputs.count)
  }

  /// Whether small moves leave the neurons that fire as they are: a finite difference across a kink
  /// of the ReLU is none of the gradient.
  var isFarFromKinks: Bool {
    inputs.allSatisfy { x in
      lower.margins(x).allSatisfy { abs($0) > 1e-4 }
        && upper.margins(middle(x)).allSatisfy { abs($0) > 1e-4 }
    }
  }
}
