// SPDX-License-Identifier: Apache-2.0
import Foundation
import Halfspace
import _HalfspaceReport

/// Draws time per single query over the number of neurons, one picture for each dimension and
/// firing probability.
enum Figures {
  private static let lookups = [
    "sgemv, row-major", "sgemv, column-major", "brute force, scan", "certified tiles",
    "product grid", "firing sets given",
  ]

  static func charts(
    _ results: [Measurement], subtitle: String
  ) -> [(name: String, chart: LineChart)] {
    let singles = results.filter { $0.batch == 1 }
    var charts: [(String, LineChart)] = []
    for d in Set(singles.map(\.d)).sorted() {
      for firing in Set(singles.map(\.firing)).sorted() {
        let shown = singles.filter { $0.d == d && $0.firing == firing }
        // A line needs two points.
        guard Set(shown.map(\.m)).count > 1 else { continue }
        let series = lookups.map { lookup in
          LineChart.Series(
            lookup,
            shown.filter { $0.lookup == lookup }.map { .init(Double($0.m), $0.seconds) },
            isReference: lookup == lookups.last)
        }
        let chart = LineChart(
          title: "Neurons that fire on an unseen query: \(d) inputs, "
            + "\(Format.percent(firing, decimals: 1)) firing",
          subtitle: subtitle,
          x: ChartAxis("neurons", scale: .powersOfTwo, labels: .powers),
          y: ChartAxis("time per query", scale: .logarithmic, labels: .duration), series: series)
        let tenths = Int((firing * 1000).rounded())
        charts.append(("neuron-lookup-d\(d)-\(tenths)permille.svg", chart))
      }
    }
    return charts
  }
}
