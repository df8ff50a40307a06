// SPDX-License-Identifier: Apache-2.0
import Halfspace
import HalfspaceLinalg
import _HalfspaceTestSupport

/// Checkpoints: read, and if that works, gone on from.
enum CheckpointFuzz {
  /// Checkpoints of three runs that have, between them, all that there can be.
  static func seeds() throws -> [[UInt8]] {
    try (0..<3).map { kind in
      let trainer = try trainer(kind)
      try trainer.run(onStep: { trainer.stepCount == 13 ? .stop : .proceed })
      return try trainer.state().file().encoded()
    }
  }

  private static func trainer(_ kind: Int, resuming state: TrainerState? = nil) throws -> Trainer {
    let inputs = TestData.unitRows(30, 4, seed: 1)
    let targets = Targets.values(TestData.gaussian(30, kind == 2 ? 1 : 2, seed: 2))
    var network = NetworkConfiguration(width: 48, threshold: .value(0.5), seed: 3)
    var training = TrainingConfiguration(
      loss: .squared, epochs: 4, batchSize: 7, learningRate: 0.01, seed: 4)
    if kind == 0 {
      (training.optimizer, training.averagingStart, training.weightDecay) = (.adam(), 0.25, 0.3)
    } else if kind == 1 {
      (network.outputs, training.patience) = (.independent(.gaussian), 1)
    }
    let held = (TestData.unitRows(9, 4, seed: 5), targets.gather(0..<9))
    return try Trainer(
      inputs: inputs, targets: targets, network: network, training: training,
      validation: kind == 1 ? held : nil, resuming: state)
  }

  /// Reads the checkpoint at `path`, also as if it had been written like this, and takes some steps.
  static func read(_ path: String) throws {
    var file = try Safetensors(contentsOf: path)
    do {
      _ = try TrainerState(file: file)
    } catch is CheckpointError {
      // Damage that the checksum finds; what would do harm without it?
      file.metadata["halfspace.checksum"] = String(
        file.checksum(leavingOut: "halfspace.checksum"), radix: 16)
    }
    let state = try TrainerState(file: file)
    let kind = state.best != nil ? 1 : state.training.optimizer == .sgd ? 2 : 0
    let trainer = try trainer(kind, resuming: state)
    var steps = 0
    try trainer.run(onStep: {
      steps += 1
      return steps == 4 ? .stop : .proceed
    })
  }
}
