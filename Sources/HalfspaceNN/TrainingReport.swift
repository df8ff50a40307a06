// SPDX-License-Identifier: Apache-2.0

/// Where the time of training went, in seconds. Of steps of some microseconds one of several is timed, and
/// stands for the others.
public struct TrainingTimes: Sendable, Equatable, Codable {
  /// Static reports and materialization.
  public var report = 0.0
  /// Finding the neurons that fire, in every step.
  public var lookup = 0.0
  /// Transposing the report, where the lookup gives one, and the forward pass.
  public var forward = 0.0
  /// Telling other processes the sums of shards, and waiting for theirs.
  public var exchange = 0.0
  /// The loss.
  public var loss = 0.0
  /// The backward pass and the optimizer.
  public var backward = 0.0
  /// Telling the index which rows moved.
  public var maintenance = 0.0
  /// Validation.
  public var validation = 0.0

  /// The sum of all parts.
  public var total: Double {
    report + steps + validation
  }

  /// The steps alone.
  public var steps: Double { lookup + forward + exchange + loss + backward + maintenance }

  /// All zero.
  public init() {}
}

/// What an epoch has brought.
public struct EpochReport: Sendable, Equatable, Codable {
  /// Number of the epoch, from 1.
  public var epoch: Int
  /// Epochs in all.
  public var epochs: Int
  /// Mean training loss over the epoch, before each step.
  public var loss: Double
  /// Mean loss on the validation rows, if there are any.
  public var validationLoss: Double?
  /// Share of validation rows whose class is right, for classification.
  public var validationAccuracy: Double?
  /// Learning rate of the last step.
  public var learningRate: Double
  /// Neurons that fired on a training row, on average.
  public var firingsPerRow: Double
  /// Stored neurons.
  public var materialized: Int
  /// Time so far.
  public var times: TrainingTimes
}

/// What a callback wants the trainer to do next.
public enum TrainingAction: Sendable {
  /// Go on.
  case proceed
  /// End the run after this step or epoch, keeping what has been learned.
  case stop
}

/// Training that cannot go on.
public enum TrainingError: Error, CustomStringConvertible, Equatable {
  /// The loss is no longer finite.
  case diverged(epoch: Int, learningRate: Double)
  /// Input rows can no longer be read.
  case unreadable(RowReadError)

  /// One sentence.
  public var description: String {
    switch self {
    case .diverged(let epoch, let learningRate):
      "training diverged in epoch \(epoch): the loss is not finite; try a learning rate below "
        + "\(learningRate)"
    case .unreadable(let error): "training cannot go on: \(error)"
    }
  }
}
