// SPDX-License-Identifier: Apache-2.0

/// How a budget of row visits is spent: many settings for a short while, a third of them three times as
/// long, and so on (successive halving: Jamieson and Talwalkar, AISTATS 2016).
public struct TuningPlan: Sendable, Equatable {
  /// Settings that are tried in one round, and how long.
  public struct Rung: Sendable, Equatable {
    /// Settings tried.
    public let count: Int
    /// Row visits of each.
    public let visits: Int
  }

  /// Row visits that a second of budget stands for. It is a convention, not a measurement: the plan
  /// does not depend on the machine.
  public static let visitsPerSecond = 20_000.0
  /// Of how many settings one is kept.
  static let reduction = 3
  private static let rounds = 3
  private static let fewest = 9
  private static let most = 81

  /// The rounds, in order.
  public let rungs: [Rung]

  /// The plan for `budget` row visits where a whole run takes `run`: no trial is longer than that,
  /// and what is left buys more settings, up to 81.
  public init(budget: Int, run: Int) {
    let share = max(1, budget / Self.rounds)
    let last = Self.reduction * Self.reduction
    let count = min(max(last * share / max(1, run), Self.fewest), Self.most)
    let visits = max(last, min(run, last * share / count))
    rungs = (0..<Self.rounds).map { round in
      let factor = (0..<round).reduce(1) { product, _ in product * Self.reduction }
      return Rung(count: max(1, count / factor), visits: visits * factor / last)
    }
  }

  /// Row visits of all rounds.
  public var visits: Int { rungs.reduce(0) { $0 + $1.count * $1.visits } }
}
