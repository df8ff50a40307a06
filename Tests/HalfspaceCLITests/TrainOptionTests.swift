// SPDX-License-Identifier: Apache-2.0
import Foundation
import Halfspace
import Testing

/// The options of `halfspace train` and what they do.
@Suite struct TrainOptionTests {
  private func workspace() throws -> Workspace {
    let workspace = try Workspace()
    try workspace.write(SampleText.kinds, "kinds.csv")
    try workspace.write(SampleText.numbers, "numbers.csv")
    return workspace
  }

  /// Trains on one of the tables and returns the report.
  private func train(
    _ table: String, _ arguments: [String], in workspace: Workspace,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws -> Report {
    let target = table == "kinds.csv" ? "kind" : "y"
    try workspace.succeed(
      ["train", table, "--target", target, "--report", "r.json", "--quiet"] + arguments,
      sourceLocation: sourceLocation)
    return try Report(workspace.file("r.json"))
  }

  @Test func `a report has everything that a run is judged by`() throws {
    let workspace = try workspace()
    for table in ["kinds.csv", "numbers.csv"] {
      let report = try train(table, SampleText.short, in: workspace)
      #expect(report.text("task") == (table == "kinds.csv" ? "classification" : "regression"))
      #expect(report.number("rows.train") == 72 && report.number("rows.test") == 18)
      if table == "kinds.csv" {
        #expect((0...1).contains(try #require(report.number("test.accuracy"))))
        #expect(report.number("test.rmse") == nil && report.number("test.r2") == nil)
      } else {
        #expect(try #require(report.number("test.rmse")) > 0)
        #expect(try #require(report.number("test.r2")) <= 1)
        #expect(report.number("test.accuracy") == nil)
      }
      let fraction = try #require(report.number("firing.fraction"))
      #expect(fraction > 0 && fraction < 1)
      #expect(report.number("network.width") == 128)
      let materialized = try #require(report.number("network.materialized"))
      #expect(materialized >= 1 && materialized <= 128)
      #expect(report.number("network.threshold")?.isFinite == true)
      let keys = ["load", "report", "train", "predictPerRow"]
      let seconds = try keys.map { try #require(report.number("seconds.\($0)")) }
      #expect(seconds.allSatisfy { $0 > 0 && $0 < 60 })
      #expect(seconds[1] < seconds[2])
      #expect(report.number("seed") == 1 && report.number("threads") == 1)
      #expect(report.text("lookup")?.isEmpty == false)
    }
    #expect(
      workspace.names == ["kinds.csv", "model.safetensors", "numbers.csv", "r.json"])
  }

  @Test func `settings show in the report`() throws {
    let workspace = try workspace()
    let report = try train(
      "kinds.csv",
      [
        "--seed", "9", "--threads", "2", "--width", "100", "--epochs", "2", "--batch", "7",
        "--learning-rate", "0.05", "--optimizer", "adagrad", "--loss", "one-versus-rest",
        "--threshold", "0.5", "--initial", "gaussian", "--test-fraction", "0.5",
        "--output", "model",
      ], in: workspace)
    #expect(report.number("seed") == 9 && report.number("threads") == 2)
    #expect(report.number("network.width") == 100 && report.number("training.epochs") == 2)
    #expect(report.number("training.batch") == 7)
    #expect(report.number("training.learningRate") == 0.05)
    #expect(report.text("training.optimizer") == "adagrad")
    #expect(report.text("training.loss") == "one-versus-rest")
    #expect(report.number("network.threshold") == 0.5)
    #expect(report.number("rows.test") == 45)
    let inspected = try workspace.succeed(["inspect", "model"]).output
    #expect(inspected.contains("gaussian") && !inspected.contains("product-grid"))
  }

  @Test func `thresholds are given in three ways`() throws {
    let workspace = try workspace()
    let ways = [
      ["--threshold", "-0.5"], ["--firing-fraction", "0.1"], ["--expected-firing", "12.8"],
    ]
    let thresholds = try ways.map { way in
      try #require(
        try train("numbers.csv", way + SampleText.short, in: workspace).number("network.threshold"))
    }
    #expect(thresholds[0] == -0.5)
    // The upper tenth of a Gaussian begins at 1.28; 12.8 of 128 neurons are a tenth.
    #expect(abs(thresholds[1] - 1.2816) < 1e-3)
    #expect(thresholds[1] == thresholds[2])
  }

