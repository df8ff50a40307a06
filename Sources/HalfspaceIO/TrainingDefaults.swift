// SPDX-License-Identifier: Apache-2.0
internal import HalfspaceNN

/// What `TrainingOptions` left nil become where that depends on the task alone.
public struct TrainingDefaults: Sendable, Equatable {
  /// Name of the loss.
  public let loss: String
  /// Number of neurons.
  public let width: Int
  /// Neurons expected to fire on a row at initialization; fewer in a narrow network.
  public let expectedFiring: Int
  /// Passes over the training rows.
  public let epochs: Int
  /// Rows per step.
  public let batchSize: Int

  /// The defaults for `task`.
  public init(task: PredictionTask) {
    // Neither scaling nor features show in these.
    let defaults = TrainingRecipe.Defaults(scaling: .standardize, task: task, features: 1)
    loss = TrainingRecipe.loss(nil, task: task).name
    width = defaults.width
    expectedFiring = Int(defaults.expectedFiring)
    epochs = defaults.epochs
    batchSize = defaults.batchSize
  }
}
