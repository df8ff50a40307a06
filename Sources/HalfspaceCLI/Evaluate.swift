// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Foundation
internal import Halfspace
internal import _HalfspaceReport

extension HalfspaceCommand {
  /// `halfspace evaluate MODEL TABLE`.
  struct Evaluate: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Compare a model's predictions with the targets of a table.")

    @Argument(help: "The model (safetensors).")
    var model: String

    @Argument(help: "A table with the columns and the target the model was trained on (CSV).")
    var table: String

    @Option(help: ArgumentHelp("Write the result, as JSON, to this file.", valueName: "file"))
    var report: String?

    @Flag(help: "Let a category that training did not have count as none, instead of refusing it.")
    var ignoreUnknown = false

    @OptionGroup var threads: ThreadOption

    func run() throws {
      try Talk.reportingErrors {
        try OutputFile.check([report], inputs: [model, table])
        var model = try TabularModel(contentsOf: model)
        if ignoreUnknown { model.encoder.unknownCategories = .ignore }
        let result = try model.evaluate(
          on: try model.readTable(contentsOf: table), threads: threads.count)
        if let report {
          var object = JSONObject()
          object["task"] = .string(model.target.task.rawValue)
          object["rows.test"] = .integer(result.rows)
          object.setErrors(result)
          try AtomicFile.write(object.text(), to: report)
        }
        try Talk.print("\(result.sentence) on \(Format.rows(result.rows)).")
      }
    }
  }
}
