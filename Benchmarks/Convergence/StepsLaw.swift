// SPDX-License-Identifier: Apache-2.0
import Foundation
import Halfspace
import _HalfspaceReport

/// C7.
struct StepsLaw: Experiment {
  let id = "C7"
  let title = "Steps grow like 1 / epsilon²"
  let protocolText = """
    Targets sum_j c_j K_b(., z_j) of exact norm M, 8 inputs, b = 1, label noise 0.3, absolute loss, B \
    = 1, step size M / sqrt(Q T), every row seen once, T = 2^10 to 2^18. Excess in closed form on 400 \
    inputs, at 32 steps of the run: its mean over the second half for the exponent, over all for the \
    bound M sqrt(lambda / q) + M sqrt(Q / T). Points at which more than 0.3 of the initial excess is \
    left are not fitted: there the target is not learned yet.
    """

  func run(_ setup: Setup) throws -> Outcome {
    let width = setup.isQuick ? 1 << 12 : 1 << 13
    let norms = [2.0, 4]
    let exponents = setup.isQuick ? [10, 12, 14] : [10, 12, 14, 16, 18]
    struct Job: Sendable {
      var norm: Double
      var steps: Int
      var seed: UInt64
    }
    let jobs = exponents.reversed().flatMap { exponent in
      norms.flatMap { norm in
        // The longest runs vary least.
        setup.seeds(exponent == 18 ? 3 : 8, quick: 2).map {
          Job(norm: norm, steps: 1 << exponent, seed: $0)
        }
      }
    }
    let results = try jobs.concurrentMap(threads: setup.threads) { job in
      var settings = TeacherRun.Settings()
      settings.width = width
      settings.steps = job.steps
      settings.seed = job.seed
      let run = try TeacherRun(
        .expansion(threshold: 1, dimension: 8, norm: job.norm, seed: job.seed), settings)
      let nothing = run.excessOfNothing
      let excesses = run.excesses(32)
      return (
        second: Statistics.mean(Array(excesses[16...])), all: Statistics.mean(excesses),
        nothing: nothing
      )
    }

    var outcome = Outcome()
    var table = TextTable(
      "M", "T", "excess, second half", "whole run", "bound", "share of bound", "of initial", "seeds"
    )
    var series: [LineChart.Series] = []
    var worst = 0.0
    for norm in norms {
      let chosen = zip(jobs, results).filter { $0.0.norm == norm }
      let second = Scaling(chosen.map { (Double($0.0.steps), $0.1.second) })
      func bound(_ steps: Double) -> Double {
        let q = GaussianTail.probability(above: 1)
        return norm * (1 / (8 * Double(width / 2))).squareRoot() + norm * (q / steps).squareRoot()
      }
      var fitted: Set<Double> = []
      for place in second.places {
        let here = chosen.filter { Double($0.0.steps) == place.x }.map(\.1)
        let all = Statistics.mean(here.map(\.all))
        let left = place.mean / Statistics.mean(here.map(\.nothing))
        if left <= 0.3 { fitted.insert(place.x) }
        worst = max(worst, here.map { $0.all / bound(place.x) }.max() ?? 0)
        table.append(
          Format.significant(norm), Format.count(Int(place.x)), Format.significant(place.mean),
          Format.significant(all), Format.significant(bound(place.x)),
          Format.fixed(all / bound(place.x), decimals: 2), Format.fixed(left, decimals: 3),
          "\(here.count)")
      }
      var past = second
      past.places = second.places.filter { fitted.contains($0.x) }
      if past.places.count > 1 {
        outcome.findings.append(
          past.finding("exponent of T at M = \(Format.significant(norm))", in: -0.55...(-0.45)))
      }
      series.append(second.series("M = \(Format.significant(norm))"))
      series.append(
        .theory(
          "bound, M = \(Format.significant(norm))", second.places.map(\.x), bound))
      outcome.points.append(second.json)
    }
    outcome.findings.append(
      .value("largest excess of a run over its bound", worst, atMost: 1))
    outcome.table = table
    outcome.figures = [
      (
        "c7",
        LineChart(
          title: "Excess loss after T steps",
          subtitle: "absolute loss, label noise 0.3, 8 inputs, b = 1, m = \(Format.count(width))",
          x: ChartAxis("steps T", scale: .powersOfTwo, labels: .powers),
          y: ChartAxis("excess loss", scale: .logarithmic, labels: .powers), series: series)
      )
    ]
    return outcome
  }
}
