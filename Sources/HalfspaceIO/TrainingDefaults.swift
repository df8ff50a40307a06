// SPDX-License-Identifier: Apache-2.0
internal import HalfspaceNN

/// What `TrainingOptions` left nil become where that depends on the task alone.
public struct TrainingDefaults: Sendable, Equatable {
  /// Name of the loss.
  public let loss: String
  /// Number of neurons.
  public let width: Int
  /// Passes over the training rows.
  public let epochs: Int
  /// Rows per step.
  public let batchSize: Int

  /// The defaults for `task`.
  public init(task: PredictionTask) {
    // Of a few thousand rows in units of their own.
    let defaults = TrainingRecipe.Defaults(
      scaling: .standardize, task: task, rows: 1000, features: 1)
    loss = TrainingRecipe.loss(nil, task: task).name
    width = defaults.width
    epochs = defaults.epochs
    batchSize = defaults.batchSize
  }
}
