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
  /// How often the run has begun again, each time with a third of the learning rate; see
  /// `TrainingConfiguration.firingFloor`.
  public var restarts = 0

  /// Nothing done.
  public init() {}

  /// As `encode(to:)` leaves it; of a run from before there were restarts, none.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    reports = try container.decode([EpochReport].self, forKey: .reports)
    rowsDone = try container.decode(Int.self, forKey: .rowsDone)
    loss = try container.decode(Double.self, forKey: .loss)
    firingsBefore = try container.decode(Int.self, forKey: .firingsBefore)
    restarts = try container.decodeIfPresent(Int.self, forKey: .restarts) ?? 0
  }
}
