// SPDX-License-Identifier: Apache-2.0
import Halfspace
import Testing

/// What `evaluate` prints and reports.
@Suite struct EvaluateTests {
  @Test(arguments: ["softmax", "one-versus-rest"])
  func `classes are judged in tables and in a report`(loss: String) throws {
    let workspace = try Workspace()
    try workspace.write(SampleText.kinds, "kinds.csv")
    try workspace.succeed(
      ["train", "kinds.csv", "--target", "kind", "--output", "m", "--loss", loss]
        + SampleText.short)
    let result = try workspace.succeed(["evaluate", "m", "kinds.csv", "--report", "e.json"])
    #expect(
      result.lines[1].wholeMatch(
        of: /Top 2 [0-9.]+ %, log-loss \S+, ROC AUC [0-9.]+ \(mean, one .*\), calibration error .*/)
        != nil)
    #expect(result.output.contains("| class           | precision | recall |"))
    #expect(result.output.contains("| class \\ predicted | apple, sour | pear | plum |"))
    #expect(result.output.contains("| predicted with "))

    let report = try Report(workspace.file("e.json"))
    let table = try Table(csv: SampleText.kinds, name: "kinds")
    let model = try TabularModel(contentsOf: workspace.file("m"))
    let scores = try model.scores(for: table)
    let classes = try model.target.classes(of: table)
    // Reports hold fifteen digits.
    let top = try #require(report.number("test.top2"))
    #expect(abs(top - Metrics.topAccuracy(2, scores: scores, expected: classes)) < 1e-12)
    let probabilities = try #require(model.probabilities(fromScores: scores))
    for row in 0..<probabilities.rows {
      #expect(abs(probabilities.rowArray(row).reduce(0, +) - 1) < 1e-6)
      #expect(probabilities.indexOfLargest(inRow: row) == scores.indexOfLargest(inRow: row))
    }
    let logLoss = try #require(report.number("test.logLoss"))
    #expect(
      abs(logLoss - Metrics.logLoss(probabilities: probabilities, expected: classes)) < 1e-12)
    #expect(report.number("macro.rows") == 90 && report.number("weighted.rows") == 90)
  }

  @Test(arguments: ["logistic", "hinge"])
  func `one output for two classes is judged like two`(loss: String) throws {
    let workspace = try Workspace()
    let lines = SampleText.kinds.split(separator: "\n").filter { !$0.hasSuffix("\"plum\"") }
    try workspace.write(lines.joined(separator: "\n"), "two.csv")
    try workspace.succeed(
      ["train", "two.csv", "--target", "kind", "--output", "m", "--loss", loss]
        + SampleText.short)
    let result = try workspace.succeed(["evaluate", "m", "two.csv", "--report", "e.json"])
    let report = try Report(workspace.file("e.json"))
    // Only a logistic output is a probability.
    #expect((report.number("test.logLoss") != nil) == (loss == "logistic"))
    #expect(result.output.contains("predicted with") == (loss == "logistic"))
    let table = try Table(contentsOf: workspace.file("two.csv"))
    let model = try TabularModel(contentsOf: workspace.file("m"))
    let scores = try model.scores(for: table)
    let classes = try model.target.classes(of: table)
    let area = Metrics.rocAUC(
      scores: (0..<scores.rows).map { Double(scores[$0, 0]) }, isPositive: classes.map { $0 == 1 })
    #expect(abs(try #require(report.number("test.rocAUC")) - (area ?? .nan)) < 1e-6)
  }
}
