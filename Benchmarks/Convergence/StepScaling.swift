// SPDX-License-Identifier: Apache-2.0
import Foundation
import Halfspace
import _HalfspaceReport

/// C25.
struct StepScaling: Experiment {
  let id = "C25"
  let title = "Steps must grow like 1 / Q(b), or sparse networks look slow"
  let protocolText = """
    Targets as in C7 with M = 2 / sqrt(Q(b)), so that labels are of one size at every threshold; 8 inputs, \
    2^11 firing neurons, B = 1. Steps until the mean excess over the last half of the run is at most epsilon = 0.3 of \
    the initial excess, with the step size epsilon / (2 Q(b)) and with that of b = 0 at every b. Predicted for \
    the first: the same number at every b, within a factor of 2; for the second: growth like 1 / Q(b).
    """

  private struct Job: Sendable {
    var threshold: Double
    var scales: Bool
    var seed: UInt64
  }

  func run(_ setup: Setup) throws -> Outcome {
    let thresholds = [0.0, 0.5, 1, 1.5, 2]
    let cap = setup.isQuick ? 1 << 13 : 1 << 16
    let jobs = [false, true].flatMap { scales in
      thresholds.reversed().flatMap { b in
        setup.seeds(4, quick: 2).map { Job(threshold: b, scales: scales, seed: $0) }
      }
    }
    let results = try jobs.concurrentMap(threads: setup.threads) { job in
      try Self.steps(job, cap: cap, firings: setup.isQuick ? 512 : 2048)
    }
    func scaling(scales: Bool) -> Scaling {
      Scaling(
        zip(jobs, results).filter { $0.0.scales == scales }.compactMap { job, steps in
          steps.map { (1 / GaussianTail.probability(above: job.threshold), Double($0)) }
        })
    }
    let (scaled, fixed) = (scaling(scales: true), scaling(scales: false))
    var outcome = Outcome()
    var table = TextTable(
      "b", "1 / Q(b)", "steps, step size like 1 / Q", "fixed step size", "not reached")
    for b in thresholds {
      let place = 1 / GaussianTail.probability(above: b)
      func cell(_ scaling: Scaling) -> String {
        scaling.places.first { $0.x == place }.map { Format.count(Int($0.mean)) } ?? "never"
      }
      table.append(
        Format.fixed(b, decimals: 1), Format.significant(place), cell(scaled), cell(fixed),
        "\(zip(jobs, results).count { $0.0.threshold == b && $0.1 == nil })")
    }
    let means = scaled.places.map(\.mean)
    // Of both step sizes with the same seed: what the step size alone does.
    let ratios = Scaling(
      zip(jobs, results).compactMap { job, steps in
        guard job.scales, let steps,
          let other = zip(jobs, results).first(where: {
            !$0.0.scales && $0.0.seed == job.seed && $0.0.threshold == job.threshold
          })?.1
        else { return nil }
        return (1 / GaussianTail.probability(above: job.threshold), Double(other) / Double(steps))
      })
    outcome.table = table
    outcome.findings = [
      ratios.finding("exponent of 1 / Q, steps with fixed over scaled step size", in: 0.75...1.25),
      fixed.finding("exponent of 1 / Q, fixed step size", in: 0.75...1.25),
      .value(
        "exponent of 1 / Q, scaled step size", scaled.exponent,
        interval: scaled.exponentInterval, in: -0.25...0.25),
      .value(
        "most over fewest steps, scaled step size", (means.max() ?? 0) / (means.min() ?? 1),
        atMost: 2),
    ]
    outcome.remarks = [
      """
      "Labels of one size" holds at the centers of the kernel functions, where |f| is at most M sqrt(Q). \
      Away from them a kernel of a higher threshold falls off sooner, so that over the sphere the target \
      and the initial excess become smaller, and with them epsilon. The steps therefore grow with b under \
      either rule; their ratio, the first line, is what the rule for the step size is responsible for.
      """
    ]
    outcome.points = [scaled.json, fixed.json]
    outcome.figures = [
      (
        "c25",
        LineChart(
          title: "Steps to 0.3 of the excess, labels of one size", subtitle: "8 inputs, b = 0 to 2",
          x: ChartAxis("1 / Q(b)", scale: .logarithmic),
          y: ChartAxis("steps", scale: .logarithmic, labels: .powers),
          series: [
            scaled.series("step size like 1 / Q"), fixed.series("fixed step size"),
            .theory("like 1 / Q", fixed.places.map(\.x)) {
              (fixed.places.first?.mean ?? 1) * $0 / (fixed.places.first?.x ?? 1)
            },
          ])
      )
    ]
    return outcome
  }

  private static func steps(_ job: Job, cap: Int, firings: Int) throws -> Int? {
    let firing = GaussianTail.probability(above: job.threshold)
    let teacher = Teacher.expansion(
      threshold: job.threshold, dimension: 8, norm: 2 / firing.squareRoot(), seed: job.seed)
    var settings = TeacherRun.Settings()
    // As the norm grows like 1 / sqrt(Q), the width has to grow like 1 / Q.
    settings.width = 2 * Int(Double(firings) / (2 * firing))
    settings.threshold = job.threshold
    settings.steps = cap
    settings.seed = job.seed
    // The excess at the start does not depend on the network.
    let epsilon = 0.3 * TeacherRun.excessOfNothing(teacher, settings)
    settings.stepSize = epsilon / (2 * (job.scales ? firing : 0.5))
    return try TeacherRun(teacher, settings).stepsToReach(epsilon)
  }
}
