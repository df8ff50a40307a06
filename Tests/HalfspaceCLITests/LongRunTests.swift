// SPDX-License-Identifier: Apache-2.0
import Foundation
import Halfspace
import Testing

/// Runs that are interrupted, killed, limited and watched.
@Suite struct LongRunTests {
  /// A run of 1200 steps that is long enough to be met.
  private static let long = [
    "train", "kinds.csv", "--target", "kind", "--width", "128", "--epochs", "400", "--threads", "1",
    "--optimizer", "adam", "--weight-decay", "0.01",
  ]
  private static let everyStep = ["--checkpoint", "c", "--checkpoint-every", "1steps"]

  /// The model of the run that is left alone.
  private static let whole = Result {
    let workspace = try Workspace()
    try workspace.write(SampleText.kinds, "kinds.csv")
    try workspace.succeed(long + ["--quiet"])
    return try workspace.bytes("model.safetensors")
  }

  private func workspace() throws -> Workspace {
    let workspace = try Workspace()
    try workspace.write(SampleText.kinds, "kinds.csv")
    return workspace
  }

  /// Waits, half a minute at most, until there are checkpoints other than `old`.
  private func waitForCheckpoints(
    _ count: Int = 1, in workspace: Workspace, otherThan old: [String] = []
  ) {
    for _ in 0..<6000 {
      let new = checkpoints(in: workspace).filter { $0.hasPrefix("step-") && !old.contains($0) }
      if new.count >= count { return }
      usleep(5000)
    }
    Issue.record("no checkpoint in half a minute")
  }

