// SPDX-License-Identifier: Apache-2.0
import Foundation
import HalfspaceLinalg
import _HalfspaceTestSupport

@testable import HalfspaceNN

/// A dense network with squared loss, written out one float at a time from the documented
/// definitions: canonical products, the order of sums, optimizers, weight decay.
///
/// It shares no code with the package beyond the initial rows. With a lazy optimizer it is what
/// lazy means: a dense run in which a step updates the rows that fire on its batch, states and
/// weights, and leaves every other row and its state as they are.
struct ReferenceNetwork {
  var weights: [[Float]]
  var outputs: [[Float]]
  var decay = 1.0
  var outputDecay = 1.0

  private let threshold: Double
  private let scale: Double
  private let shards: [Int]
  private let optimizer: Optimizer
  private let weightDecay: Double
  private let trainsOutputs: Bool
  private var hiddenStates: [[State]]
  private var outputStates: [[State]]
  private var stepCount = 0

  /// What an optimizer remembers of one weight.
  private struct State {
    var first: Float = 0
    var second: Float = 0
  }

  /// All rows of a dense network at its start, in its order.
  init(_ dense: DenseNetwork, _ configuration: TrainingConfiguration, trainsOutputs: Bool = true) {
    weights = (0..<dense.weights.rows).map(dense.weights.rowArray)
    outputs = (0..<dense.outputs.rows).map(dense.outputs.rowArray)
    threshold = Double(dense.threshold)
    scale = Double(dense.scale)
    shards = dense.shards
    optimizer = configuration.optimizer
    weightDecay = configuration.weightDecay
    self.trainsOutputs = trainsOutputs
    hiddenStates = weights.map { $0.map { _ in State() } }
    outputStates = outputs.map { $0.map { _ in State() } }
  }

  /// Rows that fire on an input, with `<w, x> - b / decay`.
  private func firing(on x: [Float]) -> [(neuron: Int, value: Float)] {
    let b = Float(threshold / decay)
    return weights.indices.compactMap { r in
      let z = canonicalReference(weights[r], x)
      return z > b ? (r, z - b) : nil
    }
  }

  private func score(_ firing: [(neuron: Int, value: Float)]) -> [Float] {
    let zero = [Float](repeating: 0, count: outputs[0].count)
    var total = zero
    for (number, (begin, end)) in zip(shards, shards.dropFirst()).enumerated() {
      var sum = zero
      for (r, h) in firing where r >= begin && r < end {
        for c in sum.indices { sum[c].addProduct(h, outputs[r][c]) }
      }
      total = number == 0 ? sum : zip(total, sum).map { $0 + $1 }
    }
    let factor = Float(scale * decay * outputDecay)
    return total.map { $0 * factor }
  }

  func scores(for x: [Float]) -> [Float] { score(firing(on: x)) }

  /// One step on a batch.
  mutating func takeStep(_ batch: [[Float]], _ targets: [[Float]], rate: Double) {
    let reports = batch.map { firing(on: $0) }
    let factor = Float(scale * outputDecay / Double(batch.count))
    let slopes = zip(reports, targets).map { report, target in
      zip(score(report), target).map { ($0 - $1) * factor }
    }
    var fired = Set<Int>()
    var hiddenGradient = weights.map { [Float](repeating: 0, count: $0.count) }
    var outputGradient = outputs.map { [Float](repeating: 0, count: $0.count) }
    for (k, report) in reports.enumerated() {
      for (r, h) in report {
        fired.insert(r)
        // A single output is stored with stride 1, where the inner product is a product.
        let slope =
          slopes[k].count == 1
          ? outputs[r][0] * slopes[k][0] : canonicalReference(outputs[r], slopes[k])
        for l in batch[k].indices { hiddenGradient[r][l].addProduct(slope, batch[k][l]) }
        for c in slopes[k].indices { outputGradient[r][c].addProduct(h, slopes[k][c]) }
      }
    }
    decay *= 1 - rate * weightDecay
    if trainsOutputs { outputDecay *= 1 - rate * weightDecay }
    stepCount += 1
    for r in weights.indices where fired.contains(r) || !isLazy {
      for l in weights[r].indices {
        let step = Self.step(hiddenGradient[r][l], &hiddenStates[r][l], optimizer, stepCount)
        weights[r][l].addProduct(Float(-rate / decay), step)
      }
      guard trainsOutputs else { continue }
      for c in outputs[r].indices {
        let step = Self.step(outputGradient[r][c], &outputStates[r][c], optimizer, stepCount)
        outputs[r][c].addProduct(Float(-rate / outputDecay), step)
      }
    }
  }

  private var isLazy: Bool {
    switch optimizer {
    case .sgd, .adaGrad: false
    case .momentum(_, let lazy), .adam(_, _, _, let lazy): lazy
    }
  }

  /// What the gradient of one weight becomes in step `number`.
  private static func step(
    _ gradient: Float, _ state: inout State, _ optimizer: Optimizer, _ number: Int
  ) -> Float {
    switch optimizer {
    case .sgd:
      return gradient
    case .adaGrad(let epsilon):
      state.first.addProduct(gradient, gradient)
      return gradient / (state.first.squareRoot() + epsilon)
    case .momentum(let mu, _):
      state.first = gradient.addingProduct(mu, state.first)
      return state.first
    case .adam(let beta1, let beta2, let epsilon, _):
      state.first = ((1 - beta1) * gradient).addingProduct(beta1, state.first)
      state.second = ((1 - beta2) * gradient * gradient).addingProduct(beta2, state.second)
      let scale1 = Float(1 / (1 - pow(Double(beta1), Double(number))))
      let scale2 = Float(1 / (1 - pow(Double(beta2), Double(number))))
      return (state.first * scale1) / ((state.second * scale2).squareRoot() + epsilon)
    }
  }
}
