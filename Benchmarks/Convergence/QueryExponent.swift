// SPDX-License-Identifier: Apache-2.0
import Foundation
import Halfspace
import _HalfspaceReport

/// C16.
struct QueryExponent: Experiment {
  let id = "C16"
  let title = "The work of geometric search by the number of inputs"
  let protocolText = """
    `PartitionTreeIndex` over Gaussian rows, unit queries, b = sqrt(0.4 ln m): rows whose inner product \
    had to be decided, and those plus nodes whose bound was computed. Exponent of m over 2^14 to 2^18 of \
    the sum, beside that of a binary kd-tree with leaves of 16 (the prediction) and that of the theory of \
    half-space reporting, 1 - 1 / floor(d / 2).
    """

  /// By dimension: the exponent of a kd-tree, and the share of rows it decides at 2^18.
  private static let predicted: [(dimension: Int, exponent: Double, share: Double)] = [
    (2, 0.39, 0.0036), (3, 0.50, 0.015), (4, 0.56, 0.037), (6, 0.70, 0.126), (8, 0.78, 0.263),
    (10, 0.84, 0.427), (12, 0.88, 0.587), (16, 0.96, 0.866), (24, 1.00, 0.999),
    (32, 1.00, 1.000),
  ]

  func run(_ setup: Setup) throws -> Outcome {
    let widths: [Int] = (setup.isQuick ? [12, 14, 16] : [12, 14, 16, 18]).map { 1 << $0 }
    struct Job: Sendable {
      var width: Int
      var dimension: Int
      var seed: UInt64
    }
    let jobs = widths.reversed().flatMap { width in
      Self.predicted.reversed().flatMap { row in
        setup.seeds(3, quick: 1).map { Job(width: width, dimension: row.dimension, seed: $0) }
      }
    }
    let results = try jobs.concurrentMap(threads: setup.threads) { job in
      try Self.work(job.width, job.dimension, queries: setup.isQuick ? 50 : 200, job.seed)
    }
    var outcome = Outcome()
    var table = TextTable(
      columns: ["d"] + widths.map { "decided, m = \(Format.count($0))" }
        + ["exponent", "95 %", "kd-tree", "theory"])
    var series: [LineChart.Series] = []
    for (dimension, exponent, _) in Self.predicted {
      let chosen = zip(jobs, results).filter { $0.0.dimension == dimension }
      let all = Scaling(chosen.map { (Double($0.0.width), $0.1.decided + $0.1.nodes) })
      let shares = Scaling(
        chosen.map { (Double($0.0.width), $0.1.decided / Double($0.0.width)) })
      var fitted = all
      fitted.places = all.places.filter { $0.x >= 16384 }
      let theory = max(0, 1 - 1 / Double(dimension / 2))
      table.append(
        row: ["\(dimension)"] + shares.places.map { Format.significant($0.mean) }
          + [
            Format.fixed(fitted.exponent, decimals: 2), Finding.range(fitted.exponentInterval),
            Format.fixed(exponent, decimals: 2), Format.fixed(theory, decimals: 2),
          ])
      outcome.findings.append(
        fitted.finding(
          "exponent of m at d = \(dimension)", in: exponent - 0.05...exponent + 0.05))
      if dimension == 24, let last = shares.places.last {
        outcome.findings.append(
          .value(
            "share decided at d = 24, m = \(Format.count(Int(last.x)))", last.mean, in: 0.99...1))
      }
      if [2, 4, 6, 8, 12, 16, 24].contains(dimension) {
        series.append(all.series("d = \(dimension)"))
      }
      outcome.points.append(all.json)
    }
    series.append(.theory("all rows", widths.map(Double.init)) { $0 })
    outcome.table = table
    outcome.figures = [
      (
        "c16",
        LineChart(
          title: "Work of a partition tree for one query",
          subtitle: "rows decided and nodes visited, Gaussian rows, b = sqrt(0.4 ln m)",
          x: ChartAxis("rows m", scale: .powersOfTwo, labels: .powers),
          y: ChartAxis("rows and nodes", scale: .logarithmic, labels: .powers), series: series)
      )
    ]
    return outcome
  }

  private static func work(
    _ width: Int, _ dimension: Int, queries count: Int, _ seed: UInt64
  ) throws -> (decided: Double, nodes: Double) {
    let rows = IndependentGaussian(count: width, dimension: dimension, seed: seed)
    let weights = Matrix(rows: width, columns: dimension)
    for r in 0..<width { unsafe rows.copyRow(r, to: weights.row(r)) }
    let queries = UnitSphere.points(count, dimension: dimension, seed: seed &+ 5)
    var index = PartitionTreeIndex(weights)
    var report = FiringReport()
    index.report(
      queries: queries, above: try Threshold.paper.resolved(width: width), into: &report)
    let work = index.statistics
    return (
      Double(work.rechecked) / Double(count), Double(work.nodesVisited) / Double(count)
    )
  }
}
