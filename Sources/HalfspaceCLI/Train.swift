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
        The table is delimited text with or without a header. Whether the column is a class or a \
        number, and all settings, are chosen from the data unless given.
        """)

    @Argument(help: "The table (CSV).")
    var table: String

    @Option(help: "The column to predict.")
    var target: String

    @OptionGroup var flags: TrainingFlags

    @Option(help: "Where the model goes.")
    var output = "model.safetensors"

    @Option(help: "Write a report of the run, as JSON, to this file.")
    var report: String?

    @Flag(help: "Say nothing unless something is wrong.")
    var quiet = false

    func run() throws {
      try Talk.reportingErrors {
        let start = ContinuousClock.now
        let table = try Table(contentsOf: table)
        let secondsToLoad = start.duration(to: .now) / .seconds(1)
        // A folder that cannot be written to is better known before training than after.
        try AtomicFile.checkWritable(output)
        if let report { try AtomicFile.checkWritable(report) }
        let run = try TrainingRun(
          table: table, target: target, options: flags.options, secondsToLoad: secondsToLoad,
          quiet: quiet)
        try run.outcome.model.save(to: output)
        if let report { try AtomicFile.write(run.report.text(), to: report) }
        if !quiet {
          print(run.summary)
          print("Model written to \(output).")
        }
      }
    }
  }
}
