// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Foundation
internal import Halfspace
internal import _HalfspaceReport

extension HalfspaceCommand {
  /// `halfspace train TABLE --target COLUMN`.
  struct Train: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Train a model of one column of a table and test it on held-out rows.",
      discussion: """
        The table is delimited text, or a file in the format of libsvm, IDX or NumPy. Whether it \
        has a header, which columns are numbers and which are categories, whether the target is a \
        class or a number, and all settings below are chosen from the data unless given. When none \
        of the network, its training and the scaling is given, short trials on rows set apart choose \
        between what usually works and what is safer on few, noisy or skewed rows; they take at most a \
        third of --time-limit. Without a header, columns are called column1, column2, and so on. Files that tell their target \
        (libsvm, IDX with labels, NPZ) need no --target. Sparse rows stay sparse; arrays that are \
        too large for the memory are read as they are needed.

        Example: halfspace train letter.csv --target Letter
        """)

    @Argument(help: "The table (CSV, libsvm, IDX, NPY or NPZ).")
    var table: String

    @OptionGroup var target: TargetOption

    @Option(help: ArgumentHelp("Where the model goes.", valueName: "file"))
    var output = "model.safetensors"

    @Option(
      help: ArgumentHelp("Write a report of the run, as JSON, to this file.", valueName: "file"))
    var report: String?

    @Flag(help: "Say nothing unless something is wrong.")
    var quiet = false

    @OptionGroup var data: DataOptions

    @OptionGroup var flags: TrainingFlags

    @OptionGroup var long: LongRunFlags

    @OptionGroup var paper: PaperFlags

    @OptionGroup var threads: ThreadOption

    func validate() throws { try paper.check(flags) }

    func run() throws {
      try Talk.reportingErrors { processes in
        // One of several processes talks and writes.
        let isFirst = processes.rank == 0
        let quiet = quiet || !isFirst
        var options = flags.options(threads: threads.count)
        if flags.lookup == nil, paper.paper { options.lookup = .staticIndex }
        // What is wrong with settings and files is better known before training than after.
        try options.validate()
        try OutputFile.check([output, report, long.curve], inputs: [table] + data.files)
        let long = try LongRun(
          long, title: "Training on \(table)", quiet: quiet, communicator: processes)
        let start = ContinuousClock.now
        let dataset = try Dataset(
          contentsOf: table, options: data.options(knownColumns: Set(target.columns)))
        let secondsToLoad = start.duration(to: .now) / .seconds(1)
        let targets =
          target.columns.isEmpty ? [dataset.targetName].compactMap { $0 } : target.columns
        let plan = try paper.plan(dataset, targets: targets, options: options, quiet: quiet)
        let run = try TrainingRun(
          dataset: plan.map { Dataset($0.table) } ?? dataset,
          targets: targets, options: plan?.options(options) ?? options,
          secondsToLoad: secondsToLoad, long: long)
        guard isFirst else { return }
        let text = try report.map { _ in
          var report = try run.report
          plan?.add(to: &report, epochs: run.outcome.epochs)
          return try report.text()
        }
        try run.outcome.model.save(to: output)
        if let report, let text { try AtomicFile.write(text, to: report) }
        if !quiet {
          try Talk.print(run.summary)
          if let plan { try Talk.print(plan.comparison(run.outcome.epochs)) }
          if let certificate = run.outcome.lookup.statistics.certificate {
            try Talk.print(certificate.summary)
          }
          try Talk.print("Model written to \(output).")
        }
      }
    }
  }
}
