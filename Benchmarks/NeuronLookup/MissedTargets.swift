// SPDX-License-Identifier: Apache-2.0
import Halfspace
import _HalfspaceReport

/// What targets that were missed would ask of the processor.
enum MissedTargets {
  /// Queries that are asked again and again: what they need stays in a cache if it fits.
  private static let queriesAsked = 64

  /// The least work behind an answer, in seconds at the rates that were measured.
  private struct Least {
    /// Bytes of the filter, of the floats of the rows that fire, and of the pairs written.
    let bytes: Double
    let reading: Double
    /// Multiply-adds of the canonical values.
    let operations: Double
    /// Putting pairs in the order of their numbers, where they are found in another one.
    let ordering: Double

    /// Values are computed while rows are read; pairs are put in order once they are there.
    var seconds: Double { max(reading, operations) + ordering }

    init(_ outcome: Target.Outcome, _ limits: MachineLimits) {
      let best = outcome.best
      let (m, d) = (best.setting.m, best.setting.d)
      let batch = Double(best.setting.batch)
      let filter = Self.filterBytes(outcome, best) / batch
      let values = best.reported * Double(4 * d)
      let output = best.reported * 8
      // What all queries asked need together decides where it comes from.
      let asked = Double(max(MissedTargets.queriesAsked, best.setting.batch))
      let rows = min(values * asked, Double(4 * m * d))
      bytes = filter + values + output
      reading =
        filter / limits.reading(filter * batch) + values / limits.reading(rows)
        + output / limits.reading(output)
      operations = best.reported * Double(d) / limits.float
      ordering =
        outcome.target.findsOutOfOrder
        ? best.reported * limits.secondsToOrderPair(of: best.reported) : 0
    }

    /// Codes of a byte for each weight, the tables of a grid, or nothing where rows are found by
    /// geometry.
    private static func filterBytes(_ outcome: Target.Outcome, _ best: Measurement) -> Double {
      if outcome.target.readsAllRows { return Double(best.setting.m * best.setting.d) }
      // A grid holds its vectors' parts by themselves and at full length; it reads the former.
      return best.structure == "product grid" ? Double(best.memoryBytes) / 3 : 0
    }
  }

  static func text(_ results: [Measurement], _ limits: MachineLimits) -> String {
    let missed = Target.outcomes(results).filter { !$0.isMet }
    if missed.isEmpty { return "All targets that were measured are met." }
    var table = TextTable(
      "case", "firing", "target", "measured", "firing sets given", "bytes", "to read and write",
      "multiply-adds", "to order pairs", "together", "")
    for outcome in missed {
      let least = Least(outcome, limits)
      let target = outcome.dense / outcome.goal
      table.append(
        outcome.best.setting.summary, Format.percent(outcome.firing, decimals: 1),
        Format.duration(target), Format.duration(outcome.best.seconds),
        Format.duration(outcome.best.baselines.oracle), Format.bytes(Int(least.bytes)),
        Format.duration(least.reading), Format.duration(least.operations),
        least.ordering > 0 ? Format.duration(least.ordering) : "–",
        Format.duration(least.seconds),
        verdict(target, least: least.seconds, oracle: outcome.best.baselines.oracle))
    }
    return "\(table)"
  }

  private static func verdict(_ target: Double, least: Double, oracle: Double) -> String {
    if target < least { return "the target is below the limit" }
    return target < oracle
      ? "above the limit, below what firing sets given take" : "above the limit, not reached"
  }
}
