// SPDX-License-Identifier: Apache-2.0
import Foundation
import Halfspace
import _HalfspaceReport

/// C2.
struct FiringGrowth: Experiment {
  let id = "C2"
  let title = "With b = sqrt(0.4 ln m) about m^(4/5) neurons fire"
  let protocolText = """
    Initial networks of 2^12 to 2^18 neurons in symmetric pairs, 16 inputs, threshold by \
    `Threshold.paper`, 128 unit queries per seed; mean number of neurons reported. The asymptotic \
    exponent 4/5 is approached slowly: over these widths m Q(b) itself has the exponent 0.764.
    """

  func run(_ setup: Setup) throws -> Outcome {
    let widths = (12...18).map { 1 << $0 }
    let jobs = widths.reversed().flatMap { width in
      setup.seeds(12, quick: 4).map { (width: width, seed: $0) }
    }
    let counts = try jobs.concurrentMap(threads: setup.threads) { job in
      let b = Double(try Threshold.paper.resolved(width: job.width))
      let network = Firings(width: job.width, dimension: 16, seed: job.seed)
      let queries = UnitSphere.points(128, dimension: 16, seed: job.seed &+ 50)
      return Statistics.mean(network.counts(queries, above: b).map(Double.init))
    }
    let scaling = Scaling(zip(jobs, counts).map { (Double($0.width), $1) })
    var outcome = Outcome()
    var table = TextTable("m", "b", "m Q(b)", "mean that fires", "over m^0.8", "m Q(b) / m^0.8")
    var excess = 0.0
    var error = 0.0
    for place in scaling.places {
      let b = Double(try Threshold.paper.resolved(width: Int(place.x)))
      let expected = place.x * GaussianTail.probability(above: b)
      let power = pow(place.x, 0.8)
      excess = max(excess, place.mean / (power / 2))
      error = max(error, abs(place.mean / expected - 1))
      table.append(
        Format.count(Int(place.x)), Format.fixed(b, decimals: 4),
        Format.fixed(expected, decimals: 1),
        Format.fixed(place.mean, decimals: 1), Format.fixed(place.mean / power, decimals: 4),
        Format.fixed(expected / power, decimals: 4))
    }
    outcome.table = table
    outcome.findings = [
      scaling.finding("exponent of m", in: 0.755...0.775),
      .value("largest mean over the upper bound m^0.8 / 2", excess, atMost: 1),
      .value("largest deviation of a mean from m Q(b)", error, atMost: 0.02),
    ]
    outcome.points = [scaling.json]
    outcome.figures = [
      (
        "c2",
        LineChart(
          title: "Neurons that fire at b = sqrt(0.4 ln m)", subtitle: "independent rows, 16 inputs",
          x: ChartAxis("neurons m", scale: .powersOfTwo, labels: .powers),
          y: ChartAxis("neurons that fire", scale: .logarithmic, labels: .powers),
          series: [
            scaling.series("measured"),
            .theory("m Q(b)", widths.map(Double.init)) {
              $0 * GaussianTail.probability(above: (0.4 * log($0)).squareRoot())
            },
            .theory("m^0.8 / 2", widths.map(Double.init)) { pow($0, 0.8) / 2 },
          ])
      )
    ]
    return outcome
  }
}
