// SPDX-License-Identifier: Apache-2.0
import Halfspace
import _HalfspaceReport

/// What the results say, in short tables.
enum Summary {
  private static let denseNames: Set = [
    "sgemv, row-major", "sgemv, column-major", "sgemm + threshold", "fused scan",
    "brute force, product", "firing sets given",
  ]

  /// Results of one setting, in the order they were measured.
  static func settings(_ results: [Measurement]) -> [(setting: Setting, results: [Measurement])] {
    var order: [Setting] = []
    var groups: [Setting: [Measurement]] = [:]
    for result in results {
      if groups[result.setting] == nil { order.append(result.setting) }
      groups[result.setting, default: []].append(result)
    }
    return order.map { ($0, groups[$0]!) }
  }

  /// Settings in which no structure is faster than the best dense way, and structures that lose to
  /// it where another one wins.
  static func losses(_ results: [Measurement]) -> TextTable {
    var table = TextTable("case", "firing", "structure", "time", "dense", "factor")
    for (setting, results) in settings(results) {
      let dense = results[0].baselines
      let best = min(dense.sgemv, dense.sgemm ?? .infinity, dense.scan)
      for result in results
      where !denseNames.contains(result.structure) && result.seconds > best {
        table.append(
          setting.summary, Format.percent(setting.firing, decimals: 1), result.structure,
          Format.duration(result.seconds), Format.duration(best),
          Format.significant(best / result.seconds) + "x")
      }
    }
    return table
  }

  /// How far `automatic` is from the best single structure it could have chosen, worst first.
  static func automatic(_ results: [Measurement]) -> [(result: Measurement, factor: Double)] {
    settings(results).compactMap { setting, results in
      guard let own = results.first(where: { $0.structure == "automatic" }) else { return nil }
      let others = results.filter {
        $0.isExactStructure && $0.structure != "automatic" && $0.structure != "product grid"
      }
      guard let best = others.map(\.seconds).min() else { return nil }
      return (own, own.seconds / best)
    }.sorted { $0.factor > $1.factor }
  }

  static func automaticTable(_ results: [Measurement]) -> TextTable {
    var table = TextTable("case", "firing", "automatic", "of the best", "chose")
    for (result, factor) in automatic(results).prefix(10) {
      table.append(
        result.setting.summary, Format.percent(result.setting.firing, decimals: 1),
        Format.duration(result.seconds), Format.significant(factor) + "x", result.remark ?? "")
    }
    return table
  }
}
