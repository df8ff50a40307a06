// SPDX-License-Identifier: Apache-2.0
import Foundation
import Halfspace
import _HalfspaceReport

/// C14.
struct StaticIndexRun: Experiment {
  let id = "C14"
  let title = "One index over the initial weights serves the whole run"
  let protocolText = """
    Runs as in C7 with `LookupStrategy.staticIndex` and the margin that the plan has, the forecast of C13 \
    for the furthest row, each beside a twin that computes every pre-activation: a neuron missed in any \
    step would show in the weights, which are compared bit by bit, and in the number of firings.
    """

  private struct Case: Sendable {
    var norm: Double
    var settings: TeacherRun.Settings

    init(
      _ width: Int, _ dimension: Int, _ threshold: Double, _ norm: Double, _ scale: Double,
      _ steps: Int
    ) {
      self.norm = norm
      settings = TeacherRun.Settings()
      settings.width = width
      settings.dimension = dimension
      settings.threshold = threshold
      settings.outputScale = scale
      settings.steps = steps
    }
  }

  private struct Result: Sendable {
    var certificate: StaticIndexCertificate
    var differs: Bool
    var missed: Int
    var stored: Int
    var products: Double
  }

  func run(_ setup: Setup) throws -> Outcome {
    let steps = setup.isQuick ? 1 << 12 : 1 << 14
    let paper = { (width: Int) in (0.4 * log(Double(width))).squareRoot() }
    let cases = [
      Case(16384, 16, paper(16384), 4, 1, steps), Case(16384, 16, paper(16384), 4, 4, steps),
      Case(4096, 8, 1, 2, 1, steps), Case(4096, 8, 1, 2, 4, steps),
      Case(4096, 8, paper(4096), 4, 1, steps), Case(4096, 8, paper(4096), 4, 4, steps),
      Case(16384, 4, paper(16384), 4, 1, steps), Case(16384, 4, paper(16384), 4, 4, steps),
    ]
    let jobs = cases.indices.flatMap { k in setup.seeds(4, quick: 2).map { (k: k, seed: $0) } }
    let results = try jobs.concurrentMap(threads: setup.threads) { job in
      try Self.compare(cases[job.k], seed: job.seed)
    }
    var outcome = Outcome()
    var table = TextTable(
      "m", "d", "b", "M", "B", "margin", "largest drift", "missed", "violations", "rebuilds",
      "over-report", "predicted", "candidates / (m Q(b - rho))", "firings / (m Q(b))",
      "products / all")
    var (missed, rebuilds, violations, worst) = (0, 0, 0, 0.0)
    var places: [(x: Double, value: Double)] = []
    for (k, one) in cases.enumerated() {
      let here = zip(jobs, results).filter { $0.0.k == k }.map(\.1)
      let certificates = here.map(\.certificate)
      let over = Statistics.mean(certificates.map(\.overReport))
      let predicted = certificates[0].predictedOverReport
      let misses = here.reduce(0) { $0 + $1.missed + ($1.differs ? 1 : 0) }
      missed += misses
      rebuilds += certificates.reduce(0) { $0 + $1.rebuilds }
      violations += certificates.reduce(0) { $0 + $1.violations }
      worst = max(worst, abs(over / predicted - 1))
      places += certificates.map { (predicted, $0.overReport) }
      table.append(
        Format.count(one.settings.width), "\(one.settings.dimension)",
        Format.fixed(one.settings.threshold, decimals: 3), Format.significant(one.norm),
        Format.significant(one.settings.outputScale),
        Format.significant(certificates[0].margin),
        Format.significant(certificates.map(\.largestDisplacement).max() ?? 0), "\(misses)",
        "\(certificates.reduce(0) { $0 + $1.violations })",
        "\(certificates.reduce(0) { $0 + $1.rebuilds })", Format.fixed(over, decimals: 3),
        Format.fixed(predicted, decimals: 3),
        Format.fixed(
          Self.share(certificates.map(\.candidates), one, margin: certificates[0].margin),
          decimals: 3),
        Format.fixed(Self.share(certificates.map(\.firings), one, margin: 0), decimals: 3),
        Format.fixed(Statistics.mean(here.map(\.products)), decimals: 3))
    }
    outcome.table = table
    outcome.findings = [
      .value("neurons missed, \(results.count) runs", Double(missed), atMost: 0),
      .value("rebuilds", Double(rebuilds), atMost: 0),
      .value("rows beyond the margin", Double(violations), atMost: 0),
      .value("largest deviation of the over-report from Q(b - rho) / Q(b)", worst, atMost: 0.05),
    ]
    outcome.remarks = [
      """
      `Q(b - rho) / Q(b)` counts all rows of the network. Those shorter than b fire on no unit input and \
      are never stored, but would be candidates at b - rho: few in many inputs, several percent of \
      m Q(b - rho) in 4 inputs at the larger margin. By so much the candidates are fewer there; firings \
      are as predicted.
      """
    ]
    let scaling = Scaling(places)
    outcome.points = [scaling.json]
    outcome.figures = [
      (
        "c14",
        LineChart(
          title: "Candidates per firing of a static index",
          subtitle: "index asked at b less the forecast of the largest drift",
          x: ChartAxis("predicted, Q(b - rho) / Q(b)", scale: .logarithmic),
          y: ChartAxis("measured", scale: .logarithmic),
          series: [
            scaling.series("measured"), .theory("predicted", scaling.places.map(\.x)) { $0 },
          ])
      )
    ]
    return outcome
  }

  /// Mean of counts over all rows of a run, over `m Q(b - rho)` for each row.
  private static func share(_ counts: [Int], _ one: Case, margin: Double) -> Double {
    let settings = one.settings
    let expected =
      Double(settings.width) * Double(settings.steps)
      * GaussianTail.probability(above: settings.threshold - margin)
    return Statistics.mean(counts.map(Double.init)) / expected
  }

  private static func compare(_ one: Case, seed: UInt64) throws -> Result {
    var settings = one.settings
    settings.seed = seed
    let teacher = Teacher.expansion(
      threshold: settings.threshold, dimension: settings.dimension, norm: one.norm, seed: seed)
    let run = try TeacherRun(teacher, settings)
    settings.lookup = .dense
    let twin = try TeacherRun(teacher, settings)
    run.advance(to: settings.steps)
    twin.advance(to: settings.steps)
    let stored = run.trainer.network.count
    return Result(
      certificate: run.trainer.lookupSummary.statistics.certificate!,
      differs: !run.trainer.network.weights.isIdentical(to: twin.trainer.network.weights),
      missed: abs(run.trainer.firings - twin.trainer.firings), stored: stored,
      products: Double(run.trainer.lookupStatistics.innerProducts)
        / (Double(stored) * Double(settings.steps)))
  }
}
