// SPDX-License-Identifier: Apache-2.0
import Halfspace
import _HalfspaceReport

/// How many times as fast as a dense product a lookup should be.
struct Target {
  enum Opponent: String {
    case sgemv = "best sgemv"
    case sgemm = "blocked sgemm"
  }

  let distribution: LookupCase.Distribution
  let m: Int
  let d: Int
  let batch: Int
  let opponent: Opponent
  /// By firing share; trained rows have a share of their own: 0.
  let factors: [Double: Double]

  private init(
    _ distribution: LookupCase.Distribution, _ m: Int, _ d: Int, batch: Int = 1,
    against opponent: Opponent = .sgemv, _ factors: [Double]
  ) {
    self.distribution = distribution
    self.m = m
    self.d = d
    self.batch = batch
    self.opponent = opponent
    self.factors = Dictionary(
      uniqueKeysWithValues: zip(factors.count == 1 ? [0] : [0.001, 0.01, 0.05], factors))
  }

  static let all: [Target] = [
    Target(.productGrid(drift: 0), 1 << 20, 128, [100, 24, 6]),
    Target(.productGrid(drift: 0), 1 << 17, 784, [80, 24, 6]),
    Target(.productGrid(drift: 0), 1 << 20, 16, [55, 14, 4]),
    Target(.productGrid(drift: 0), 1 << 20, 128, batch: 128, against: .sgemm, [40, 8, 4]),
    Target(.gaussian, 1 << 20, 128, [6.5, 4.5, 3]),
    Target(.gaussian, 1 << 17, 128, [8, 6, 3.5]),
    Target(.gaussian, 1 << 17, 1024, [4.7, 4.4, 3]),
    Target(.gaussian, 1 << 20, 16, [8, 4, 2]),
    Target(.gaussian, 1 << 20, 8, [12, 5, 2]),
    Target(.gaussian, 1 << 20, 4, [45, 15, 2]),
    Target(.gaussian, 1 << 20, 2, [200, 55, 2]),
    Target(.lowRankInputs, 1 << 17, 128, [15, 11, 5]),
    Target(.manifold, 1 << 17, 64, [60, 35, 8]),
    Target(.gaussian, 1 << 17, 128, batch: 128, against: .sgemm, [4.5, 3.8, 3]),
    Target(.gaussian, 1 << 17, 512, batch: 128, against: .sgemm, [5, 4, 2.8]),
    Target(.trained("letter"), 0, 0, batch: 64, against: .sgemm, [3]),
  ]

  private func applies(to result: Measurement) -> Bool {
    let setting = result.setting
    return setting.label == distribution.label && setting.batch == batch && setting.moved == 0
      && (m == 0 || (setting.m == m && setting.d == d)) && result.isExactStructure
  }

  /// How a target that was measured was met or missed.
  struct Outcome {
    let target: Target
    let firing: Double
    /// How many times as fast as dense it should be, and is.
    let goal: Double
    let factor: Double
    /// The best structure, and `automatic`.
    let best: Measurement
    let automatic: Measurement?

    var isMet: Bool { factor >= goal }
    /// Seconds of what the target is against.
    var dense: Double {
      target.opponent == .sgemv ? best.baselines.sgemv : best.baselines.sgemm ?? .nan
    }
  }

  /// Every target that was measured.
  static func outcomes(_ results: [Measurement]) -> [Outcome] {
    all.flatMap { target in
      let measured = results.filter(target.applies)
      return Set(measured.map(\.setting.firing)).sorted().compactMap { firing -> Outcome? in
        let entries = measured.filter { $0.setting.firing == firing }
        guard let goal = target.factors[firing] ?? target.factors[0],
          let best = entries.max(by: { target.factor(of: $0) < target.factor(of: $1) })
        else { return nil }
        return Outcome(
          target: target, firing: firing, goal: goal, factor: target.factor(of: best), best: best,
          automatic: entries.first { $0.structure == "automatic" })
      }
    }
  }

  /// Every target that was measured: the best structure, `automatic`, and the limit.
  static func table(_ results: [Measurement], _ limits: MachineLimits) -> TextTable {
    var table = TextTable(
      "case", "firing", "against", "target", "best", "by", "automatic", "bytes' limit",
      "firing sets given", "")
    for outcome in outcomes(results) {
      let (target, best) = (outcome.target, outcome.best)
      table.append(
        best.setting.summary, Format.percent(outcome.firing, decimals: 1),
        target.opponent.rawValue, Format.significant(outcome.goal) + "x",
        Format.significant(outcome.factor) + "x", best.structure,
        outcome.automatic.map { Format.significant(target.factor(of: $0)) + "x" } ?? "–",
        target.readsAllRows
          ? Format.significant(outcome.dense / limits.leastSeconds(best)) + "x" : "–",
        Format.significant(outcome.dense / best.baselines.oracle) + "x",
        outcome.isMet ? "met" : "missed")
    }
    return table
  }

  /// Whether there is no structure in the rows or queries that saves looking at every row.
  var readsAllRows: Bool {
    (distribution == .gaussian && d > 8) || distribution.name == "trained"
  }

  /// Whether what finds rows fastest has them in another order than that of their numbers.
  var findsOutOfOrder: Bool {
    (distribution == .gaussian && d <= 8) || distribution == .manifold
  }

  private func factor(of result: Measurement) -> Double {
    opponent == .sgemv ? result.timesSgemv : result.timesSgemm ?? .nan
  }
}
