// SPDX-License-Identifier: Apache-2.0
import Foundation
import _HalfspaceReport

/// The cost of reports over a range of widths.
struct Growth {
  let name: String
  let dimension: Int
  let points: [GrowthPoint]

  /// The slope of the logarithm of the time over the logarithm of the width, by least squares.
  var singleExponent: Double { exponent(\.single) }
  var batchExponent: Double { exponent(\.batched) }

  private func exponent(_ time: KeyPath<GrowthPoint, Double>) -> Double {
    let x = points.map { log(Double($0.m)) }
    let y = points.map { log($0[keyPath: time]) }
    let (meanX, meanY) = (mean(x), mean(y))
    let numerator = zip(x, y).reduce(0) { $0 + ($1.0 - meanX) * ($1.1 - meanY) }
    return numerator / x.reduce(0) { $0 + ($1 - meanX) * ($1 - meanX) }
  }

  private func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }

  var json: [JSONValue] { points.map { $0.json(name: name) } }

  /// All points as comma-separated values.
  static func csv(_ growths: [Growth]) -> String {
    let rows = growths.flatMap { growth in growth.points.map { (growth.name, $0) } }
    guard let (name, first) = rows.first else { return "" }
    var csv = CSVWriter(columns: first.csvColumns(name: name))
    for (name, point) in rows { csv.append(point.csvFields(name: name)) }
    return csv.text
  }

  /// Time per query over the width, beside the growth that is wanted.
  static func chart(_ growths: [Growth], exponent: Double, subtitle: String) -> LineChart {
    var series: [LineChart.Series] = []
    for growth in growths where growth.points.count > 1 {
      let label = "\(growth.name), \(growth.dimension) inputs"
      series.append(.init(label, growth.points.map { .init(Double($0.m), $0.single) }))
      if growth.points.count == growths[0].points.count {
        series.append(
          .init(label + ", batch", growth.points.map { .init(Double($0.m), $0.batched) }))
      }
    }
    if let points = growths.first?.points, let first = points.first, let last = points.last {
      let factor = pow(Double(last.m) / Double(first.m), exponent)
      series.append(
        .init(
          "m^\(exponent)",
          [.init(Double(first.m), first.single), .init(Double(last.m), first.single * factor)],
          isReference: true))
    }
    return LineChart(
      title: "Time of a static report at a fixed number of firings", subtitle: subtitle,
      x: ChartAxis("rows", scale: .powersOfTwo, labels: .powers),
      y: ChartAxis("time per query", scale: .logarithmic, labels: .duration), series: series)
  }
}
