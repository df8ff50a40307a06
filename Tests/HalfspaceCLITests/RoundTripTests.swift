// SPDX-License-Identifier: Apache-2.0
import Foundation
import Halfspace
import Testing

/// From a table to a model to answers.
@Suite struct RoundTripTests {
  @Test func `classes are trained, evaluated, predicted and inspected`() throws {
    let workspace = try Workspace()
    try workspace.write(SampleText.kinds, "kinds.csv")
    let trained = try workspace.succeed(
      ["train", "kinds.csv", "--target", "kind", "--output", "kinds.safetensors"] + SampleText.short
    )
    #expect(workspace.names == ["kinds.csv", "kinds.safetensors"])
    #expect(trained.lines.count == 4)
    #expect(
      trained.lines[0].wholeMatch(of: /Accuracy [0-9.]+ % on 18 held-out rows\./) != nil)
    #expect(
      trained.lines[1].wholeMatch(
        of: /128 neurons, \d+ ever fire, [0-9.]+ on a row \([0-9.]+ %\)\./) != nil)
    #expect(trained.lines[2].hasPrefix("Trained on 72 rows in "))
    #expect(trained.lines[3] == "Model written to kinds.safetensors.")

    let table = try Table(csv: SampleText.kinds, name: "kinds")
    let evaluated = try workspace.succeed(["evaluate", "kinds.safetensors", "kinds.csv"])
    let predicted = try workspace.succeed(["predict", "kinds.safetensors", "kinds.csv"])
    #expect(predicted.errors.isEmpty && evaluated.errors.isEmpty)
    let answers = try Table(csv: predicted.output, name: "answers", options: .init(hasHeader: true))
    #expect(answers.columnNames == ["kind"] && answers.rowCount == SampleText.rowCount)
    let right = (0..<table.rowCount).count { answers["kind"]?.text($0) == table["kind"]?.text($0) }
    #expect(right > SampleText.rowCount * 2 / 3)
    let accuracy = String(format: "%.2f", 100 * Double(right) / Double(SampleText.rowCount))
    #expect(evaluated.lines.first == "Accuracy \(accuracy) % on 90 rows.")

    let inspected = try workspace.succeed(["inspect", "kinds.safetensors"])
    let facts = facts(inspected)
    #expect(facts["target"] == "kind" && facts["task"] == "classification")
    #expect(facts["classes"] == "3: apple, sour, pear, plum")
    #expect(facts["columns used"] == "size, cm, color, a \"shape\"")
    // A number, its indicator, three colors and their indicator, two shapes.
    #expect(facts["features"] == "8" && facts["outputs"] == "3")
    #expect(facts["width"] == "128" && facts["epochs"] == "3" && facts["seed"] == "1")
    #expect(facts["training rows"] == "72" && facts["held-out rows"] == "18")
    #expect(trained.lines[0].hasPrefix(try #require(facts["on held-out rows"])))
  }

  @Test func `numbers are trained, evaluated, predicted and inspected`() throws {
    let workspace = try Workspace()
    try workspace.write(SampleText.numbers, "numbers.csv")
    let trained = try workspace.succeed(
      [
        "train", "numbers.csv", "--target", "y", "--output", "m", "--epochs", "20", "--width",
        "256",
      ])
    #expect(
      trained.lines[0].wholeMatch(of: /R² 0\.[0-9]{4}, RMSE \S+, MAE \S+ on 18 held-out rows\./)
        != nil)
    let evaluated = try workspace.succeed(
      ["evaluate", "m", "numbers.csv", "--report", "e.json", "--threads", "2"])
    let predicted = try workspace.succeed(["predict", "m", "numbers.csv", "--output", "p.csv"])
    #expect(predicted.output.isEmpty)
    let table = try Table(csv: SampleText.numbers, name: "numbers")
    let answers = try Table(contentsOf: workspace.file("p.csv"))
    #expect(answers.columnNames == ["y"])
    let rows = 0..<SampleText.rowCount
    let rmse = Metrics.rootMeanSquaredError(
      predicted: rows.compactMap { answers["y"]?.number($0) },
      expected: rows.compactMap { table["y"]?.number($0) })
    let report = try Report(workspace.file("e.json"))
    #expect(report.text("task") == "regression")
    #expect(report.number("rows.test") == 90)
    #expect(abs(try #require(report.number("test.rmse")) - rmse) < 1e-9 * rmse)
    #expect(try #require(report.number("test.r2")) > 0.8)
    #expect(report.number("test.accuracy") == nil)
    #expect(evaluated.output.hasSuffix(" on 90 rows.\n"))
    #expect(facts(try workspace.succeed(["inspect", "m"]))["task"] == "regression")
  }

  @Test func `predictions follow the scores, and need no target column`() throws {
    let workspace = try Workspace()
    try workspace.write(SampleText.kinds, "kinds.csv")
    try workspace.succeed(
      ["train", "kinds.csv", "--target", "kind", "--output", "m"] + SampleText.short)
    let whole = try workspace.succeed(["predict", "m", "kinds.csv"]).output
    #expect(try workspace.succeed(["predict", "m", "kinds.csv", "--predictions"]).output == whole)

    let scores = try Table(
      csv: try workspace.succeed(["predict", "m", "kinds.csv", "--scores"]).output, name: "scores",
      options: .init(hasHeader: true))
    #expect(scores.columnNames == ["apple, sour", "pear", "plum"])
    let answers = try Table(csv: whole, name: "answers", options: .init(hasHeader: true))
    for row in 0..<scores.rowCount {
      let values = scores.columns.map { $0.number(row) ?? -.infinity }
      let largest = values.firstIndex(of: values.max() ?? 0) ?? 0
      #expect(scores.columnNames[largest] == answers["kind"]?.text(row))
    }
    let inputs = try Table(
      csv: try workspace.succeed(["predict", "m", "kinds.csv", "--inputs"]).output, name: "inputs")
    #expect(inputs.columnNames.prefix(2) == ["size, cm", "size, cm is missing"])
    #expect(inputs.columnNames.last == "constant" && inputs.columns.count == 9)

    // Columns in another order, one more, and no target.
    let table = try Table(csv: SampleText.kinds, name: "kinds")
    var text = "\"a \"\"shape\"\"\",new,\"size, cm\",color\n"
    for row in 0..<table.rowCount {
      let cells = [2, 0, 1].map {
        table.columns[$0].text(row).map { "\"\($0.replacing("\"", with: "\"\""))\"" } ?? ""
      }
      text += "\(cells[0]),17,\(cells[1]),\(cells[2])\n"
    }
    try workspace.write(text, "other.csv")
    #expect(try workspace.succeed(["predict", "m", "other.csv"]).output == whole)
  }

  @Test func `columns are dropped, with names and without`() throws {
    let workspace = try Workspace()
    let lines = SampleText.numbers.split(separator: "\n")
    let named = ["id,\(lines[0])"] + lines.dropFirst().enumerated().map { "row \($0.0),\($0.1)" }
    try workspace.write(named.joined(separator: "\n"), "named.csv")
    try workspace.write(named.dropFirst().joined(separator: "\n"), "nameless.csv")
    try workspace.succeed(
      ["train", "named.csv", "--target", "y", "--drop", "id", "--output", "a"] + SampleText.short)
    try workspace.succeed(
      ["train", "nameless.csv", "--target", "column4", "--drop", "column1", "--output", "b"]
        + SampleText.short)
    let a = try workspace.succeed(["predict", "a", "named.csv"]).lines
    let b = try workspace.succeed(["predict", "b", "nameless.csv"]).lines
    #expect(a.first == "y" && b.first == "column4")
    #expect(a.dropFirst() == b.dropFirst() && a.count == 91)

    // Without the target, and without the dropped column too.
    let bare = lines.dropFirst().map { $0.split(separator: ",").prefix(2).joined(separator: ",") }
    try workspace.write(bare.joined(separator: "\n"), "bare.csv")
    #expect(try workspace.succeed(["predict", "b", "bare.csv"]).lines == b)
    let targetless = bare.enumerated().map { "row \($0.0),\($0.1)" }
    try workspace.write(targetless.joined(separator: "\n"), "targetless.csv")
    #expect(try workspace.succeed(["predict", "b", "targetless.csv"]).lines == b)
    // One line of it is still a row and no header.
    try workspace.write(String(bare[0]), "one.csv")
    #expect(try workspace.succeed(["predict", "b", "one.csv"]).lines == Array(b.prefix(2)))
  }

  @Test func `a category that training did not have can be let pass`() throws {
    let workspace = try Workspace()
    try workspace.write(SampleText.kinds, "kinds.csv")
    try workspace.succeed(
      ["train", "kinds.csv", "--target", "kind", "--output", "m"] + SampleText.short)
    try workspace.write(
      "\"size, cm\",color,\"a \"\"shape\"\"\",kind\n1,red,round,pear\n2,mauve,round,pear\n",
      "new.csv")
    try workspace.fail(
      ["predict", "m", "new.csv"],
      "new.csv, line 3, column \"color\": the training rows had no \"mauve\" here, only \"blue\", "
        + "\"dark, green\", \"red\"; --ignore-unknown lets it count as no category")
    #expect(
      try workspace.succeed(["predict", "m", "new.csv", "--ignore-unknown"]).lines.count == 3)
    #expect(
      try workspace.succeed(["evaluate", "m", "new.csv", "--ignore-unknown"]).output
        .contains(" on 2 rows.\n"))
  }

  /// The table that `inspect` prints.
  private func facts(_ result: Workspace.Result) -> [String: String] {
    var facts: [String: String] = [:]
    for line in result.lines {
      let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
      if cells.count == 2 { facts[cells[0]] = cells[1] }
    }
    return facts
  }
}
