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
      discussion: """
        Writes a table (CSV) with a header and one row for each row of the input: one column, \
        named as the target, unless --scores or --inputs is given.
        """)

    @Argument(help: "The model (safetensors).")
    var model: String

    @Argument(help: "Rows with the columns the model was trained on.")
    var table: String

    @Option(
      help: ArgumentHelp(
        "Where the predictions go. (default: standard output)", valueName: "file"))
    var output: String?

    @Flag(
      help: ArgumentHelp(
        "What to write: predictions, the network's outputs, or its transformed inputs."))
    var kind: Kind = .predictions

    /// What is written.
    enum Kind: String, EnumerableFlag {
      case predictions, scores, inputs
    }

    @Flag(help: "Let a category that training did not have count as none, instead of refusing it.")
    var ignoreUnknown = false

    @OptionGroup var data: DataOptions

    @OptionGroup var threads: ThreadOption

    func run() throws {
      try Talk.reportingErrors {
        try OutputFile.check([output], inputs: [model, table] + data.files)
        var model = try TabularModel(contentsOf: model)
        if ignoreUnknown { model.encoder.unknownCategories = .ignore }
        let text = try text(
          model, try model.readDataset(contentsOf: table, options: data.options()))
        if let output {
          try AtomicFile.write(text, to: output)
        } else {
          try Talk.write(text)
        }
      }
    }

    private func text(_ model: TabularModel, _ rows: Dataset) throws -> String {
      let target = model.target.column
      switch kind {
      case .predictions:
        var csv = CSVWriter(columns: [target])
        for text in try model.predict(rows, threads: threads.count).texts { csv.append([text]) }
        return csv.text
      case .scores:
        // The one output of a loss for two classes speaks for the second.
        let labels = model.target.labels.suffix(model.predictor.outputCount)
        return text(
          of: try model.scores(for: rows, threads: threads.count),
          columns: labels.isEmpty ? [target] : Array(labels))
      case .inputs:
        let names = model.encoder.featureNames
        let constant = model.transform.constant == nil ? [] : ["constant"]
        return text(
          of: try model.inputs(of: rows, threads: threads.count).matrix(),
          columns: names + constant)
      }
    }

    private func text(of matrix: Matrix, columns: [String]) -> String {
      var csv = CSVWriter(columns: columns)
      for row in 0..<matrix.rows { csv.append(matrix.rowArray(row)) }
      return csv.text
    }
  }
}
