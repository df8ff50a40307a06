// SPDX-License-Identifier: Apache-2.0
import Foundation
import Halfspace
import _HalfspaceReport

/// C11.
struct PlanSufficiency: Experiment {
  let id = "C11"
  let title = "A plan is sufficient: every planned run ends below its epsilon"
  let protocolText = """
    `ConvergencePlan` end to end, B = 1: the planned network and run on fresh rows with label noise \
    0.3 and a target of the planned norm; excess of the averaged iterates, in closed form on 400 \
    inputs. Mean over 20 seeds against epsilon.
    """

  private struct Configuration: Sendable {
    var norm: Double
    var epsilon: Double
    var dimension: Int
    var threshold: Threshold
  }

  private static let configurations = [
    Configuration(norm: 2, epsilon: 0.1, dimension: 8, threshold: .value(1)),
    Configuration(norm: 4, epsilon: 0.1, dimension: 8, threshold: .value(1)),
    Configuration(norm: 4, epsilon: 0.05, dimension: 8, threshold: .value(1)),
    Configuration(norm: 8, epsilon: 0.1, dimension: 8, threshold: .value(1)),
    Configuration(norm: 4, epsilon: 0.05, dimension: 4, threshold: .value(0.5)),
    Configuration(norm: 4, epsilon: 0.05, dimension: 16, threshold: .value(1.5)),
    Configuration(norm: 4, epsilon: 0.02, dimension: 16, threshold: .value(1)),
    Configuration(norm: 4, epsilon: 0.05, dimension: 16, threshold: .paper),
    Configuration(norm: 8, epsilon: 0.05, dimension: 8, threshold: .paper),
  ]

  func run(_ setup: Setup) throws -> Outcome {
    let plans = try Self.configurations.filter { !setup.isQuick || $0.epsilon > 0.04 }.map {
      try ConvergencePlan(
        norm: $0.norm, epsilon: $0.epsilon, dimension: $0.dimension, threshold: $0.threshold,
        outputScale: .value(1))
    }
    let jobs = plans.indices.flatMap { plan in
      setup.seeds(20, quick: 5).map { (plan: plan, seed: $0) }
    }
    let results = try jobs.concurrentMap(threads: setup.threads) { job in
      try Self.excess(of: plans[job.plan], seed: job.seed)
    }
    var outcome = Outcome()
    var table = TextTable(
      "M", "epsilon", "d", "b", "m", "T", "excess at start", "excess, mean", "95 %", "largest",
      "of epsilon")
    var kept = 0
    var scatter: [LineChart.Point] = []
    for (k, plan) in plans.enumerated() {
      let here = zip(jobs, results).filter { $0.0.plan == k }.map(\.1)
      let excesses = here.map(\.excess)
      let mean = Statistics.mean(excesses)
      let interval = Statistics.interval(excesses)
      kept += mean <= plan.epsilon ? 1 : 0
      table.append(
        Format.significant(plan.norm), Format.significant(plan.epsilon), "\(plan.dimension)",
        Format.fixed(plan.threshold, decimals: 3), Format.count(plan.width),
        Format.count(plan.steps), Format.significant(Statistics.mean(here.map(\.nothing))),
        Format.significant(mean), Finding.range(interval),
        Format.significant(excesses.max() ?? 0),
        Format.fixed(mean / plan.epsilon, decimals: 2))
      scatter.append(
        .init(
          Double(k + 1), mean / plan.epsilon,
          interval: interval.lowerBound / plan.epsilon...interval.upperBound / plan.epsilon))
      outcome.points.append(
        Scaling(excesses.map { (plan.epsilon, $0) }).json)
    }
    outcome.table = table
    outcome.findings = [
      .value(
        "share of \(plans.count) plans whose mean excess is at most epsilon",
        Double(kept) / Double(plans.count), in: 1...1)
    ]
    outcome.figures = [
      (
        "c11",
        LineChart(
          title: "Excess of planned runs, in shares of epsilon",
          subtitle: "the plans of the table, in order; mean over seeds",
          x: ChartAxis("plan"), y: ChartAxis("excess / epsilon", scale: .logarithmic),
          series: [
            .init("measured", scatter),
            .theory("promised", scatter.map(\.x)) { _ in 1 },
          ])
      )
    ]
    return outcome
  }

  private static func excess(
    of plan: ConvergencePlan, seed: UInt64
  ) throws -> (excess: Double, nothing: Double) {
    let teacher = Teacher.expansion(
      threshold: plan.threshold, dimension: plan.dimension, norm: plan.norm, seed: seed)
    let noise = LabelNoise(deviation: 0.3)
    let inputs = UnitSphere.points(plan.steps, dimension: plan.dimension, seed: seed &+ 1000)
    let labels = zip(teacher.values(inputs), noise.values(plan.steps, seed: seed &+ 2000))
      .map { [Float($0 + $1)] }
    let trainer = try Trainer(
      inputs: inputs, targets: .values(Matrix(labels)), network: plan.network(seed: seed &+ 3000),
      training: plan.training(loss: .absolute, rows: plan.steps))
    try trainer.run()
    let test = UnitSphere.points(400, dimension: plan.dimension, seed: seed &+ 4000)
    let truth = teacher.values(test)
    let scores = trainer.predictor().scores(for: test)
    func excess(_ score: (Int) -> Double) -> Double {
      Statistics.mean(truth.indices.map { noise.absoluteExcess(error: score($0) - truth[$0]) })
    }
    return (excess { Double(scores[$0, 0]) }, excess { _ in 0 })
  }
}
