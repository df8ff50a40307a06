// SPDX-License-Identifier: Apache-2.0
import HalfspaceLinalg
import HalfspaceNN
import HalfspaceReporting
import _HalfspaceTestSupport

@testable import HalfspaceIO

/// Small runs whose states have everything that a checkpoint can have.
enum CheckpointSample {
  /// A trainer of settings `kind`: 0 averages with Adam and decay, 1 stops early, 2 is plain with one
  /// input and one output.
  static func trainer(_ kind: Int, resuming state: TrainerState? = nil) throws -> Trainer {
    let dimension = kind == 2 ? 1 : 5
    let inputs = TestData.unitRows(30, dimension, seed: 1)
    let targets = Targets.values(TestData.gaussian(30, kind == 2 ? 1 : 2, seed: 2))
    var network = NetworkConfiguration(width: 64, threshold: .value(0.5), seed: 3)
    var training = TrainingConfiguration(
      loss: .squared, epochs: 4, batchSize: 7, learningRate: 0.01, seed: 4)
    var validation: (Matrix, Targets)?
    switch kind {
    case 0:
      training.optimizer = .adam()
      training.averagingStart = 0.25
      training.weightDecay = 0.3
    case 1:
      network.outputs = .independent(.gaussian)
      training.optimizer = .momentum()
      training.patience = 1
      validation = (TestData.unitRows(9, dimension, seed: 5), targets.gather(0..<9))
    default: break
    }
    return try Trainer(
      inputs: inputs, targets: targets, network: network, training: training,
      validation: validation, resuming: state)
  }

  /// The state after `steps` steps.
  static func state(_ kind: Int, steps: Int) throws -> TrainerState {
    let trainer = try trainer(kind)
    try trainer.run(onStep: { trainer.stepCount == steps ? .stop : .proceed })
    return trainer.state()
  }
}
