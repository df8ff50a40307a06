// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

/// Options that make no sense, and outputs that cannot be written: one sentence and no trace.
@Suite struct BadOptionTests {
  @Test(arguments: [
    ("--width 0", "cannot train: the width 0 is not positive"),
    ("--width -5", "cannot train: the width -5 is not positive"),
    ("--width 127 --outputs pairs", "cannot train: symmetric pairs need an even width, got 127"),
    (
      "--width 9223372036854775807",
      "cannot train: the width 9223372036854775807 is more than 2^48"
    ),
    (
      "--threshold 40 --width 64",
      "cannot train: at threshold 40.0 none of the 64 neurons fires on any of the 72 training "
        + "rows; lower the threshold or widen the network"
    ),
    ("--threshold nan", "cannot train: the threshold nan is not a finite number"),
    ("--width 64 --groups 65", "cannot train: 65 groups for 64 rows"),
    ("--firing-fraction 0", "cannot train: the firing fraction 0.0 is not between 0 and 1"),
    ("--firing-fraction 1", "cannot train: the firing fraction 1.0 is not between 0 and 1"),
    ("--firing-fraction 2", "cannot train: the firing fraction 2.0 is not between 0 and 1"),
    ("--firing-fraction -0.1", "cannot train: the firing fraction -0.1 is not between 0 and 1"),
    (
      "--expected-firing 64 --width 64",
      "cannot train: the expected firing count 64.0 is not between 0 and the width 64"
    ),
    ("--epochs 0", "cannot train: the number of epochs 0 is not positive"),
    (
      "--epochs 9223372036854775807",
      "cannot train: 9223372036854775807 epochs are more than 2^30"
    ),
    ("--batch 0", "cannot train: the batch size 0 is not positive"),
    ("--batch -1", "cannot train: the batch size -1 is not positive"),
    ("--learning-rate 0", "cannot train: the learning rate 0.0 is not a positive number"),
    ("--learning-rate nan", "cannot train: the learning rate nan is not a positive number"),
    ("--learning-rate -1", "cannot train: the learning rate -1.0 is not a positive number"),
    ("--patience 0", "cannot train: the patience 0 is not positive"),
    ("--constant inf", "cannot train: the constant coordinate inf is not a finite number"),
    (
      "--weight-decay 2",
      "cannot train: the weight decay 2.0 times the learning rate is not in 0..<1"
    ),
    ("--test-fraction 1", "cannot train: the test fraction 1.0 is not in 0..<1"),
    ("--test-fraction -0.5", "cannot train: the test fraction -0.5 is not in 0..<1"),
    ("--loss squared", "cannot train: the squared loss is not for classification"),
    ("--loss hinge", "cannot train: the hinge loss is for 2 classes, the target has 3"),
    (
      "--fixed-outputs --outputs zero",
      "cannot train: output weights that start at zero and are not trained stay zero"
    ),
    ("--drop kind", "cannot train: the target column \"kind\" cannot be dropped"),
    ("--output .", "cannot write .: Is a directory"),
    ("--output none/m", "cannot write none/m: No such file or directory"),
    ("--output kinds.csv/m", "cannot write kinds.csv/m: Not a directory"),
    ("--report none/r.json", "cannot write none/r.json: No such file or directory"),
    ("--output kinds.csv", "cannot write kinds.csv: it is an input"),
    ("--output ./r --report r", "cannot write r: it is named for two outputs"),
  ])
  func `training ends with a sentence`(options: String, sentence: String) throws {
    let workspace = try Workspace()
    try workspace.write(SampleText.kinds, "kinds.csv")
    try workspace.fail(
      ["train", "kinds.csv", "--target", "kind", "--quiet"]
        + options.split(separator: " ").map(String.init), sentence)
  }

  @Test func `a table that does not tell its target needs --target`() throws {
    let workspace = try Workspace()
    try workspace.write(SampleText.kinds, "kinds.csv")
    try workspace.fail(
      ["train", "kinds.csv"],
      "cannot train: kinds.csv does not tell what to predict; --target names the column, one of "
        + "size, cm, color, a \"shape\", kind")
  }

  @Test(arguments: ["kinds.csv kind", "numbers.csv y"])
  func `a learning rate that is far too large is named`(table: String) throws {
    let workspace = try Workspace()
    try workspace.write(SampleText.kinds, "kinds.csv")
    try workspace.write(SampleText.numbers, "numbers.csv")
    let parts = table.split(separator: " ").map(String.init)
    let result = try workspace.run(
      ["train", parts[0], "--target", parts[1], "--learning-rate", "1e30", "--quiet"]
        + SampleText.short)
    #expect(result.status == 1 && !result.isCrash && result.output.isEmpty)
    let pattern =
      /halfspace: training diverged in epoch \d: the loss is not finite; try a learning rate .*\n/
    #expect(result.errors.wholeMatch(of: pattern) != nil)
    #expect(workspace.names == ["kinds.csv", "numbers.csv"])
  }

