// SPDX-License-Identifier: Apache-2.0
//
// A network of three layers on the embedded digits: two wide sparse layers, one on the other.
//
//     pixels -> wide ReLU layer -> 32 numbers -> unit norm -> wide ReLU layer -> 10 scores
//
// The second layer's inputs move with every step of the first, so which of its neurons will ever
// fire cannot be known beforehand. Both layers find out batch by batch, exactly.
internal import Foundation
internal import Halfspace

// MARK: Data

let table = try EmbeddedData.digits
let split = TrainTestSplit(rowCount: table.rowCount, testFraction: 0.2, seed: 1)
let target = try TargetEncoder(fitting: table, column: "digit", task: .classification)
let encoder = try TableEncoder(fitting: table, target: "digit")
let features = try encoder.encode(table.selecting(rows: split.training))
let transform = try FeatureTransform(fitting: features, scaling: .commonScale, constant: 1)

func rows(_ selection: [Int]) throws -> (inputs: Matrix, labels: [Int32]) {
  let part = table.selecting(rows: selection)
  return (try transform.apply(to: encoder.encode(part)), try target.classes(of: part))
}
let training = try rows(split.training)
let test = try rows(split.test)

// MARK: Network

let middle = 32
let lower = try SparseWideLayer(
  dimension: training.inputs.columns, outputCount: middle,
  network: .init(width: 1 << 16, threshold: .expectedFiring(48), outputs: .independent(), seed: 1),
  optimizer: .adaGrad())
var normalization = RowNormalization(constant: 1)
let upper = try SparseWideLayer(
  dimension: normalization.outputCount(of: middle), outputCount: 10,
  network: .init(width: 1 << 16, threshold: .expectedFiring(48), seed: 2), optimizer: .adaGrad())

// MARK: Training

let batchSize = 32
for epoch in 1...4 {
  var order = Array(training.labels.indices)
  var generator = SeededGenerator(seed: 1, stream: UInt64(epoch))
  generator.shuffle(&order)
  var total = 0.0
  for start in stride(from: 0, to: order.count, by: batchSize) {
    let batch = order[start..<min(start + batchSize, order.count)]
    let hidden = normalization.forward(lower.forward(training.inputs.gather(batch)))
    let scores = upper.forward(hidden)
    let (loss, gradient) = try Loss.softmaxCrossEntropy.meanAndGradient(
      of: scores, for: .classes(batch.map { training.labels[$0] }, count: 10))
    _ = lower.backward(normalization.backward(upper.backward(gradient)))
    upper.update(learningRate: 0.05)
    lower.update(learningRate: 0.05)
    total += loss * Double(batch.count)
  }
  print(
    "epoch \(epoch): loss \(total / Double(order.count)), "
      + "stored neurons \(lower.network.count) and \(upper.network.count) of \(1 << 16) each")
}

// MARK: Prediction

let frozen = (lower.predictor(), upper.predictor())
let scores = frozen.1.scores(for: normalization.apply(to: frozen.0.scores(for: test.inputs)))
let right = test.labels.indices.count { scores.indexOfLargest(inRow: $0) == Int(test.labels[$0]) }
let accuracy = Double(right) / Double(test.labels.count)
print(String(format: "accuracy on %d held-out digits: %.4f", test.labels.count, accuracy))
