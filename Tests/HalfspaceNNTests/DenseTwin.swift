// SPDX-License-Identifier: Apache-2.0
import HalfspaceLinalg
import HalfspaceReporting
import Testing

@testable import HalfspaceNN

/// A training run beside the same run of a dense network.
///
/// The batches and rates of the dense run are worked out here from the documented rules (a
/// shuffle by a generator for each epoch, a schedule over all steps), not asked of the trainer.
struct DenseTwin {
  let problem: Problem
  let trainer: Trainer
  let dense: DenseNetwork
  private let training: TrainingConfiguration

  init(_ problem: Problem, _ network: NetworkConfiguration, _ training: TrainingConfiguration)
    throws
  {
    self.problem = problem
    self.training = training
    trainer = try problem.trainer(network, training)
    dense = DenseNetwork(
      twinOf: trainer.network, configuration: training, trainsOutputs: network.trainsOutputs)
  }

  /// Runs both to the end and compares after every epoch.
  func run(sourceLocation: SourceLocation = #_sourceLocation) throws {
    let initial = dense.weights.gather(trainer.network.count..<trainer.network.width)
    let initialOutputs = dense.outputs.gather(trainer.network.count..<trainer.network.width)
    try trainer.run { report in
      let loss = runDenseEpoch(report.epoch - 1)
      #expect(report.loss == loss, sourceLocation: sourceLocation)
      expectSameRows(initial, initialOutputs, sourceLocation)
      return .proceed
    }
  }

  private func runDenseEpoch(_ epoch: Int) -> Double {
    let n = problem.inputs.rows
    var order = Array(0..<n)
    if training.shuffles {
      var generator = SeededGenerator(seed: training.seed, stream: UInt64(epoch))
      generator.shuffle(&order)
    }
    let perEpoch = (n + training.batchSize - 1) / training.batchSize
    var loss = 0.0
    for k in 0..<perEpoch {
      let rows = order[k * training.batchSize..<min(n, (k + 1) * training.batchSize)]
      let rate =
        training.learningRate
        * training.schedule.factor(
          step: epoch * perEpoch + k, steps: training.epochs * perEpoch, stepsPerEpoch: perEpoch)
      loss += dense.takeStep(
        problem.inputs.gather(rows), targets: problem.targets, targetRows: rows,
        learningRate: rate)
    }
    return loss / Double(n)
  }

  private func expectSameRows(
    _ initial: Matrix, _ initialOutputs: Matrix, _ sourceLocation: SourceLocation
  ) {
    let network = trainer.network
    let stored = 0..<network.count
    let latent = network.count..<network.width
    #expect(network.decay == dense.decay, sourceLocation: sourceLocation)
    #expect(network.outputDecay == dense.outputDecay, sourceLocation: sourceLocation)
    #expect(
      dense.weights.gather(stored).isIdentical(to: network.weights), "first layer",
      sourceLocation: sourceLocation)
    #expect(
      dense.outputs.gather(stored).isIdentical(to: network.outputs), "output weights",
      sourceLocation: sourceLocation)
    let latentRows = dense.weights.gather(latent)
    #expect(latentRows.isIdentical(to: initial), "latent rows", sourceLocation: sourceLocation)
    #expect(
      dense.outputs.gather(latent).isIdentical(to: initialOutputs), "latent output weights",
      sourceLocation: sourceLocation)
    #expect(
      !Self.fires(latentRows, on: problem.inputs, above: network.effectiveThreshold),
      "a latent neuron fires on a training row", sourceLocation: sourceLocation)
  }

  private static func fires(_ rows: Matrix, on inputs: Matrix, above threshold: Float) -> Bool {
    var report = FiringReport()
    BruteForceIndex(rows, method: .scan).report(
      queries: inputs, rows: 0..<inputs.rows, above: threshold, into: &report)
    return report.count > 0
  }

  /// Compares predictions on rows that were not trained on, bit for bit.
  func expectSameScores(sourceLocation: SourceLocation = #_sourceLocation) {
    #expect(
      trainer.predictor().scores(for: problem.unseen)
        .isIdentical(to: dense.scores(for: problem.unseen)),
      sourceLocation: sourceLocation)
  }

  /// Neurons of the trained network that fire on rows that were not trained on: stored, latent.
  func firingsOnUnseen() -> (stored: Int, latent: Int) {
    var report = FiringReport()
    BruteForceIndex(dense.weights, method: .scan).report(
      queries: problem.unseen, rows: 0..<problem.unseen.rows,
      above: trainer.network.effectiveThreshold, into: &report)
    var stored = 0
    for q in 0..<report.queryCount {
      stored += report.neurons(of: q).count { $0 < trainer.network.count }
    }
    return (stored, report.count - stored)
  }
}
