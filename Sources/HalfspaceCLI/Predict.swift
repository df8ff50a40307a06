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
        named as the target, unless --probabilities, --scores or --inputs is given. Text tables \
        of any size are read and answered piece by piece, in constant memory.
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
        "What to write: predictions, probabilities of the classes, the network's outputs, or its "
          + "transformed inputs."))
    var kind: PredictionColumns.Kind = .predictions

    @Option(
      parsing: .unconditional,
      help: ArgumentHelp(
        "Of sets of labels: predict those with a probability above this. (default: 0.5)",
        valueName: "probability"))
    var labelThreshold: Double?

    @Option(
      parsing: .unconditional,
      help: ArgumentHelp(
        "Of sets of labels: predict so many, the best first, instead.", valueName: "k"))
    var top: Int?

    @Flag(help: "Let a category that training did not have count as none, instead of refusing it.")
    var ignoreUnknown = false

    @OptionGroup var data: DataOptions

    @OptionGroup var threads: ThreadOption

    func validate() throws {
      guard labelThreshold == nil || top == nil else {
        throw ValidationError("Give one of --label-threshold and --top, not both.")
      }
      guard labelThreshold.map({ $0 >= 0 && $0 < 1 }) ?? true else {
        throw ValidationError("--label-threshold must be a probability below 1.")
      }
      guard (top ?? 1) > 0 else { throw ValidationError("--top must be positive.") }
      guard choice == nil || kind == .predictions else {
        throw ValidationError("--label-threshold and --top are for predictions.")
      }
    }

    /// Which labels are predicted, where somebody says so.
    private var choice: LabelChoice? {
      top.map(LabelChoice.top) ?? labelThreshold.map { .above(probability: $0) }
    }

    func run() throws {
      try Talk.reportingErrors {
        try OutputFile.check([output], inputs: [model, table] + data.files)
        let path = model
        var model = try TabularModel(contentsOf: path)
        if ignoreUnknown { model.encoder.unknownCategories = .ignore }
        let columns = try PredictionColumns(
          of: kind, by: model, from: path, choosing: choice, threads: threads.count)
        let file = try output.map { try PendingFile($0) }
        var csv = CSVWriter(columns: columns.names)
        try model.forEachPiece(
          ofInputs: table, options: data.options(), threads: threads.count
        ) { inputs in
          try columns.append(inputs, to: &csv)
          let text = csv.takeText()
          if let file { try file.write(Array(text.utf8)) } else { try Talk.write(text) }
        }
        try file?.commit()
      }
    }
  }
}
