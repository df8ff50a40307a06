// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Foundation
internal import Halfspace
internal import _HalfspaceReport

extension HalfspaceCommand {
  /// `halfspace tune TABLE --target COLUMN`.
  struct Tune: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Search for good settings of a model, and say how to train it with them.",
      discussion: """
        Many settings are tried for a short while on rows set apart from the training rows, a third \
        of them three times as long, and so on: width, firing fraction, learning rate, constant \
        coordinate, scaling, whether a metric of the features is learned and a linear part fitted. \
        What is given below is not varied. The rows held out as a test are not looked at before the end.

        The budget counts rows trained on, 20,000 to a second, so that the same seed finds the \
        same settings on every machine; a slow one stops when the time is over, with the best so far.

        Example: halfspace tune letter.csv --target Letter --budget 5m --save model.safetensors
        """)

    @Argument(help: "The table (CSV, libsvm, IDX, NPY or NPZ), which must fit in memory.")
    var table: String

    @OptionGroup var target: TargetOption

    @Option(
      parsing: .unconditional,
      help: ArgumentHelp("How much to try, as 90s, 5m or 1h.", valueName: "time"))
    var budget = TimeSpan(seconds: 120)

    @Option(
      help: ArgumentHelp("Write a chart (SVG) of the trials to this file.", valueName: "file"))
    var chart: String?

    @Option(help: ArgumentHelp("Write all trials, as JSON, to this file.", valueName: "file"))
    var report: String?

    @Option(
      help: ArgumentHelp(
        "Train with the best settings on all training rows, and write the model to this file.",
        valueName: "file"))
    var save: String?

    @Flag(help: "Show no progress.")
    var quiet = false

    @OptionGroup var data: DataOptions

    @OptionGroup var flags: TrainingFlags

    @OptionGroup var threads: ThreadOption

    func run() throws {
      try Talk.reportingErrors {
        let options = flags.options(threads: threads.count)
        try options.validate()
        try OutputFile.check([chart, report, save], inputs: [table] + data.files)
        let dataset = try Dataset(
          contentsOf: table, options: data.options(knownColumns: Set(target.columns)))
        let rows = try dataset.table(predicting: target.columns)
        let targets = try dataset.requireTargets(target.columns, of: rows.columnNames)
        let outcome = try search(rows, targets: targets, options: options)
        guard let best = outcome.best else {
          throw ConfigurationError.invalid("no settings could be trained with")
        }
        let command = TrainCommand.words(
          tuning: Array(CommandLine.arguments.dropFirst(2)), settings: best.result.settings)
        if let chart {
          try AtomicFile.write(outcome.chart(title: "Tuning on \(table)").svg, to: chart)
        }
        if let report {
          try AtomicFile.write(try outcome.report(command: command).text(), to: report)
        }
        try Talk.print(outcome.table)
        if !outcome.isComplete {
          try Talk.print("The time was over before all was tried; another run may end elsewhere.")
        }
        try Talk.print(outcome.sentence)
        if let save {
          let trained = try TabularModel.train(
            on: rows, targets: targets, options: best.result.settings.applied(to: options))
          try trained.model.save(to: save)
          if let test = trained.model.record.test {
            try Talk.print("\(test.sentence) on \(Format.rows(test.rows, "held-out ")).")
          }
          try Talk.print("Model written to \(save).")
        }
        try Talk.print("To train with these settings:\n\(command)")
      }
    }

    private func search(
      _ rows: Table, targets: [String], options: TrainingOptions
    ) throws -> TuningOutcome {
      let tuner = try Tuner(rows, targets: targets, options: options)
      let start = ContinuousClock.now
      // Reading and other programs take their share of a second: the plan is for four fifths.
      let visits = Int(min(1e12, 0.8 * budget.seconds * TuningPlan.visitsPerSecond))
      return tuner.run(
        budget: visits, isTimeUp: { start.duration(to: .now) / .seconds(1) > budget.seconds }
      ) { trial, plan in
        guard !quiet else { return }
        Talk.say(
          "round \(trial.rung) of \(plan.rungs.count), settings \(trial.candidate): "
            + "\(Format.significant(trial.result.score, digits: 4))")
      }
    }
  }
}
