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

        No class is the positive one unless --positive-class names it: averages are over all \
        classes. The ROC AUC of two classes is the same for both.
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

    @Option(
      help: ArgumentHelp(
        "A class, of two or more, to tell precision, recall, F1 and ROC AUC of, against the rest.",
        valueName: "label"))
    var positiveClass: String?

    @Flag(help: "Let a category that training did not have count as none, instead of refusing it.")
    var ignoreUnknown = false

    @OptionGroup var data: DataOptions

    @OptionGroup var threads: ThreadOption

    func run() throws {
      try Talk.reportingErrors {
        try OutputFile.check([report], inputs: [model, table] + data.files)
        let path = model
        var model = try TabularModel(contentsOf: path)
        if ignoreUnknown { model.encoder.unknownCategories = .ignore }
        try positiveClass.map { try PositiveClass.check($0, of: model, in: path) }
        let result = try model.report(
          on: try model.readDataset(contentsOf: table, options: data.options()),
          weightColumn: weightColumn, threads: threads.count)
        let positive = positiveClass.flatMap { PositiveClass($0, in: result) }
        if let report {
          var json = result.json
          json["positive"] = positive.map { .object($0.json) }
          try AtomicFile.write(json.text(), to: report)
        }
        try Talk.print(result.text)
        if let positive { try Talk.print("\n" + positive.sentence) }
      }
    }
  }
}
