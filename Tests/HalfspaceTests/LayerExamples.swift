// SPDX-License-Identifier: Apache-2.0
import Halfspace
import Testing

/// The examples of the article on layers.
@Suite struct LayerExamples {
  private func one(_ inputs: Matrix, _ labels: [Int32]) throws {
    // Example
    let layer = try SparseWideLayer(
      dimension: 64, outputCount: 10,
      network: .init(width: 1 << 20, threshold: .expectedFiring(64)), optimizer: .adaGrad())
    let scores = layer.forward(inputs)
    let (loss, gradient) = try Loss.softmaxCrossEntropy.meanAndGradient(
      of: scores, for: .classes(labels, count: 10))
    let inputGradient = layer.backward(gradient)
    layer.update(learningRate: 0.05)
    // End
    print(loss, inputGradient.rows)
  }

  private func two(_ inputs: Matrix, _ labels: [Int32]) throws {
    // Example
    let lower = try SparseWideLayer(
      dimension: 64, outputCount: 32,
      network: .init(width: 1 << 16, threshold: .expectedFiring(48), outputs: .independent()))
    var normalization = RowNormalization(constant: 1)
    let upper = try SparseWideLayer(
      dimension: 33, outputCount: 10,
      network: .init(width: 1 << 16, threshold: .expectedFiring(48)))

    let hidden = normalization.forward(lower.forward(inputs))
    let scores = upper.forward(hidden)
    let (_, gradient) = try Loss.softmaxCrossEntropy.meanAndGradient(
      of: scores, for: .classes(labels, count: 10))
    _ = lower.backward(normalization.backward(upper.backward(gradient)))
    upper.update(learningRate: 0.05)
    lower.update(learningRate: 0.05)
    // End
  }

  private func wideOutput(_ hidden: Matrix, _ labelsOfRows: [[Int32]]) throws {
    // Example
    let output = try WideOutputLayer(labelCount: 100_000, dimension: 33)
    let loss = output.forward(hidden, labels: labelsOfRows)
    let hiddenGradient = output.backward()
    output.update(learningRate: 0.3)
    let best = output.topLabels(for: hidden)
    // End
    print(loss, hiddenGradient.rows, best.count)
  }
}
