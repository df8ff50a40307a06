// SPDX-License-Identifier: Apache-2.0
internal import Foundation
internal import Halfspace
internal import _HalfspaceReport

/// One training run as a person sees it: progress, then a summary and a report.
struct TrainingRun {
  let outcome: TrainingOutcome
  private let rowCount: Int
  private let secondsToLoad: Double
  private let threads: Int
  private let long: LongRun
  private let processes: Int

  /// Trains, the steps being taken by `long`.
  init(
    dataset: Dataset, targets: [String], options: TrainingOptions, secondsToLoad: Double,
    long: LongRun
  ) throws {
    outcome = try TabularModel.train(
      on: dataset, targets: targets, options: options, resuming: long.loaded?.state,
      communicator: long.communicator, choose: long.choose, run: long.run)
    rowCount = dataset.rowCount
    self.secondsToLoad = secondsToLoad
    self.long = long
    threads = options.threads
    processes = long.communicator.size
  }

  private var record: TrainingRecord { outcome.model.record }

  /// The result in a few lines.
  var summary: String {
    let record = record
    let firing = Double(record.network.width) * record.firingFraction
    var lines: [String] = []
    if let test = record.test {
      lines.append("\(test.sentence) on \(Format.rows(test.rows, "held-out ")).")
    }
    lines.append(
      record.materialized == 0
        ? "A linear model, without a network."
        : "\(Format.count(record.network.width)) neurons, \(Format.count(record.materialized)) ever "
          + "fire, \(Format.significant(firing)) on a row "
          + "(\(Format.percent(record.firingFraction, decimals: 3))).")
    lines.append(
      "Trained on \(Format.rows(record.trainRows)) in "
        + "\(Format.duration(outcome.times.total)), "
        + "\(Format.duration(outcome.times.report)) of it the static report; "
        + "\(Format.duration(outcome.secondsPerPrediction)) per prediction.")
    if let choice = outcome.choice {
      let settings = choice.arguments.map(ShellWord.quoted).joined(separator: " ")
      // A run that goes on has its settings from its beginning.
      lines.append(
        outcome.trials.isEmpty
          ? "Settings: \(settings)."
          : "Settings chosen by \(outcome.trials.count) trials: \(settings).")
    }
    if let ending = long.ending(record.epochs, of: record.training.epochs) { lines.append(ending) }
    return lines.joined(separator: "\n")
  }

  /// The report of `--report`.
  var report: JSONObject {
    get throws {
      let record = record
      let times = outcome.times
      var report = JSONObject()
      report["task"] = .string(outcome.model.target.task.rawValue)
      let targets = outcome.model.target.columns
      report["target"] =
        targets.count == 1 ? .string(targets[0]) : .array(targets.map { .string($0) })
      report["rows.train"] = .integer(record.trainRows)
      report["rows.test"] = .integer(rowCount - record.trainRows)
      if let test = record.test { report.setErrors(test) }
      report["train.loss"] = outcome.epochs.last.map { .number($0.loss) }
      report["firing.fraction"] = .number(record.firingFraction)
      report["firing.count"] = .number(record.firingFraction * Double(record.network.width))
      report["network.width"] = .integer(record.network.width)
      report["network.materialized"] = .integer(record.materialized)
      report["network.threshold"] = .number(record.threshold)
      report["network.inputs"] = .integer(outcome.model.predictor.dimension)
      report["network.outputs"] = .integer(outcome.model.predictor.outputCount)
      report["training.loss"] = .string(record.training.loss.name)
      report["training.optimizer"] = .string(record.training.optimizer.name)
      report["training.epochs"] = .integer(record.epochs)
      report["training.endedBy"] = long.end.map { .string($0.rawValue) }
      report["training.batch"] = .integer(record.training.batchSize)
      report["training.learningRate"] = .number(record.training.learningRate)
      report["training.trials"] = outcome.choice.map { _ in .integer(outcome.trials.count) }
      report["training.choice"] = outcome.choice.map {
        .string($0.arguments.map(ShellWord.quoted).joined(separator: " "))
      }
      report["seconds.load"] = .number(secondsToLoad)
      report["seconds.report"] = .number(times.report)
      report["seconds.train"] = .number(times.total)
      report["seconds.lookup"] = .number(times.lookup)
      report["seconds.forward"] = .number(times.forward)
      report["seconds.exchange"] = .number(times.exchange)
      report["seconds.backward"] = .number(times.backward)
      report["seconds.maintenance"] = .number(times.maintenance)
      report["seconds.predictPerRow"] = .number(outcome.secondsPerPrediction)
      report["memory.peakBytes"] = PeakMemory.bytes.map { .integer($0) }
      report["seed"] = .integer(Int(record.network.seed))
      report["threads"] = .integer(threads)
      report["processes"] = .integer(processes)
      report["lookup"] = .string(outcome.lookup.strategy.rawValue)
      report.setLookup(outcome.lookup)
      report["instructionSet"] = .string(Runtime.instructionSet.rawValue)
      return report
    }
  }
}
