// SPDX-License-Identifier: Apache-2.0

/// What was tried, and what was best.
public struct TuningOutcome: Sendable {
  /// A trial in a round of the plan.
  public struct Trial: Sendable, Equatable {
    /// Number of the settings, from 1 in the order of their first trials; 1 is the recipe's.
    public let candidate: Int
    /// Number of the round, from 1.
    public let rung: Int
    /// How it went.
    public let result: TrialResult
  }

  /// The plan.
  public let plan: TuningPlan
  /// The trials, in order.
  public internal(set) var trials: [Trial] = []
  /// Whether the whole plan was carried out.
  public internal(set) var isComplete = false

  /// The best trial of the last round that has one; of equals that of the better
  /// probabilities, and then the first. Nil only when no settings could be trained with.
  public var best: Trial? {
    let last = trials.map(\.rung).max() ?? 0
    return trials.filter { $0.rung == last }.min {
      ($0.result.error, $0.result.cost) < ($1.result.error, $1.result.cost)
    }
  }

  /// The last trial of each of the settings, best first: those that came further before the others.
  public var ranking: [Trial] {
    let latest = Dictionary(grouping: trials, by: \.candidate).compactMap { $1.last }
    return latest.sorted {
      (-$0.rung, $0.result.error, $0.result.cost, $0.candidate)
        < (-$1.rung, $1.result.error, $1.result.cost, $1.candidate)
    }
  }
}
