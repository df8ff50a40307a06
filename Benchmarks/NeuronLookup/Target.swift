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

  /// Every target that was measured: the best structure, `automatic`, and the limit.
  static func table(_ results: [Measurement], _ limits: MachineLimits) -> TextTable {
    var table = TextTable(
      "case", "firing", "against", "target", "best", "by", "automatic", "bytes' limit",
      "firing sets given", "")
    for target in all {
      let measured = results.filter(target.applies)
      for firing in Set(measured.map(\.setting.firing)).sorted() {
        let entries = measured.filter { $0.setting.firing == firing }
        guard let goal = target.factors[firing] ?? target.factors[0],
          let best = entries.max(by: { target.factor(of: $0) < target.factor(of: $1) })
        else { continue }
        let automatic = entries.first { $0.structure == "automatic" }
        let dense = target.opponent == .sgemv ? best.baselines.sgemv : best.baselines.sgemm ?? .nan
        table.append(
          best.setting.summary, Format.percent(firing, decimals: 1), target.opponent.rawValue,
          Format.significant(goal) + "x", Format.significant(target.factor(of: best)) + "x",
          best.structure,
          automatic.map { Format.significant(target.factor(of: $0)) + "x" } ?? "–",
          target.readsAllRows
            ? Format.significant(
              dense / limits.leastSeconds(best)) + "x" : "–",
          Format.significant(dense / best.baselines.oracle) + "x",
          target.factor(of: best) >= goal ? "met" : "missed")
      }
    }
    return table
  }

  /// Whether there is no structure in the rows or queries that saves looking at every row.
  private var readsAllRows: Bool {
    (distribution == .gaussian && d > 8) || distribution.name == "trained"
  }

  private func factor(of result: Measurement) -> Double {
    opponent == .sgemv ? result.timesSgemv : result.timesSgemm ?? .nan
  }
}