  private func checkpoints(in workspace: Workspace) -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: workspace.file("c"))) ?? []).sorted()
  }

  // MARK: Interruptions

  @Test func `a run that is interrupted by signals and resumed makes the same model`() throws {
    let workspace = try workspace()
    var arguments = Self.long + Self.everyStep
    for signal in [SIGINT, SIGTERM, SIGINT] {
      let old = checkpoints(in: workspace)
      let result = try workspace.run(arguments) { process in
        waitForCheckpoints(in: workspace, otherThan: old)
        kill(process.processIdentifier, signal)
      }
      #expect(result.status == 128 + signal && !result.isCrash)
      #expect(result.errors.contains("Interrupted after step "))
      #expect(result.errors.contains(", in epoch "))
      let command = "To go on: .* train kinds.csv .*--checkpoint c .*--resume\n"
      #expect(try result.errors.contains(Regex(command)))
      #expect(workspace.names == ["c", "kinds.csv"])
      arguments = Self.long + Self.everyStep + ["--resume"]
    }
    let names = checkpoints(in: workspace)
    #expect(names.count == 2)
    arguments = Self.long + ["--checkpoint", "c", "--resume"]
    let last = try workspace.succeed(arguments)
    #expect(last.errors.hasPrefix("Going on from c/\(names[1]), step "))
    #expect(try workspace.bytes("model.safetensors") == Self.whole.get())
    // Resuming what is finished makes the model once more.
    try workspace.succeed(arguments + ["--output", "again", "--quiet"])
    #expect(try workspace.bytes("again") == Self.whole.get())
  }

  @Test func `killed at any moment, a run leaves a checkpoint that can be read`() throws {
    let workspace = try workspace()
    var generator = SeededGenerator(seed: 1)
    var arguments = Self.long + Self.everyStep + ["--quiet"]
    var steps = 0
    for _ in 0..<8 {
      let old = checkpoints(in: workspace)
      let result = try workspace.run(arguments) { process in
        waitForCheckpoints(in: workspace, otherThan: old)
        usleep(UInt32(generator.below(20_000)))
        kill(process.processIdentifier, SIGKILL)
      }
      #expect(result.isCrash && result.status == SIGKILL)
      let loaded = try CheckpointFolder(workspace.file("c")).load()
      #expect(loaded.skipped.isEmpty)
      #expect(loaded.state.counts.steps > steps)
      steps = loaded.state.counts.steps
      #expect(!checkpoints(in: workspace).contains { $0.hasSuffix(".tmp") })
      arguments = Self.long + Self.everyStep + ["--quiet", "--resume"]
    }
    try workspace.succeed(Self.long + ["--checkpoint", "c", "--resume", "--quiet"])
    #expect(try workspace.bytes("model.safetensors") == Self.whole.get())
  }

  @Test func `a time limit ends a run with a model and a way to go on`() throws {
    let workspace = try workspace()
    let endless = [
      "train", "kinds.csv", "--target", "kind", "--width", "128", "--epochs", "100000000",
      "--learning-rate", "5",
    ]
    let result = try workspace.succeed(
      endless + ["--time-limit", "0.3s", "--checkpoint", "c", "--report", "r.json"])
    #expect(result.output.contains("The time limit of 300 ms ended the run after "))
    #expect(result.output.contains("\nTo go on: "))
    #expect(try Report(workspace.file("r.json")).text("training.endedBy") == "time limit")
    let steps = try CheckpointFolder(workspace.file("c")).load().state.counts.steps
    let before = try workspace.bytes("model.safetensors")
    try workspace.succeed(["evaluate", "model.safetensors", "kinds.csv"])
    try workspace.succeed(
      endless + ["--time-limit", "0.3", "--checkpoint", "c", "--resume", "--quiet"])
    #expect(try CheckpointFolder(workspace.file("c")).load().state.counts.steps > steps)
    #expect(try workspace.bytes("model.safetensors") != before)
  }

  @Test func `early stopping shows in the summary, in the report and in the model`() throws {
    let workspace = try workspace()
    let result = try workspace.succeed(
      Self.long + ["--patience", "1", "--report", "r.json"])
    let report = try Report(workspace.file("r.json"))
    let epochs = try #require(report.number("training.epochs"))
    #expect(epochs >= 2 && epochs < 400)
    #expect(report.text("training.endedBy") == "early stopping")
    #expect(result.output.contains("Stopped early, after \(Int(epochs)) of 400 epochs."))
    #expect(result.errors.contains("epoch \(Int(epochs))/400"))
  }

  // MARK: Trials

  /// A run whose settings are chosen by trials.
  private static let chosen = ["train", "kinds.csv", "--target", "kind", "--threads", "1"]

  #if os(Linux)
    /// Waits, half a minute at most, until the program takes note of Ctrl-C.
    private func waitForAttention(_ process: Process) {
      for _ in 0..<6000 {
        let status = try? String(
          contentsOfFile: "/proc/\(process.processIdentifier)/status", encoding: .utf8)
        let mask = status?.split(separator: "\n").first { $0.hasPrefix("SigCgt:") }?
          .split(separator: "\t").last
        if let mask, let signals = UInt64(mask, radix: 16), signals & (1 << (SIGINT - 1)) != 0 {
          return
        }
        usleep(5000)
      }
      Issue.record("no attention in half a minute")
    }

    @Test func `interrupted during trials, a run ends at once and says so`() throws {
      let workspace = try workspace()
      for arguments in [[], ["--checkpoint", "c"]] {
        let result = try workspace.run(Self.chosen + arguments) { process in
          waitForAttention(process)
          kill(process.processIdentifier, SIGINT)
        }
        #expect(result.status == 128 + SIGINT && !result.isCrash)
        let sentence =
          /Interrupted in trial 1 of at most \d+, before the training began; nothing is saved.\n/
        #expect(try sentence.wholeMatch(in: result.errors) != nil, "\(result.errors)")
        #expect(result.output.isEmpty && !workspace.names.contains("model.safetensors"))
      }
      #expect(checkpoints(in: workspace).isEmpty)
    }
  #endif

  @Test func `trials keep to their share of the time, and are not made again`() throws {
    let workspace = try workspace()
    // In a third of it some are made, and the training gets the rest.
    let first = try workspace.succeed(
      Self.chosen + ["--time-limit", "6s", "--checkpoint", "c", "--report", "r.json"])
    #expect(first.output.contains("Settings chosen by "))
    #expect(!first.output.contains("Settings chosen by 0 trials"))
    let choice = try #require(try Report(workspace.file("r.json")).text("training.choice"))
    let again = try workspace.succeed(
      Self.chosen + ["--checkpoint", "c", "--resume", "--report", "r.json"])
    #expect(again.output.contains("Settings: \(choice).") && !again.errors.contains("trial "))
    #expect(try Report(workspace.file("r.json")).text("training.choice") == choice)
    // Told to be quiet, trials are.
    let quiet = try workspace.succeed(Self.chosen + ["--time-limit", "0.3s", "--quiet"])
    #expect(quiet.output.isEmpty && quiet.errors.isEmpty)
  }

  // MARK: Curves

  @Test func `the learning curve is written in four formats`() throws {
    let workspace = try workspace()
    let arguments =
      ["train", "kinds.csv", "--target", "kind", "--quiet", "--patience", "9"] + SampleText.short
    for name in ["a.csv", "a.jsonl", "a.SVG", "events.out.tfevents.1"] {
      try workspace.succeed(arguments + ["--curve", name])
    }
    let rows = try workspace.text("a.csv").split(separator: "\n").map {
      $0.split(separator: ",", omittingEmptySubsequences: false)
    }
    #expect(
      rows[0].joined(separator: " ")
        == "epoch loss validation_loss validation_accuracy learning_rate firings_per_row seconds")
    #expect(rows.count == 4 && rows.allSatisfy { $0.count == 7 })
    let lines = try workspace.text("a.jsonl").split(separator: "\n").map { line in
      try JSONDecoder().decode([String: Double].self, from: Data(line.utf8))
    }
    #expect(lines.count == 3)
    for (number, (row, line)) in zip(rows.dropFirst(), lines).enumerated() {
      #expect(line["epoch"] == Double(number + 1) && Double(row[0]) == line["epoch"])
      #expect(try #require(line["loss"]) > 0 && Double(row[1]) == line["loss"])
      #expect(Double(row[2]) == line["validationLoss"] && line["validationLoss"] != nil)
      #expect(Double(row[4]) == line["learningRate"] && Double(row[5]) == line["firingsPerRow"])
    }
    let picture = try workspace.text("a.SVG")
    #expect(picture.hasPrefix("<svg") && picture.contains("training"))
    #expect(picture.contains("validation") && picture.contains("kinds.csv"))
    let events = Data(try workspace.bytes("events.out.tfevents.1"))
    for name in ["brain.Event:2", "loss/training", "loss/validation", "firings per row"] {
      #expect(events.firstRange(of: Data(name.utf8)) != nil, "\(name)")
    }
  }

  // MARK: Refusals

  @Test func `options that do not go together are refused`() throws {
    let workspace = try workspace()
    let refused: [([String], String)] = [
      (["--resume"], "need --checkpoint"), (["--checkpoint-every", "3s"], "need --checkpoint"),
      (["--curve", "a.png"], ".csv, .jsonl or .svg"), (["--time-limit", "0"], "--time-limit"),
      (["--time-limit", "-3m"], "--time-limit"), (["--time-limit", "soon"], "--time-limit"),
      (["--checkpoint", "c", "--checkpoint-every", "0steps"], "--checkpoint-every"),
      (["--checkpoint", "c", "--checkpoint-every", "1.5epochs"], "--checkpoint-every"),
    ]
    for (arguments, text) in refused {
      let result = try workspace.run(Self.long + arguments)
      #expect(result.status == 64 && result.errors.contains(text), "\(arguments)")
    }
    #expect(workspace.names == ["kinds.csv"])
  }

  @Test func `nothing is computed for a folder that cannot be used`() throws {
    let workspace = try workspace()
    let start = Self.long + ["--checkpoint", "c"]
    try FileManager.default.createDirectory(
      atPath: workspace.file("c"), withIntermediateDirectories: false)
    try workspace.fail(start + ["--resume"], "there is no checkpoint in c")
    try workspace.fail(
      Self.long + ["--checkpoint", "kinds.csv"],
      "cannot write kinds.csv: File exists")
    _ = try workspace.run(start + ["--time-limit", "0.01"])
    try workspace.fail(
      start, "c has checkpoints of an earlier run; resume that run or choose another folder")
    let other = try CheckpointFolder(workspace.file("c"))
    try workspace.fail(start + ["--resume"], "c is in use by another run")
    _ = other
  }

  @Test func `a run does not go on with other settings or without its table`() throws {
    let workspace = try workspace()
    let start = Self.long + ["--checkpoint", "c"]
    try workspace.succeed(start + ["--time-limit", "0.01", "--quiet"])
    func resume(_ change: [String], _ sentence: String) throws {
      let result = try workspace.run(start + ["--resume", "--quiet"] + change)
      #expect(result.status == 1 && result.errors == "halfspace: \(sentence)\n")
    }
    let other = "cannot resume: the checkpoint is of another run; its"
    try resume(["--epochs", "401"], "\(other) epochs is 400, not 401")
    try resume(["--seed", "3"], "\(other) seed is 1, not 3")
    try FileManager.default.moveItem(
      atPath: workspace.file("kinds.csv"), toPath: workspace.file("k.csv"))
    try resume([], "cannot read kinds.csv: No such file or directory")
    try FileManager.default.moveItem(
      atPath: workspace.file("k.csv"), toPath: workspace.file("kinds.csv"))
    try workspace.succeed(start + ["--resume", "--quiet", "--threads", "2", "--lookup", "dense"])
  }

  @Test func `a damaged checkpoint is passed over with a word`() throws {
    let workspace = try workspace()
    _ = try workspace.run(Self.long + Self.everyStep) { process in
      waitForCheckpoints(2, in: workspace)
      kill(process.processIdentifier, SIGTERM)
    }
    let names = checkpoints(in: workspace)
    let newest = try #require(names.last)
    try workspace.write(Array(workspace.bytes("c/\(newest)").dropLast()), "c/\(newest)")
    let result = try workspace.succeed(Self.long + ["--checkpoint", "c", "--resume"])
    #expect(result.errors.hasPrefix("halfspace: warning: c/\(newest): expected "))
    #expect(result.errors.contains("going on from the one before\nGoing on from c/\(names[0])"))
    #expect(try workspace.bytes("model.safetensors") == Self.whole.get())
  }

  @Test func `a checkpoint for which there is no room is reported and the run goes on`() throws {
    let workspace = try workspace()
    try workspace.succeed(Self.long + Self.everyStep + ["--time-limit", "0.05", "--quiet"])
    let names = checkpoints(in: workspace)
    let contents = try names.map { try workspace.bytes("c/\($0)") }
    // Blocks of 512 bytes: room for what is said, none for a checkpoint or a model.
    let command =
      (Self.long + ["--checkpoint", "c", "--checkpoint-every", "100epochs", "--resume", "--quiet"])
      .joined(separator: " ")
    let full = try workspace.shell("ulimit -f 8; \"$HALFSPACE\" \(command)")
    #expect(full.status == 1)
    #expect(full.errors.contains("halfspace: warning: cannot write c/step-"))
    #expect(full.errors.contains(": File too large; going on without\n"))
    #expect(full.errors.hasSuffix("halfspace: cannot write model.safetensors: File too large\n"))
    #expect(checkpoints(in: workspace) == names)
    #expect(try names.map { try workspace.bytes("c/\($0)") } == contents)
    // With room again nothing is lost.
    try workspace.succeed(Self.long + ["--checkpoint", "c", "--resume", "--quiet"])
    #expect(try workspace.bytes("model.safetensors") == Self.whole.get())
  }
}