  @Test(arguments: [
    "train", "train --target kind", "train kinds.csv --target kind --nonsense",
    "train kinds.csv --target kind --width many", "train kinds.csv --target kind --width",
    "train kinds.csv --target kind --threshold 1 --firing-fraction 0.1",
    "train kinds.csv --target kind --expected-firing 3 --firing-fraction 0.1",
    "train kinds.csv --target kind --initial gaussian --groups 3",
    "train kinds.csv --target kind --seed -1", "train kinds.csv --target kind --threads 0",
    "train kinds.csv --target kind --threads 9223372036854775807",
    "train kinds.csv --target kind --seed 18446744073709551615",
    "train kinds.csv --target kind --optimizer newton", "train kinds.csv --target kind --loss none",
    "train kinds.csv --target kind --initial zeros", "train kinds.csv other.csv --target kind",
    "evaluate m", "predict m kinds.csv --threads 0", "predict m kinds.csv --scores --inputs",
    "inspect", "frobnicate",
  ])
  func `what is no command explains itself`(line: String) throws {
    let workspace = try Workspace()
    try workspace.write(SampleText.kinds, "kinds.csv")
    let result = try workspace.run(line.split(separator: " ").map(String.init))
    #expect(result.status == 64 && !result.isCrash)
    #expect(result.output.isEmpty && result.errors.hasPrefix("Error: "))
    #expect(result.errors.contains("Usage: halfspace"))
    #expect(workspace.names == ["kinds.csv"])
  }

  @Test func `a model that was there stays as it was when training fails`() throws {
    let workspace = try Workspace()
    try workspace.write(SampleText.kinds, "kinds.csv")
    try workspace.succeed(
      ["train", "kinds.csv", "--target", "kind", "--output", "m", "--report", "r"]
        + SampleText.short)
    for options in [
      ["--learning-rate", "1e30"], ["--threshold", "50"], ["--epochs", "0"], ["--drop", "nothing"],
    ] {
      let before = (try workspace.bytes("m"), try workspace.bytes("r"), workspace.names)
      let result = try workspace.run(
        ["train", "kinds.csv", "--target", "kind", "--output", "m", "--report", "r"]
          + (options[0] == "--epochs" ? [] : SampleText.short) + options)
      #expect(result.status == 1 && !result.isCrash)
      #expect(try workspace.bytes("m") == before.0 && (try workspace.bytes("r")) == before.1)
      #expect(workspace.names == before.2)
    }
    #expect(try workspace.succeed(["evaluate", "m", "kinds.csv"]).output.hasPrefix("Accuracy"))
  }

  @Test(.enabled(if: geteuid() != 0, "root may write everywhere"))
  func `a folder without permission is refused before training`() throws {
    let workspace = try Workspace()
    try workspace.write(SampleText.kinds, "kinds.csv")
    let folder = workspace.file("locked")
    try FileManager.default.createDirectory(
      atPath: folder, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o555])
    try workspace.fail(
      ["train", "kinds.csv", "--target", "kind", "--output", "locked/m"],
      "cannot write locked/m: Permission denied")
  }

  @Test func `predictions do not replace what they are made from`() throws {
    let workspace = try Workspace()
    try workspace.write(SampleText.kinds, "kinds.csv")
    try workspace.succeed(
      ["train", "kinds.csv", "--target", "kind", "--output", "m"] + SampleText.short)
    for (command, output) in [("predict", "--output"), ("evaluate", "--report")] {
      for input in ["m", "kinds.csv", "./m"] {
        try workspace.fail(
          [command, "m", "kinds.csv", output, input], "cannot write \(input): it is an input")
      }
      try workspace.fail(
        [command, "m", "kinds.csv", output, "none/p"],
        "cannot write none/p: No such file or directory")
    }
  }

  @Test(.enabled(if: FileManager.default.fileExists(atPath: "/dev/full"), "needs /dev/full"))
  func `a full disk is told, not crashed on`() throws {
    let workspace = try Workspace()
    try workspace.write(SampleText.kinds, "kinds.csv")
    try workspace.succeed(
      ["train", "kinds.csv", "--target", "kind", "--output", "m"] + SampleText.short)
    for line in ["predict m kinds.csv", "evaluate m kinds.csv", "inspect m"] {
      let result = try workspace.run(
        line.split(separator: " ").map(String.init), output: "/dev/full")
      #expect(result.status == 1 && !result.isCrash)
      #expect(
        result.errors == "halfspace: cannot write standard output: No space left on device\n")
    }
    try workspace.fail(
      ["predict", "m", "kinds.csv", "--output", "/dev/full"],
      "cannot write /dev/full: No space left on device")
  }
}