  @Test(arguments: [
    ["--optimizer", "sgd"], ["--optimizer", "momentum"], ["--optimizer", "adagrad"],
    ["--optimizer", "adam"], ["--loss", "squared", "--learning-rate", "1"], ["--loss", "absolute"],
    ["--loss", "huber"], ["--initial", "product-grid"], ["--initial", "gaussian"],
    ["--groups", "3"], ["--outputs", "zero"], ["--outputs", "pairs"],
    ["--outputs", "signed-pairs"],
    ["--outputs", "independent"], ["--fixed-outputs"], ["--scaling", "standardize"],
    ["--scaling", "rank"], ["--scaling", "common-scale"], ["--constant", "-2"],
    ["--weight-decay", "0.0001"], ["--patience", "2"], ["--test-fraction", "0"],
    ["--task", "classification"], ["--batch", "9223372036854775807"], ["--threads", "64"],
  ])
  func `every choice makes a model that can be used`(choice: [String]) throws {
    let workspace = try workspace()
    // Few different targets, so that they can be classes as well.
    let table = try Table(csv: SampleText.numbers, name: "numbers")
    let targets = (0..<table.rowCount).map { Int((table["y"]?.number($0) ?? 0) / 25) }
    try workspace.write(
      "a,b,y\n"
        + (0..<table.rowCount).map { row in
          "\(table.columns[0].text(row) ?? ""),\(table.columns[1].text(row) ?? ""),\(targets[row])\n"
        }.joined(), "coarse.csv")
    let task = choice[0] == "--task" ? [] : ["--task", "regression"]
    _ = try train("coarse.csv", SampleText.short + task + choice, in: workspace)
    let evaluated = try workspace.succeed(["evaluate", "model.safetensors", "coarse.csv"])
    #expect(evaluated.output.hasPrefix(task.isEmpty ? "Accuracy " : "R² "))
  }

  @Test func `quiet runs say nothing, others one line per epoch`() throws {
    let workspace = try workspace()
    let arguments = ["train", "kinds.csv", "--target", "kind"] + SampleText.short
    let quiet = try workspace.succeed(arguments + ["--quiet"])
    #expect(quiet.output.isEmpty && quiet.errors.isEmpty)
    let plain = try workspace.succeed(arguments)
    let lines = plain.errors.split(separator: "\n", omittingEmptySubsequences: false)
    #expect(lines.count == 4 && lines.last == "")
    for (index, line) in lines.dropLast().enumerated() {
      let pattern = /epoch (\d)\/3: loss \S+, \S+ neurons fire, .* ([mµn]?s|min|h)( left)?/
      #expect(line.wholeMatch(of: pattern)?.1 == "\(index + 1)")
    }
    // Nothing that only a terminal understands.
    #expect(!plain.errors.contains("\r") && !plain.errors.contains("\u{1B}"))
  }

  @Test func `a named target settles what is a header`() throws {
    let workspace = try Workspace()
    // Texts only, and the names are among the values: the first line could be a row.
    let rows = (0..<40).map { "\(["yes", "no"][$0 % 2]),\(["no", "answer"][$0 % 2])\n" }.joined()
    try workspace.write("yes,answer\n" + rows, "t.csv")
    let report = try Report(
      {
        try workspace.succeed(
          ["train", "t.csv", "--target", "answer", "--report", "r.json"] + SampleText.short)
        return workspace.file("r.json")
      }())
    #expect(report.number("rows.train").map { $0 + 8 } == 40)
  }

  @Test func `a model can go where nothing is kept`() throws {
    let workspace = try workspace()
    try workspace.succeed(
      ["train", "numbers.csv", "--target", "y", "--output", "/dev/null"] + SampleText.short)
    #expect(workspace.names == ["kinds.csv", "numbers.csv"])
  }
}
