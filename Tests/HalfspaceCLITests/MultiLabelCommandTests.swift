// SPDX-License-Identifier: Apache-2.0
import Foundation
import Halfspace
import Testing

/// Sets of labels on the command line: `--label-separator`, `--label-threshold`, `--top`.
@Suite struct MultiLabelCommandTests {
  @Test func `sets of labels are trained, judged and predicted`() throws {
    let workspace = try Workspace()
    var generator = SeededGenerator(seed: 4)
    var text = "x,z,w,tags\n"
    for _ in 0..<120 {
      let (x, z) = (generator.below(41) - 20, generator.below(41) - 20)
      let tags = [("right", x > 0), ("up", z > 0)].filter(\.1).map(\.0)
      text += "\(x),\(z),\(1 + generator.below(3)),\(tags.joined(separator: "|"))\n"
    }
    try workspace.write(text, "t.csv")
    let trained = try workspace.succeed(
      [
        "train", "t.csv", "--target", "tags", "--label-separator", "|", "--weight-column", "w",
        "--output", "m", "--report", "r.json", "--epochs", "10", "--width", "256", "--threads",
        "1",
      ])
    #expect(trained.output.contains("Micro F1 "))
    #expect(try Report(workspace.file("r.json")).number("test.microF1") != nil)
    let result = try workspace.succeed(
      ["evaluate", "m", "t.csv", "--weight-column", "w", "--report", "e.json"])
    #expect(result.lines[0].hasPrefix("Micro F1 0."))
    #expect(result.lines[1].hasPrefix("Macro F1 0."))
    #expect(result.output.contains("| best | precision@k | recall@k | nDCG@k |"))
    #expect(result.output.contains("| all decisions (micro) "))
    let report = try Report(workspace.file("e.json"))
    let model = try TabularModel(contentsOf: workspace.file("m"))
    let table = try Table(csv: text, name: "t")
    let summary = try model.report(on: table, weightColumn: "w").summary
    let micro = try #require(report.number("test.microF1"))
    #expect(abs(micro - summary.microF1!) < 1e-12 && micro > 0.9)
    #expect(report.number("test.precisionAt1") != nil && report.number("test.recallAt1") != nil)

    #expect(try workspace.succeed(["predict", "m", "t.csv"]).lines.contains("right|up"))
    let best = try workspace.succeed(["predict", "m", "t.csv", "--top", "1"]).lines
    #expect(best.count == 121 && best.dropFirst().allSatisfy { ["right", "up"].contains($0) })
    let all = try workspace.succeed(["predict", "m", "t.csv", "--label-threshold", "0"]).lines
    #expect(all.dropFirst().allSatisfy { $0 == "right|up" })
    let probabilities = try workspace.succeed(["predict", "m", "t.csv", "--probabilities"]).lines
    #expect(probabilities[0] == "right,up")
    try workspace.write(SampleText.kinds, "kinds.csv")
    try workspace.succeed(
      ["train", "kinds.csv", "--target", "kind", "--output", "k", "--quiet"] + SampleText.short)
    try workspace.fail(
      ["predict", "k", "kinds.csv", "--top", "2"],
      "k: --label-threshold and --top are for sets of labels; the model predicts one class")
  }
}
