// SPDX-License-Identifier: Apache-2.0
import Foundation
import Halfspace
import _HalfspaceReport

/// C8.
struct NormLaw: Experiment {
  let id = "C8"
  let title = "Steps grow like M²: at fixed T the excess grows like M"
  let protocolText = """
    As C7, M = 1, 2, 4, 8 at T = 2^15; the same centers and coefficients, scaled. A point is fitted \
    where at most 0.3 of the initial excess is left.
    """

  func run(_ setup: Setup) throws -> Outcome {
    let width = setup.isQuick ? 1 << 12 : 1 << 13
    let steps = setup.isQuick ? 1 << 13 : 1 << 15
    let norms: [Double] = [8, 4, 2, 1]
    let jobs = norms.flatMap { norm in
      setup.seeds(8, quick: 3).map { (norm: norm, seed: $0) }
    }
    let results = try jobs.concurrentMap(threads: setup.threads) { job in
      var settings = TeacherRun.Settings()
      settings.width = width
      settings.steps = steps
      settings.seed = job.seed
      let run = try TeacherRun(
        .expansion(threshold: 1, dimension: 8, norm: job.norm, seed: job.seed), settings)
      let nothing = run.excessOfNothing
      return (excess: Statistics.mean(Array(run.excesses(32)[16...])), nothing: nothing)
    }
    let scaling = Scaling(zip(jobs, results).map { ($0.norm, $1.excess) })
    var fitted = scaling
    var outcome = Outcome()
    var table = TextTable("M", "excess", "of initial", "M sqrt(Q / T)")
    let unit = (GaussianTail.probability(above: 1) / Double(steps)).squareRoot()
    for place in scaling.places {
      let nothing = Statistics.mean(
        zip(jobs, results).filter { $0.0.norm == place.x }.map(\.1.nothing))
      if place.mean > 0.3 * nothing { fitted.places.removeAll { $0.x == place.x } }
      table.append(
        Format.significant(place.x), Format.significant(place.mean),
        Format.fixed(place.mean / nothing, decimals: 3), Format.significant(place.x * unit))
    }
    outcome.table = table
    outcome.findings = [fitted.finding("exponent of M", in: 0.85...1.15)]
    outcome.points = [scaling.json]
    outcome.figures = [
      (
        "c8",
        LineChart(
          title: "Excess loss and the norm of the target",
          subtitle: "\(Format.count(steps)) steps, 8 inputs, b = 1, m = \(Format.count(width))",
          x: ChartAxis("norm M", scale: .powersOfTwo),
          y: ChartAxis("excess loss", scale: .logarithmic, labels: .powers),
          series: [
            scaling.series("measured"),
            .theory("M sqrt(Q / T)", scaling.places.map(\.x)) { $0 * unit },
          ])
      )
    ]
    return outcome
  }
}
