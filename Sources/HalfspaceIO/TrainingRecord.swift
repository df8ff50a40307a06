// SPDX-License-Identifier: Apache-2.0
public import HalfspaceNN

/// How a model came to be: all that is needed to train it again, and how good it was.
///
/// It is part of the model file, so it holds nothing that changes from run to run, such as times.
public struct TrainingRecord: Sendable, Equatable, Codable {
  /// The network before training.
  public var network: NetworkConfiguration
  /// How it was trained.
  public var training: TrainingConfiguration
  /// The threshold `b` that the configuration came to.
  public var threshold: Float
  /// Neurons that fire on at least one training row.
  public var materialized: Int
  /// Share of the neurons that fired on a training row in the last epoch, on average.
  public var firingFraction: Double
  /// Epochs that were run.
  public var epochs: Int
  /// Training rows.
  public var trainRows: Int
  /// How good the model is on the held-out rows, if there were any.
  public var test: Evaluation?
  /// Neurons behind the others that hold a linear part, two for each output; nil: there is none.
  public var linearNeurons: Int?
}
