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

    @Argument(help: "A table with the model's target column (CSV).")
    var table: String

    @Option(help: "Write the result, as JSON, to this file.")
    var report: String?

    @Option(help: "Threads.")
    var threads: Int = ThreadCount.available

    func run() throws {
      try Talk.reportingErrors {
        let model = try TabularModel(contentsOf: model)
        let result = try model.evaluate(on: try Table(contentsOf: table), threads: threads)
        if let report {
          var object = JSONObject()
          object["task"] = .string(model.target.task.rawValue)
          object["rows.test"] = .integer(result.rows)
          object["test.accuracy"] = result.accuracy.map { .number($0) }
          object["test.rmse"] = result.rmse.map { .number($0) }
          object["test.mae"] = result.mae.map { .number($0) }
          object["test.r2"] = result.r2.map { .number($0) }
          try AtomicFile.write(object.text(), to: report)
        }
        print("\(result.sentence) on \(Format.count(result.rows)) rows.")
      }
    }
  }
}
