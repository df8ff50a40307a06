// SPDX-License-Identifier: Apache-2.0
import Foundation
import Halfspace
import Testing

/// `halfspace tune`.
@Suite struct TuneTests {
  private func workspace() throws -> Workspace {
    let workspace = try Workspace()
    try workspace.write(SampleText.numbers, "numbers.csv")
    return workspace
  }

  private let line = [
    "numbers.csv", "--target", "y", "--epochs", "4", "--threads", "1", "--width", "256",
  ]

  @Test func `the printed command trains the model that was saved`() throws {
    let workspace = try workspace()
    let result = try workspace.succeed(
      ["tune"] + line + [
        "--budget", "0.5s", "--save", "m", "--chart", "c.svg", "--report", "r.json", "--quiet",
      ])
    #expect(result.errors.isEmpty)
    let command = try #require(result.lines.last)
    #expect(command.hasPrefix("halfspace train numbers.csv --target y --epochs 4"))
    #expect(result.output.contains("Model written to m."))
    let again = try workspace.shell(
      command.replacingOccurrences(of: "halfspace train", with: "$HALFSPACE train")
        + " --output n --quiet")
    #expect(again.status == 0, "\(again.errors)")
    #expect(try workspace.bytes("n") == workspace.bytes("m"))
    #expect(try workspace.text("c.svg").hasPrefix("<svg"))
    let report = try Report(workspace.file("r.json"))
    #expect(report.text("command") == command && report.text("measure") == "r2")
    #expect(try #require(report.number("best.score")) <= 1)
  }

  @Test func `the same seed prints the same table`() throws {
    let workspace = try workspace()
    let one = try workspace.succeed(["tune"] + line + ["--budget", "0.3s"])
    let other = try workspace.succeed(["tune"] + line + ["--budget", "0.3s"])
    // Unless the machine was too slow for its budget.
    if !one.output.contains("The time was over"), !other.output.contains("The time was over") {
      #expect(one.output == other.output)
    }
    #expect(one.errors.contains("round 1 of 3, settings 1: "))
    #expect(one.lines.contains { $0.contains("options of train") })
  }

  @Test func `what belongs to tune is left out of the command`() throws {
    let workspace = try Workspace()
    try workspace.write(SampleText.numbers, "my data.csv")
    let command = try #require(
      try workspace.succeed([
        "tune", "my data.csv", "--budget", "0.1s", "--target=y", "--chart=c.svg", "--quiet",
        "--save", "m", "--metric", "none", "--linear-part", "none", "--drop", "b", "--report", "r",
        "--width", "64",
        "--learning-rate", "3", "--epochs", "2",
      ]).lines.last)
    // All but constant and scaling is given, and those of the recipe need not be said.
    let given = "halfspace train 'my data.csv' --target=y --drop b --width 64 --learning-rate 3 "
    #expect(command.hasPrefix(given + "--epochs 2"))
    #expect(command.hasSuffix("--metric none"))
    for own in ["--budget", "c.svg", "--save", "--report", "--quiet"] {
      #expect(!command.contains(own))
    }
  }

  @Test func `a budget that is none is refused`() throws {
    let workspace = try workspace()
    for budget in ["-1s", "soon", "0"] {
      let result = try workspace.run(["tune"] + line + ["--budget", budget])
      #expect(result.status == 64 && result.errors.contains("--budget"))
    }
    try workspace.fail(
      ["tune"] + line + ["--save", "numbers.csv"], "cannot write numbers.csv: it is an input")
  }
}
