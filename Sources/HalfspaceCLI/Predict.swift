// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Foundation
internal import Halfspace
internal import _HalfspaceReport

extension HalfspaceCommand {
  /// `halfspace predict MODEL TABLE`.
  struct Predict: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Predict the target of every row of a table, in order.",
      discussion: "Writes one column, named as the target, to standard output or a file.")

    @Argument(help: "The model (safetensors).")
    var model: String

    @Argument(help: "A table with the columns the model was trained on (CSV).")
    var table: String

    @Option(help: "Where the predictions go; standard output if left out.")
    var output: String?

    @Flag(
      help: ArgumentHelp(
        "What to write: predictions, the network's outputs, or its transformed inputs."))
    var kind: Kind = .predictions

    /// What is written.
    enum Kind: String, EnumerableFlag {
      case predictions, scores, inputs
    }

    @Flag(help: "Let categories that training did not have count as none, instead of refusing them.")
    var ignoreUnknown = false

    @Option(help: "Threads.")
    var threads: Int = ThreadCount.available

    func run() throws {
      try Talk.reportingErrors {
        var model = try TabularModel(contentsOf: model)
        if ignoreUnknown { model.encoder.unknownCategories = .ignore }
        let text = try self.text(model, try Table(contentsOf: table))
        if let output {
          try AtomicFile.write(text, to: output)
        } else {
          FileHandle.standardOutput.write(Data(text.utf8))
        }
      }
    }

    private func text(_ model: TabularModel, _ table: Table) throws -> String {
      switch kind {
      case .predictions:
        var csv = CSVWriter(columns: [model.target.column])
        for text in try model.predict(table, threads: threads).texts { csv.append([text]) }
        return csv.text
      case .scores: return lines(of: try model.scores(for: table, threads: threads))
      case .inputs: 
        return lines(of: try model.transform.apply(to: try model.encoder.encode(table)))
      }
    }

    private func lines(of matrix: Matrix) -> String {
      (0..<matrix.rows).map { row in
        matrix.rowArray(row).map { "\($0)" }.joined(separator: ",") + "\n"
      }.joined()
    }
  }
}
