// SPDX-License-Identifier: Apache-2.0

/// How far a run is.
///
/// The order of an epoch's rows is drawn anew from the seed and the epoch's number, so the state of
/// the generator is the number of epochs finished, and the position in the data the number of rows
/// that the epoch under way has seen.
public struct RunProgress: Sendable, Equatable, Codable {
  /// The epochs finished.
  public var reports: [EpochReport] = []
  /// Rows that the epoch under way has trained on, in its order.
  public var rowsDone = 0
  /// The sum of their losses, each before its step.
  public var loss = 0.0
  /// `Trainer.firings` when the epoch under way began.
  public var firingsBefore = 0

  /// Nothing done.
  public init() {}
}
