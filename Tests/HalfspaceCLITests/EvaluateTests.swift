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

  @Test(arguments: [["apple, sour", "pear", "plum"], ["pear", "plum"]])
  func `a positive class is told from the rest as counting predictions does`(
    kinds: [String]
  ) throws {
    let workspace = try Workspace()
    let lines = SampleText.kinds.split(separator: "\n")
    let rows = lines.dropFirst().filter { line in kinds.contains { line.hasSuffix("\"\($0)\"") } }
    let text = ([lines[0]] + rows).joined(separator: "\n")
    try workspace.write(text, "k.csv")
    try workspace.succeed(
      ["train", "k.csv", "--target", "kind", "--output", "m", "--quiet"] + SampleText.short)
    try workspace.succeed(["predict", "m", "k.csv", "--output", "p.csv"])
    try workspace.succeed(["predict", "m", "k.csv", "--probabilities", "--output", "q.csv"])
    let expected = try Table(csv: text, name: "k").column("kind")
    let predicted = try Table(contentsOf: workspace.file("p.csv")).column("kind")
    let probabilities = try Table(contentsOf: workspace.file("q.csv"))
    for kind in kinds {
      let result = try workspace.succeed(
        ["evaluate", "m", "k.csv", "--positive-class", kind, "--report", "e.json"])
      func count(_ isCounted: (_ isOwn: Bool, _ isPredicted: Bool) -> Bool) -> Double {
        Double(
          (0..<rows.count).count {
            isCounted(expected.text($0) == kind, predicted.text($0) == kind)
          })
      }
      let hits = count { $0 && $1 }
      let precision = hits / max(1, count { $1 })
      let recall = hits / count { isOwn, _ in isOwn }
      let f1 = 2 * hits / (count { $1 } + count { isOwn, _ in isOwn })
      let area = try #require(
        Metrics.rocAUC(
          scores: (0..<rows.count).map { probabilities[kind]!.number($0)! },
          isPositive: (0..<rows.count).map { expected.text($0) == kind }))
      let report = try Report(workspace.file("e.json"))
      #expect(report.text("positive.label") == kind)
      #expect(abs(report.number("positive.precision")! - precision) < 1e-12)
      #expect(abs(report.number("positive.recall")! - recall) < 1e-12)
      #expect(abs(report.number("positive.f1")! - f1) < 1e-12)
      // Probabilities are written in digits that tell them apart.
      #expect(abs(report.number("positive.rocAUC")! - area) < 1e-12)
      #expect(result.lines.last!.hasPrefix("Class \(kind) against the rest: precision "))
      #expect(
        result.lines.last!.hasSuffix("(\(Int(count { isOwn, _ in isOwn })) positive rows)."))
    }
    let plain = try workspace.succeed(["evaluate", "m", "k.csv", "--report", "e.json"])
    #expect(!plain.output.contains("against the rest: "))
    #expect(try Report(workspace.file("e.json")).text("positive.label") == nil)
  }

  @Test func `a positive class that a model does not know is refused before rows are read`() throws
  {
    let workspace = try Workspace()
    try workspace.write(SampleText.kinds, "kinds.csv")
    try workspace.write(SampleText.numbers, "numbers.csv")
    try workspace.succeed(
      ["train", "kinds.csv", "--target", "kind", "--output", "k", "--quiet"] + SampleText.short)
    try workspace.succeed(
      ["train", "numbers.csv", "--target", "y", "--output", "n", "--quiet"] + SampleText.short)
    try workspace.fail(
      ["evaluate", "k", "missing.csv", "--positive-class", "fig"],
      "k: the model knows no class \"fig\", only \"apple, sour\", \"pear\", \"plum\"")
    try workspace.fail(
      ["evaluate", "n", "missing.csv", "--positive-class", "1"],
      "n: --positive-class is for classes; the model predicts a number")
  }
}
