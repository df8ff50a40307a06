// SPDX-License-Identifier: Apache-2.0
internal import Foundation
internal import Halfspace
internal import _HalfspaceReport

extension ConvergencePlan {
  /// The plan as a table of two columns, for batches of `batchSize` out of `rows` rows; nil: every
  /// row is seen once.
  func table(batchSize: Int, rows: Int?) -> TextTable {
    var table = TextTable("what", "value")
    table.alignments = [.left, .left]
    table.append("norm M", Format.significant(norm))
    table.append("excess loss epsilon", Format.significant(epsilon))
    table.append("inputs d", Format.count(dimension))
    table.append("concentration lambda", Format.significant(concentration))
    table.append("pairs q", Format.count(halfWidth))
    table.append("width m", Format.count(width))
    table.append("threshold b", Format.significant(threshold, digits: 4))
    table.append("firing probability", Format.significant(firingProbability))
    table.append("neurons that fire", Format.significant(expectedFiring))
    table.append("steps T", Format.count(steps))
    if let rows {
      table.append(
        "epochs of \(Format.count(rows)) rows",
        Format.count(epochs(rows: rows, batchSize: batchSize)))
    }
    table.append("learning rate", Format.significant(learningRate))
    table.append("output scale B", Format.significant(outputScale))
    table.append("drift, RMS at most", Format.significant(driftBound))
    table.append("index margin", Format.significant(indexMargin))
    table.append("candidates per firing", Format.significant(overReport))
    let cost = cost(batchSize: batchSize, rows: rows)
    table.append("multiply-adds, dense", Format.significant(cost.dense))
    table.append("with candidate lists", Format.significant(cost.candidateLists))
    table.append("with a product grid", Format.significant(cost.productGrid))
    table.append("firing sets given free", Format.significant(cost.oracle))
    return table
  }

  /// Sets the members of a report under `plan`.
  func add(to report: inout JSONObject, batchSize: Int, rows: Int?) {
    report["plan.norm"] = .number(norm)
    report["plan.epsilon"] = .number(epsilon)
    report["plan.dimension"] = .integer(dimension)
    report["plan.concentration"] = .number(concentration)
    report["plan.lipschitz"] = .number(lipschitz)
    report["plan.halfWidth"] = .integer(halfWidth)
    report["plan.width"] = .integer(width)
    report["plan.threshold"] = .number(threshold)
    report["plan.firingProbability"] = .number(firingProbability)
    report["plan.expectedFiring"] = .number(expectedFiring)
    report["plan.steps"] = .integer(steps)
    report["plan.batch"] = .integer(batchSize)
    report["plan.learningRate"] = .number(learningRate)
    report["plan.outputScale"] = .number(outputScale)
    report["plan.driftBound"] = .number(driftBound)
    report["plan.indexMargin"] = .number(indexMargin)
    report["plan.overReport"] = .number(overReport)
    let cost = cost(batchSize: batchSize, rows: rows)
    report["plan.cost.dense"] = .number(cost.dense)
    report["plan.cost.candidateLists"] = .number(cost.candidateLists)
    report["plan.cost.productGrid"] = .number(cost.productGrid)
    report["plan.cost.oracle"] = .number(cost.oracle)
  }
}

extension TablePlan {
  /// What the plan rests on, in a sentence or two.
  var summary: String {
    let norm = planned.norm
    return "The targets need a norm of \(Format.significant(norm.value)) "
      + "(standard error \(Format.significant(norm.standardError, digits: 2))), estimated from "
      + "\(Format.rows(norm.sampleSize)).\n"
      + "The \(planned.loss.name) loss of the function of that norm is "
      + "\(Format.significant(planned.fittedLoss)) on them, "
      + "\(Format.significant(planned.leaveOneOutLoss)) on rows left out.\n"
      + "About \(Format.count(Int(storedCount.rounded()))) neurons will ever fire on a training row."
  }

  private var storedCount: Double { stored.expectedCount(width: planned.plan.width) }

  /// Plan and run side by side.
  func comparison(_ epochs: [EpochReport]) -> String {
    let limit = planned.fittedLoss + planned.plan.epsilon
    let mean = meanLoss(epochs)
    return "Mean loss before each step \(Format.significant(mean)), planned for at most "
      + "\(Format.significant(limit)): \(mean <= limit ? "kept" : "missed")."
  }

  /// Sets the members of a report under `plan`; with the epochs of a run, its mean loss too.
  func add(to report: inout JSONObject, epochs: [EpochReport]? = nil) {
    planned.plan.add(to: &report, batchSize: batchSize, rows: rowCount)
    let norm = planned.norm
    report["plan.estimate.standardError"] = .number(norm.standardError)
    report["plan.estimate.fitNorm"] = .number(norm.fitNorm)
    report["plan.estimate.lambda"] = .number(norm.lambda)
    report["plan.estimate.rows"] = .integer(norm.sampleSize)
    report["plan.estimate.loss"] = .number(planned.fittedLoss)
    report["plan.estimate.leaveOneOutLoss"] = .number(planned.leaveOneOutLoss)
    report["plan.materialized"] = .number(storedCount)
    report["plan.materializedDeviation"] = .number(
      stored.deviation(width: planned.plan.width, pairs: true))
    report["plan.loss"] = .string(planned.loss.name)
    report["plan.lossLimit"] = .number(planned.fittedLoss + planned.plan.epsilon)
    report["plan.meanLoss"] = epochs.map { .number(meanLoss($0)) }
  }

  private func meanLoss(_ epochs: [EpochReport]) -> Double {
    epochs.reduce(0) { $0 + $1.loss } / Double(max(1, epochs.count))
  }
}
