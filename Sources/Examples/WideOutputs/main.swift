// SPDX-License-Identifier: Apache-2.0
//
// A wide output layer on the embedded digits: which of the training images does an image look like?
// Every training image is a label of its own, and a training row has five of them: itself and its
// four nearest neighbors. One against the rest with the squared hinge loss, a label beyond its margin
// has no gradient; the labels within are a half-space report over the rows of the output layer.
internal import Foundation
internal import Halfspace

// MARK: Data

let table = try EmbeddedData.digits
let split = TrainTestSplit(rowCount: table.rowCount, testFraction: 0.2, seed: 1)
let target = try TargetEncoder(fitting: table, column: "digit", task: .classification)
let encoder = try TableEncoder(fitting: table, target: "digit")
let features = try encoder.encode(table.selecting(rows: split.training))
let transform = try FeatureTransform(fitting: features, scaling: .commonScale, constant: 1)

func rows(_ selection: [Int]) throws -> (inputs: Matrix, digits: [Int32]) {
  let part = table.selecting(rows: selection)
  return (try transform.apply(to: encoder.encode(part)), try target.classes(of: part))
}
let training = try rows(split.training)
let test = try rows(split.test)
let labelCount = training.digits.count

// Inputs have norm 1: the nearest are those of the largest products.
let products = training.inputs.product(with: training.inputs, otherTransposed: true)
let labels: [[Int32]] = (0..<labelCount).map { row in
  var nearest: [(product: Float, row: Int)] = []
  for other in 0..<labelCount {
    let product = products[row, other]
    guard nearest.count < 5 || product > nearest[4].product else { continue }
    let place = nearest.firstIndex { $0.product < product } ?? nearest.count
    nearest.insert((product, other), at: place)
    nearest = Array(nearest.prefix(5))
  }
  return nearest.map { Int32($0.row) }.sorted()
}

// MARK: Network

let hidden = 48
let lower = try SparseWideLayer(
  dimension: training.inputs.columns, outputCount: hidden,
  network: .init(width: 1 << 14, threshold: .expectedFiring(48), outputs: .independent(), seed: 1),
  optimizer: .adaGrad())
var normalization = RowNormalization(constant: 0.5)
let output = try WideOutputLayer(
  labelCount: labelCount, dimension: normalization.outputCount(of: hidden))

// MARK: Training

let batchSize = 32
for epoch in 1...12 {
  var order = Array(0..<labelCount)
  var generator = SeededGenerator(seed: 1, stream: UInt64(epoch))
  generator.shuffle(&order)
  var total = 0.0
  let before = output.activePairs
  for start in stride(from: 0, to: order.count, by: batchSize) {
    let batch = order[start..<min(start + batchSize, order.count)]
    let representation = normalization.forward(lower.forward(training.inputs.gather(batch)))
    total += output.forward(representation, labels: batch.map { labels[$0] }) * Double(batch.count)
    _ = lower.backward(normalization.backward(output.backward()))
    output.update(learningRate: 0.3)
    lower.update(learningRate: 0.02)
  }
  let active = Double(output.activePairs - before) / Double(labelCount)
  print(
    "epoch \(epoch): loss \(total / Double(labelCount)), \(active) of \(labelCount) labels active")
}

// MARK: Prediction

let representation = normalization.apply(to: lower.predictor().scores(for: test.inputs))
let best = output.topLabels(for: representation)
let right = best.indices.count { training.digits[Int(best[$0])] == test.digits[$0] }
let accuracy = Double(right) / Double(test.digits.count)
print(
  String(
    format: "the best label shows the right digit for %.4f of %d held-out images", accuracy,
    test.digits.count))
