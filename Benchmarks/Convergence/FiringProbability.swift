// SPDX-License-Identifier: Apache-2.0
import Foundation
import Halfspace
import _HalfspaceReport

/// C1.
struct FiringProbability: Experiment {
  let id = "C1"
  let title = "A neuron fires on a unit input with probability Q(b)"
  let protocolText = """
    Initial networks of 2^16 neurons in symmetric pairs over independent Gaussian rows, 16 inputs, \
    4 unit queries per seed; neurons reported over neurons in all. A share is to lie within four \
    standard deviations of Q(b), sqrt(Q / q) at most. Where many are compared, the limit is what the \
    furthest of so many exceeds no more often by chance than a single one exceeds four (Bonferroni). The \
    mean over all shares at a threshold is compared, too: its standard deviation is at most that of the \
    mean of as many as there are seeds.
    """

  func run(_ setup: Setup) throws -> Outcome {
    let width = 1 << 16
    let thresholds = stride(from: 0.0, through: 3, by: 0.5).map { $0 }
    let seeds = setup.seeds(16, quick: 4)
    let shares = try seeds.concurrentMap(threads: setup.threads) { seed in
      let network = Firings(width: width, dimension: 16, seed: seed)
      let queries = UnitSphere.points(4, dimension: 16, seed: seed &+ 50)
      return thresholds.map { b in
        network.counts(queries, above: b).map { Double($0) / Double(width) }
      }
    }
    var outcome = Outcome()
    var table = TextTable(
      "b", "Q(b)", "share that fires", "largest deviation / sqrt(Q / q)",
      "of the mean / sqrt(Q / (q seeds))")
    var worst = 0.0
    var worstMean = 0.0
    var measured: [(x: Double, value: Double)] = []
    for (k, b) in thresholds.enumerated() {
      let expected = GaussianTail.probability(above: b)
      let values = shares.flatMap { $0[k] }
      measured += values.map { (b, $0) }
      let unit = (expected / Double(width / 2)).squareRoot()
      let largest = values.map { abs($0 - expected) / unit }.max() ?? 0
      worst = max(worst, largest)
      let mean = Statistics.mean(values)
      let ofMean = abs(mean - expected) / unit * Double(seeds.count).squareRoot()
      worstMean = max(worstMean, ofMean)
      table.append(
        Format.fixed(b, decimals: 1), Format.significant(expected, digits: 5),
        Format.significant(mean, digits: 5), Format.fixed(largest, decimals: 2),
        Format.fixed(ofMean, decimals: 2))
    }
    outcome.table = table
    outcome.findings = [
      .value(
        "largest deviation of a share, in sqrt(Q / q), \(measured.count) shares", worst,
        atMost: Statistics.limit(comparisons: measured.count)),
      .value(
        "largest deviation of a mean share, in sqrt(Q / (q seeds)), \(thresholds.count) means",
        worstMean, atMost: Statistics.limit(comparisons: thresholds.count)),
    ]
    let scaling = Scaling(measured)
    outcome.points = [scaling.json]
    outcome.figures = [
      (
        "c1",
        LineChart(
          title: "Share of neurons that fire", subtitle: "2^16 neurons, 16 inputs",
          x: ChartAxis("threshold b"),
          y: ChartAxis("share", scale: .logarithmic, labels: .powers),
          series: [
            scaling.series("measured"),
            .theory("Q(b)", stride(from: 0, through: 3, by: 0.1).map { $0 }) {
              GaussianTail.probability(above: $0)
            },
          ])
      )
    ]
    return outcome
  }
}

/// Who fires in an initial network of symmetric pairs over independent Gaussian rows.
struct Firings {
  private let network: InitialNetwork

  init(width: Int, dimension: Int, seed: UInt64) {
    network = InitialNetwork(
      rows: IndependentGaussian(count: width / 2, dimension: dimension, seed: seed),
      outputs: .symmetricPairs(.signs), outputCount: 1, seed: seed)
  }

  /// Neurons that fire on each query.
  func counts(_ queries: Matrix, above threshold: Double) -> [Int] {
    withReport(queries, threshold) { report, q in report.range(of: q).count }
  }

  /// The neurons that fire on each query, ascending.
  func neurons(_ queries: Matrix, above threshold: Double) -> [[Int64]] {
    withReport(queries, threshold) { report, q in report.neurons(of: q) }
  }

  private func withReport<Value>(
    _ queries: Matrix, _ threshold: Double, _ read: (borrowing InitialReport, Int) -> Value
  ) -> [Value] {
    var report = InitialReport()
    var statistics = IndexStatistics()
    network.report(
      queries: queries, rows: 0..<queries.rows, above: Float(threshold), threads: 1,
      into: &report, statistics: &statistics)
    var values: [Value] = []
    for q in 0..<queries.rows { values.append(read(report, q)) }
    return values
  }
}
