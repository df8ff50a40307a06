// SPDX-License-Identifier: Apache-2.0
import Foundation
import Halfspace
import _HalfspaceReport

/// C25.
struct StepScaling: Experiment {
  let id = "C25"
  let title = "Steps must grow like 1 / Q(b), or sparse networks look slow"
  let protocolText = """
    Targets as in C7 with M = 2 / sqrt(Q(b)), the same centers and coefficients at every threshold; 8 \
    inputs, 2^10 firing neurons, B = 1. Steps until the mean excess over the last half of the run is at \
    most epsilon, with the step size epsilon / (2 Q(b)) and with that of b = 0 at every b. The plan has T = \
    4 M² Q / epsilon² = 16 / epsilon²: so for one epsilon, the same number of steps at every b for the \
    first, within a factor of 2, and growth like 1 / Q(b) for the second. That epsilon is 0.3 of the \
    initial excess at the highest b, where it is least. For epsilon = 0.3 of each target's own initial \
    excess, which falls with b, the share of the planned T is predicted to be the same at every b.
    """

  /// What is held fixed when the threshold changes.
  private enum Rule: CaseIterable {
    case scaledStep, fixedStep, ownExcess
  }

  private struct Job: Sendable {
    var threshold: Double
    var rule: Rule
    var seed: UInt64

    var firing: Double { GaussianTail.probability(above: threshold) }
    var place: Double { 1 / firing }
  }

  private struct Result: Sendable {
    var initialExcess: Double
    var epsilon: Double
    var steps: Int?

    /// Of the planned `4 M² Q / epsilon²`, with `M² Q = 4`.
    var shareOfPlan: Double? { steps.map { Double($0) * epsilon * epsilon / 16 } }
  }

  private static let share = 0.3

  func run(_ setup: Setup) throws -> Outcome {
    let thresholds = setup.isQuick ? [0.0, 0.5, 1, 1.5] : [0.0, 0.5, 1, 1.5, 2]
    // The longest runs first.
    let jobs = [Rule.fixedStep, .ownExcess, .scaledStep].flatMap { rule in
      thresholds.reversed().flatMap { b in
        // The longest runs vary least.
        setup.seeds(rule == .fixedStep && b > 1 ? 2 : 3, quick: 2).map {
          Job(threshold: b, rule: rule, seed: $0)
        }
      }
    }
    let results = try jobs.concurrentMap(threads: setup.threads) { job in
      try Self.measure(
        job, highest: thresholds.max()!, cap: setup.isQuick ? 1 << 13 : 1 << 16,
        firings: setup.isQuick ? 512 : 1024)
    }
    func values(_ rule: Rule, _ value: (Job, Result) -> Double?) -> Scaling {
      Scaling(
        zip(jobs, results).filter { $0.0.rule == rule }.compactMap { job, result in
          value(job, result).map { (job.place, $0) }
        })
    }
    let scaled = values(.scaledStep) { $1.steps.map(Double.init) }
    let fixed = values(.fixedStep) { $1.steps.map(Double.init) }
    let own = values(.ownExcess) { $1.steps.map(Double.init) }
    let shares = values(.ownExcess) { $1.shareOfPlan }
    var outcome = Outcome()
    var table = TextTable(
      "b", "1 / Q(b)", "initial excess", "steps, step size like 1 / Q", "fixed step size",
      "0.3 of own excess", "of planned T", "not reached")
    for b in thresholds {
      let place = Job(threshold: b, rule: .scaledStep, seed: 0).place
      func mean(_ scaling: Scaling) -> Double? {
        scaling.places.first { $0.x == place }.map(\.mean)
      }
      func cell(_ scaling: Scaling) -> String {
        mean(scaling).map { Format.count(Int($0)) } ?? "never"
      }
      table.append(
        Format.fixed(b, decimals: 1), Format.significant(place),
        mean(values(.ownExcess) { $1.initialExcess }).map { Format.significant($0) } ?? "",
        cell(scaled), cell(fixed), cell(own),
        mean(shares).map { Format.fixed($0, decimals: 4) } ?? "",
        "\(zip(jobs, results).count { $0.0.threshold == b && $0.1.steps == nil })")
    }
    outcome.table = table
    outcome.findings = [
      fixed.finding("exponent of 1 / Q, fixed step size", in: 0.75...1.25),
      scaled.finding("exponent of 1 / Q, scaled step size", in: -0.25...0.25),
      .value("most over fewest steps, scaled step size", scaled.spread, atMost: 2),
      .value(
        "most over fewest shares of the planned T, epsilon 0.3 of the own excess", shares.spread,
        atMost: 2),
      .value(
        "runs that do not reach epsilon", Double(results.count { $0.steps == nil }), atMost: 0),
    ]
    outcome.points = [scaled.json, fixed.json, own.json, shares.json]
    outcome.figures = [
      (
        "c25",
        LineChart(
          title: "Steps to one excess, labels of one size",
          subtitle: "8 inputs, b = \(thresholds[0]) to \(thresholds[thresholds.count - 1])",
          x: ChartAxis("1 / Q(b)", scale: .logarithmic),
          y: ChartAxis("steps", scale: .logarithmic, labels: .powers),
          series: [
            scaled.series("step size like 1 / Q"), fixed.series("fixed step size"),
            .theory("like 1 / Q", fixed.places.map(\.x)) {
              (fixed.places.first?.mean ?? 1) * $0 / (fixed.places.first?.x ?? 1)
            },
            .theory("constant", scaled.places.map(\.x)) { _ in scaled.places.first?.mean ?? 1 },
          ])
      )
    ]
    return outcome
  }

  private static func teacher(threshold: Double, seed: UInt64) -> Teacher {
    .expansion(
      threshold: threshold, dimension: 8,
      norm: 2 / GaussianTail.probability(above: threshold).squareRoot(), seed: seed)
  }

  private static func measure(
    _ job: Job, highest: Double, cap: Int, firings: Int
  ) throws -> Result {
    var settings = TeacherRun.Settings()
    // As the norm grows like 1 / sqrt(Q), the width has to grow like 1 / Q.
    settings.width = 2 * Int(Double(firings) / (2 * job.firing))
    settings.threshold = job.threshold
    settings.seed = job.seed
    // The excess at the start does not depend on the network.
    func initialExcess(_ b: Double) -> Double {
      TeacherRun.excessOfNothing(teacher(threshold: b, seed: job.seed), settings)
    }
    let own = initialExcess(job.threshold)
    let epsilon = share * (job.rule == .ownExcess ? own : initialExcess(highest))
    settings.stepSize = epsilon / (2 * (job.rule == .fixedStep ? 0.5 : job.firing))
    // A step that is too small by Q(b) / Q(0) needs that much more of them.
    settings.steps = job.rule == .fixedStep ? Int(Double(cap) * 0.5 / job.firing) : cap
    let run = try TeacherRun(teacher(threshold: job.threshold, seed: job.seed), settings)
    return Result(
      initialExcess: own, epsilon: epsilon, steps: run.stepsToReach(epsilon))
  }
}
