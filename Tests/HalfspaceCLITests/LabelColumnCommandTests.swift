// SPDX-License-Identifier: Apache-2.0
import Foundation
import Halfspace
import Testing

/// Several target columns on the command line: `--target` given several times.
@Suite struct LabelColumnCommandTests {
  /// Where a point lies; the second label's name has a comma and a quote.
  private static let text: String = {
    var generator = SeededGenerator(seed: 4)
    var text = "x,right,z,\"up, \"\"high\"\"\"\n"
    for _ in 0..<120 {
      let (x, z) = (generator.below(41) - 20, generator.below(41) - 20)
      text += "\(x),\(x > 0 ? 1 : 0),\(z),\(z > 0 ? 1 : 0)\n"
    }
    return text
  }()

  private static let targets = ["--target", "right", "--target", "up, \"high\""]

  private func workspace() throws -> Workspace {
    let workspace = try Workspace()
    try workspace.write(Self.text, "t.csv")
    return workspace
  }

  private static let train =
    ["train", "t.csv"] + targets + ["--epochs", "10", "--width", "256", "--threads", "1"]

  @Test func `columns of labels are trained, judged and predicted`() throws {
    let workspace = try workspace()
    let trained = try workspace.succeed(Self.train + ["--output", "m", "--report", "r.json"])
    #expect(trained.output.contains("Micro F1 "))
    #expect(try workspace.text("r.json").contains("\"up, \\\"high\\\"\""))
    try workspace.succeed(Self.train + ["--output", "s", "--stream", "--quiet"])
    #expect(try workspace.bytes("m") == workspace.bytes("s"))
    let result = try workspace.succeed(["evaluate", "m", "t.csv", "--report", "e.json"])
    let report = try Report(workspace.file("e.json"))
    #expect(try #require(report.number("test.microF1")) > 0.9)
    #expect(
      result.output == (try workspace.succeed(["evaluate", "m", "t.csv", "--stream"]).output))
    #expect(result.output.contains("| right "))

    try workspace.succeed(["predict", "m", "t.csv", "--output", "p.csv"])
    let (table, predicted) = (
      try Table(csv: Self.text, name: "t"), try Table(contentsOf: workspace.file("p.csv"))
    )
    let labels = ["right", "up, \"high\""]
    #expect(predicted.columnNames == labels && predicted.rowCount == 120)
    for label in labels {
      let right = (0..<120).count { table[label]!.number($0) == predicted[label]!.number($0) }
      #expect(right > 108)
    }
    let best = try workspace.succeed(["predict", "m", "t.csv", "--top", "1"]).lines.dropFirst()
    #expect(best.count == 120 && best.allSatisfy { $0 == "0,1" || $0 == "1,0" })
    let all = try workspace.succeed(["predict", "m", "t.csv", "--label-threshold", "0"]).lines
    #expect(all.dropFirst().allSatisfy { $0 == "1,1" })
    let inspected = try workspace.succeed(["inspect", "m"]).output
    #expect(inspected.contains("| right, up, \"high\""))
    #expect(inspected.contains("| multi-label"))
  }

  @Test func `settings are searched for several columns`() throws {
    let workspace = try workspace()
    let result = try workspace.succeed(
      ["tune"] + Self.train.dropFirst() + ["--budget", "0.1s", "--quiet", "--save", "m"])
    let command = try #require(result.lines.last)
    #expect(
      command.hasPrefix("halfspace train t.csv --target right --target 'up, \"high\"' --epochs"))
    let again = try workspace.shell(
      command.replacingOccurrences(of: "halfspace train", with: "$HALFSPACE train")
        + " --output n --quiet")
    #expect(again.status == 0, "\(again.errors)")
    #expect(try workspace.bytes("n") == workspace.bytes("m"))
  }

  @Test func `what is no label is refused in one sentence`() throws {
    let workspace = try workspace()
    try workspace.fail(
      ["train", "t.csv", "--target", "right", "--target", "x"],
      "t.csv, line 2, column \"x\": expected 0 or 1, found \"\(Self.firstNumber)\": each of several "
        + "target columns is a label that a row has or has not; a number is predicted from a column "
        + "of its own")
    try workspace.fail(
      ["train", "t.csv"] + Self.targets + ["--paper", "--epsilon", "0.5"],
      "cannot train: a plan is for one output, not for 2")
  }

  /// The first number of the first row, which is neither 0 nor 1.
  private static let firstNumber =
    text.split(separator: "\n")[1].split(separator: ",")[0]
}
