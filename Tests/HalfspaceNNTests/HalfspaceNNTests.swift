// SPDX-License-Identifier: Apache-2.0
import HalfspaceLinalg
import HalfspaceReporting
import Testing

@testable import HalfspaceNN

/// A small classification problem: noisy points on the unit sphere around one direction per class.
func makeClusters(rows: Int, dimension: Int, classes: Int, seed: UInt64) -> (Matrix, Targets) {
  var generator = SeededGenerator(seed: seed)
  func normal() -> Float {
    // Sum of uniforms: good enough for data, and no libm.
    (0..<12).reduce(-6) { sum, _ in sum + Float(generator.below(1 << 20)) / Float(1 << 20) }
  }
  let centers = (0..<classes).map { _ in (0..<dimension).map { _ in normal() } }
  let inputs = Matrix(rows: rows, columns: dimension)
  var labels: [Int32] = []
  for r in 0..<rows {
    let label = generator.below(classes)
    labels.append(Int32(label))
    let point = centers[label].map { $0 + 0.4 * normal() }
    let norm = point.reduce(0) { $0 + $1 * $1 }.squareRoot()
    inputs.setRow(r, to: point.map { $0 / norm })
  }
  return (inputs, .classes(labels, count: classes))
}

@Suite struct TrainerTests {
  @Test func `a wide network learns clusters`() throws {
    let (inputs, targets) = makeClusters(rows: 400, dimension: 10, classes: 5, seed: 3)
    let trainer = try Trainer(
      inputs: inputs, targets: targets,
      network: .init(width: 4096, threshold: .expectedFiring(40)),
      training: .init(loss: .softmaxCrossEntropy, epochs: 10, learningRate: 10))
    let reports = try trainer.run()
    #expect(reports.last!.loss < 0.2 * reports.first!.loss)
    #expect(Loss.softmaxCrossEntropy.measure(
      trainer.predictor().scores(for: inputs), against: targets).accuracy! > 0.97)
    print(reports.map(\.loss), trainer.network.count, trainer.times)
  }

  @Test func `weights equal the dense network's byte for byte`() throws {
    let (inputs, targets) = makeClusters(rows: 100, dimension: 10, classes: 5, seed: 3)
    for outputs in [InitialOutputs.zero, .symmetricPairs(.gaussian)] {
      let training = TrainingConfiguration(loss: .softmaxCrossEntropy, epochs: 2, learningRate: 5)
      let trainer = try Trainer(
        inputs: inputs, targets: targets,
        network: .init(width: 1024, threshold: .expectedFiring(20), outputs: outputs),
        training: training)
      let dense = DenseNetwork(twinOf: trainer.network, configuration: training)
      for step in 0..<8 {
        let rows = (0..<20).map { (step * 20 + $0) % 100 }
        let rate = 5 * LearningRateSchedule.linear.factor(step: step, steps: 8, stepsPerEpoch: 4)
        let a = trainer.takeStep(rows[...])
        let b = dense.takeStep(
          inputs.gather(rows), targets: targets, targetRows: rows[...], learningRate: rate)
        #expect(a == b)
      }
      for r in 0..<trainer.network.count {
        #expect(trainer.network.weights.rowArray(r) == dense.weights.rowArray(r))
        #expect(trainer.network.outputs.rowArray(r) == dense.outputs.rowArray(r))
      }
    }
  }
}
