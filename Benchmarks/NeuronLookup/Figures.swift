// SPDX-License-Identifier: Apache-2.0
import Halfspace
import _HalfspaceReport

/// Three pictures: speed over the number of neurons, over the dimension, and by case.
enum Figures {
  private static let lookups = [
    "fused scan", "certified tiles", "partition tree", "product grid", "automatic",
    "firing sets given",
  ]

  static func charts(_ results: [Measurement], subtitle: String) -> [(name: String, svg: String)] {
    let shown = results.filter {
      $0.setting.batch == 1 && $0.setting.moved == 0 && $0.setting.firing == 0.01
    }
    var charts: [(String, String)] = []
    if let chart = overNeurons(shown, subtitle) { charts.append(("neuron-lookup.svg", chart.svg)) }
    if let chart = overDimension(shown, subtitle) {
      charts.append(("neuron-lookup-dimension.svg", chart.svg))
    }
    charts.append(("neuron-lookup-cases.svg", byCase(results, subtitle).svg))
    return charts
  }

  /// The chart of the README: time per query over m, 128 inputs.
  private static func overNeurons(_ results: [Measurement], _ subtitle: String) -> LineChart? {
    let distributions = ["gaussian", "productGrid"]
    let points = results.filter { $0.setting.d == 128 && distributions.contains($0.setting.label) }
    guard Set(points.map(\.setting.m)).count > 1 else { return nil }
    func line(_ label: String, _ select: (Measurement) -> Bool, reference: Bool = false)
      -> LineChart.Series
    {
      LineChart.Series(
        label,
        points.filter(select).sorted { $0.setting.m < $1.setting.m }
          .map { .init(Double($0.setting.m), $0.seconds) }, isReference: reference)
    }
    return LineChart(
      title: "Finding the neurons that fire on an unseen query: 128 inputs, 1 % firing",
      subtitle: subtitle, x: ChartAxis("neurons", scale: .powersOfTwo, labels: .powers),
      y: ChartAxis("time per query", scale: .logarithmic, labels: .duration),
      series: [
        LineChart.Series(
          "best sgemv",
          points.filter { $0.structure == "fused scan" && $0.setting.label == "gaussian" }
            .sorted { $0.setting.m < $1.setting.m }
            .map { .init(Double($0.setting.m), $0.baselines.sgemv) }),
        line("fused scan") { $0.structure == "fused scan" && $0.setting.label == "gaussian" },
        line("certified tiles, any rows") {
          $0.structure == "certified tiles" && $0.setting.label == "gaussian"
        },
        line("product grid, its own rows") { $0.structure == "product grid" },
        line(
          "firing sets given",
          { $0.structure == "firing sets given" && $0.setting.label == "gaussian" },
          reference: true),
      ])
  }

  /// Speed-up over d, 2^17 independent rows.
  private static func overDimension(_ results: [Measurement], _ subtitle: String) -> LineChart? {
    let points = results.filter {
      $0.setting.m == 1 << 17 && $0.setting.label == "gaussian"
    }
    guard Set(points.map(\.setting.d)).count > 1 else { return nil }
    return LineChart(
      title: "Times as fast as the better sgemv: 131,072 independent rows, 1 % firing",
      subtitle: subtitle, x: ChartAxis("inputs", scale: .powersOfTwo, labels: .plain),
      y: ChartAxis("times as fast", scale: .logarithmic),
      series: lookups.compactMap { lookup in
        let own = points.filter { $0.structure == lookup }.sorted { $0.setting.d < $1.setting.d }
        guard own.count > 1 else { return nil }
        return LineChart.Series(
          lookup, own.map { .init(Double($0.setting.d), $0.timesSgemv) },
          isReference: lookup == lookups.last)
      })
  }

  /// The best structure of every kind of rows, single queries and batches.
  private static func byCase(_ results: [Measurement], _ subtitle: String) -> BarChart {
    var groups: [String] = []
    var values: [[Double?]] = [[], []]
    let still = results.filter { $0.setting.moved == 0 && $0.isExactStructure }
    for label in Self.unique(still.map(\.setting.label)) {
      let own = still.filter {
        $0.setting.label == label
          && ($0.setting.firing == 0.01 || $0.setting.distribution == "trained")
      }
      // The shape that the others of its kind are compared at: the largest product m * d.
      guard let size = own.map({ $0.setting.m * $0.setting.d }).max() else { continue }
      let largest = own.filter { $0.setting.m * $0.setting.d == size }
      guard let some = largest.first?.setting else { continue }
      groups.append(
        (label.split(separator: ", ") + ["\(Format.count(some.m))×\(some.d)"])
          .joined(separator: "\n"))
      values[0].append(largest.filter { $0.setting.batch == 1 }.map(\.timesSgemv).max())
      values[1].append(largest.compactMap(\.timesSgemm).max())
    }
    return BarChart(
      title: "Times as fast as a dense product, best exact structure, 1 % firing",
      subtitle: subtitle, y: ChartAxis("times as fast"), groups: groups,
      series: [
        .init("one query, against the better sgemv", values[0]),
        .init("batch, against sgemm", values[1]),
      ], valueLabel: { Format.significant($0, digits: 2) })
  }

  private static func unique(_ labels: [String]) -> [String] {
    var seen = Set<String>()
    return labels.filter { seen.insert($0).inserted }
  }
}
