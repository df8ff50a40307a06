// SPDX-License-Identifier: Apache-2.0
import Foundation
import Halfspace
import Testing

/// What the tool says of itself.
@Suite struct HelpTests {
  @Test func `help lists the commands, and no arguments are a call for help`() throws {
    let workspace = try Workspace()
    let help = try workspace.succeed(["--help"]).output
    for command in ["train", "tune", "evaluate", "predict", "inspect", "plan", "demo"] {
      #expect(help.contains("\n  \(command) "))
      let text = try workspace.succeed([command, "--help"])
      #expect(text.output.hasPrefix("OVERVIEW: ") && text.errors.isEmpty)
      #expect(text.output.contains("USAGE: halfspace \(command)"))
    }
    #expect(try workspace.succeed([]).output == help)
    #expect(try workspace.succeed(["--version"]).output.wholeMatch(of: /\d+\.\d+\.\d+\n/) != nil)
    #expect(workspace.names.isEmpty)
  }

  @Test func `help of train names every option and its default`() throws {
    let help = try Workspace().succeed(["train", "--help"]).output
    for option in [
      "seed", "threads", "width", "firing-fraction", "threshold", "epochs", "batch",
      "learning-rate", "optimizer", "loss", "initial", "output", "report", "quiet", "target",
      "task", "drop", "test-fraction",
    ] {
      #expect(help.contains("\n  --\(option) "), "--\(option)")
    }
    let flat = help.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    let (classes, numbers) = (
      TrainingDefaults(task: .classification), TrainingDefaults(task: .regression)
    )
    #expect(flat.contains("Number of neurons. (default: \(classes.width))"))
    #expect(flat.contains("default: \(classes.epochs)") && flat.contains(classes.loss))
    #expect(flat.contains("\(numbers.epochs)") && flat.contains(numbers.loss))
    for text in ["model.safetensors)", "product-grid, gaussian; default: product-grid"] {
      #expect(flat.contains(text), "\(text)")
    }
  }

  @Test func `the defaults in the help are the ones that are used`() throws {
    let workspace = try Workspace()
    for (text, target, task) in [
      (SampleText.kinds, "kind", PredictionTask.classification),
      (SampleText.numbers, "y", .regression),
    ] {
      try workspace.write(text, "t.csv")
      // Without trials, which may choose others.
      try workspace.succeed([
        "train", "t.csv", "--target", target, "--report", "r.json", "--quiet", "--metric", "none",
      ])
      let report = try Report(workspace.file("r.json"))
      let defaults = TrainingDefaults(task: task)
      #expect(report.number("network.width") == Double(defaults.width))
      #expect(report.number("training.epochs") == Double(defaults.epochs))
      #expect(report.number("training.batch") == Double(defaults.batchSize))
      #expect(report.text("training.loss") == defaults.loss)
    }
  }
}
