// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Foundation
internal import Halfspace
internal import _HalfspaceReport

extension HalfspaceCommand {
  /// `halfspace demo`.
  struct Demo: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Train on the embedded handwritten digits and show what came out.")

    @Option(
      parsing: .upToNextOption,
      help: ArgumentHelp("Numbers of neurons to compare.", valueName: "m"))
    var widths: [Int] = [1 << 12, 1 << 16, 1 << 20, 1 << 24, 1 << 30]

    @Flag(help: "Show no progress.")
    var quiet = false

    func run() throws {
      try Talk.reportingErrors {
        let table = try EmbeddedData.digits
        try Talk.print(
          "\(Format.count(table.rowCount)) handwritten digits of 8 x 8 pixels (UCI, Alpaydin and "
            + "Kaynak), a fifth held out as a test.")
        let run = try TrainingRun(
          dataset: Dataset(table), targets: ["digit"], options: .init(), secondsToLoad: 0,
          long: LongRun(LongRunFlags.parse([]), title: "digits", quiet: quiet))
        try Talk.print(run.summary)
        try showExamples(run.outcome.model, table)
        try Talk.print(widthTable(try widths.map { try train(table, width: $0) }))
      }
    }

    /// Some digits as pictures, with the model's answers.
    private func showExamples(_ model: TabularModel, _ table: Table) throws {
      let rows = Array(0..<6)
      let sample = table.selecting(rows: rows)
      let answers = try model.predict(sample).texts
      let shades = Array(" .:-=+*#%@")
      for line in 0..<8 {
        let pictures = rows.map { row in
          (0..<8).map { column in
            let ink = sample["pixel\(8 * line + column)"]?.number(row) ?? 0
            let shade = shades[min(shades.count - 1, Int(ink) * shades.count / 17)]
            return "\(shade)\(shade)"
          }.joined()
        }
        try Talk.print(pictures.joined(separator: "  "))
      }
      try Talk.print(answers.map { "    is a \($0)?     ".prefix(16) }.joined(separator: "  "))
    }

    /// The same with another width.
    private func train(_ table: Table, width: Int) throws -> TrainingOutcome {
      var options = TrainingOptions()
      options.width = width
      return try TabularModel.train(on: table, target: "digit", options: options)
    }

    private func widthTable(_ outcomes: [TrainingOutcome]) -> TextTable {
      var table = TextTable(
        "neurons", "threshold", "ever fire", "static report", "training", "accuracy")
      for outcome in outcomes {
        let record = outcome.model.record
        table.append(
          Format.count(record.network.width),
          Format.fixed(Double(record.threshold), decimals: 2),
          Format.count(record.materialized), Format.duration(outcome.times.report),
          Format.duration(outcome.times.steps),
          Format.percent(record.test?.accuracy ?? 0))
      }
      return table
    }
  }
}
