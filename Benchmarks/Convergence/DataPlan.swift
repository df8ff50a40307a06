// SPDX-License-Identifier: Apache-2.0
import Foundation
import Halfspace
import _HalfspaceBenchmark
import _HalfspaceReport

/// Plans from tables, confronted with the runs that they plan.
struct DataPlan: Experiment {
  let id = "P"
  let title = "Plans from real data are kept by the runs on them"
  let protocolText = """
    One class of a table against the rest, hinge loss, rows scaled to length 1, as `halfspace train --paper` \
    does: norm and threshold are estimated from at most 2,000 training rows, then the planned run is made \
    (independent Gaussian rows, fixed signs, plain SGD in batches of 8, static index on the initial network). \
    The mean loss before each step is to stay below that of the estimated function plus epsilon.
    """

  private struct Case {
    var problem: TableProblem
    var label: Int32
    var name: String
    var epsilon: Double
  }

  private struct Result {
    var name: String
    var planned: PlanForData
    var secondsToPlan: Double
    var secondsToForecast: Double
    var storedForecast: Double
    var storedDeviation: Double
    var stored: Int
    var meanLoss: Double
    var firing: Double
    var seconds: Double
    var certificate: StaticIndexCertificate
  }

  func run(_ setup: Setup) throws -> Outcome {
    var cases: [Case] = []
    let digits = try TableProblem.digits()
    for label in setup.isQuick ? [3] : [0, 3, 8] {
      cases.append(
        Case(
          problem: digits, label: Int32(label), name: "digits, \(label) against the rest",
          epsilon: 0.5))
    }
    if let letter = try TableProblem.letter(in: setup.data) {
      // Classes are numbered in the order of their labels.
      for (label, name) in setup.isQuick ? [(0, "A")] : [(0, "A"), (7, "H")] {
        cases.append(
          Case(
            problem: letter, label: Int32(label), name: "letter, \(name) against the rest",
            epsilon: 0.5))
      }
    }
    // One after the other: planning is timed, on one thread.
    let results = try cases.map(Self.measure)
    var outcome = Outcome()
    var table = TextTable(
      "data", "rows", "norm M", "m", "b", "T", "planning", "mean loss", "promised",
      "stored", "forecast", "firing, mean", "m Q(b)", "margin", "largest drift", "violations",
      "over-report", "predicted", "run")
    for result in results {
      let plan = result.planned.plan
      let limit = result.planned.fittedLoss + plan.epsilon
      table.append(
        result.name, Format.count(result.planned.norm.sampleSize),
        Format.significant(plan.norm), Format.count(plan.width),
        Format.fixed(plan.threshold, decimals: 3), Format.count(plan.steps),
        Format.duration(result.secondsToPlan), Format.significant(result.meanLoss),
        Format.significant(limit), Format.count(result.stored),
        Format.count(Int(result.storedForecast)) + " ± "
          + Format.count(Int(result.storedDeviation)),
        Format.significant(result.firing), Format.significant(plan.expectedFiring),
        Format.significant(result.certificate.margin),
        Format.significant(result.certificate.largestDisplacement),
        "\(result.certificate.violations)",
        Format.fixed(result.certificate.overReport, decimals: 2),
        Format.fixed(result.certificate.predictedOverReport, decimals: 2),
        Format.duration(result.seconds))
      outcome.findings += [
        .value("\(result.name): mean loss before each step", result.meanLoss, atMost: limit),
        .value("\(result.name): seconds to plan", result.secondsToPlan, atMost: 30),
        .value(
          "\(result.name): stored neurons over the forecast",
          Double(result.stored) / result.storedForecast, in: 0.95...1.05),
        .value(
          "\(result.name): rows beyond the margin of the static index",
          Double(result.certificate.violations), atMost: 0),
      ]
    }
    outcome.table = table
    return outcome
  }

  private static func measure(_ one: Case) throws -> Result {
    let features = one.problem.features.training
    let transform = try FeatureTransform(
      fitting: features, scaling: FeatureTransform.suggestedScaling(for: features), constant: 0)
    let inputs = try transform.apply(to: features)
    guard case .classes(let classes, _) = one.problem.training.targets else {
      preconditionFailure("\(one.problem.name) has no classes")
    }
    let targets = Targets.values(Matrix(classes.map { [$0 == one.label ? 1 : 0] }))
    var clock = MonotonicClock.now
    let planned = try PlanForData(
      inputs: inputs, targets: targets, loss: .hinge, request: .init(epsilon: one.epsilon))
    let secondsToPlan = MonotonicClock.now - clock
    clock = MonotonicClock.now
    let plan = planned.plan
    let forecast = MaterializationForecast(
      inputs: inputs, threshold: plan.threshold, probes: 1000)
    let secondsToForecast = MonotonicClock.now - clock
    clock = MonotonicClock.now
    let batch = 8
    let trainer = try Trainer(
      inputs: inputs, targets: targets, network: plan.network(),
      training: try plan.training(loss: .hinge, rows: inputs.rows, batchSize: batch))
    let epochs = try trainer.run()
    return Result(
      name: one.name, planned: planned, secondsToPlan: secondsToPlan,
      secondsToForecast: secondsToForecast,
      storedForecast: forecast.expectedCount(width: plan.width),
      storedDeviation: forecast.deviation(width: plan.width, pairs: true),
      stored: trainer.network.count,
      meanLoss: Statistics.mean(epochs.map(\.loss)),
      firing: Double(trainer.firings) / Double(inputs.rows * epochs.count),
      seconds: MonotonicClock.now - clock,
      certificate: trainer.lookupSummary.statistics.certificate!)
  }
}
