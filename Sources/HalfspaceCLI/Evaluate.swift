// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Foundation
internal import Halfspace
internal import _HalfspaceReport

extension HalfspaceCommand {
  /// `halfspace evaluate MODEL TABLE`.
  struct Evaluate: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Compare a model's predictions with the targets of a table.",
      discussion: """
        Of classes: accuracy, top-k accuracy, log-loss, ROC AUC, calibration, precision, recall and \
        F1 of every class, the confusion matrix and a reliability table. Of numbers: R², RMSE and \
        MAE. Of sets of labels: micro and macro F1, precision and recall of the best k, log-loss, \
        ROC AUC, calibration and precision, recall and F1 of every label. --report writes all of \
        it as JSON.
        """)

    @Argument(help: "The model (safetensors).")
    var model: String

    @Argument(help: "Rows with the columns and the target the model was trained on.")
    var table: String

    @Option(help: ArgumentHelp("Write the result, as JSON, to this file.", valueName: "file"))
    var report: String?

    @Option(
      help: ArgumentHelp(
        "A column that says how often each row counts, relative to the others. (default: once)",
        valueName: "column"))
    var weightColumn: String?

    @Flag(help: "Let a category that training did not have count as none, instead of refusing it.")
    var ignoreUnknown = false

    @OptionGroup var data: DataOptions

    @OptionGroup var threads: ThreadOption

    func run() throws {
      try Talk.reportingErrors {
        try OutputFile.check([report], inputs: [model, table] + data.files)
        var model = try TabularModel(contentsOf: model)
        if ignoreUnknown { model.encoder.unknownCategories = .ignore }
        let result = try model.report(
          on: try model.readDataset(contentsOf: table, options: data.options()),
          weightColumn: weightColumn, threads: threads.count)
        if let report { try AtomicFile.write(result.json.text(), to: report) }
        try Talk.print(result.text)
      }
    }
  }
}
