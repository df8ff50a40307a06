// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Halfspace

/// What a run that takes long needs: checkpoints, a limit, a look at how it goes.
struct LongRunFlags: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Keep checkpoints in this folder: the last one and the one before. Ctrl-C then ends the run "
        + "after the step under way and saves it.", valueName: "folder"))
  var checkpoint: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "How often, as 30s, 10m, 500steps or 2epochs. (default: 5m)", valueName: "interval"))
  var checkpointEvery: CheckpointInterval?

  @Flag(
    help: ArgumentHelp(
      "Go on from the last checkpoint, with the same table and settings; the model is the one that "
        + "the run would have made without the break."))
  var resume = false

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "End after this time, as 90s, 30m or 2h, with the model as it is then.", valueName: "time"))
  var timeLimit: TimeSpan?

  @Option(
    help: ArgumentHelp(
      "Write the learning curve to this file while training; its name chooses between .csv, .jsonl, "
        + ".svg and events.out.tfevents.*, for TensorBoard.", valueName: "file"))
  var curve: String?

  func validate() throws {
    if checkpoint == nil, resume || checkpointEvery != nil {
      throw ValidationError("--resume and --checkpoint-every need --checkpoint.")
    }
    if let curve, LearningCurve.Format(path: curve) == nil {
      throw ValidationError(
        "--curve takes a file that ends with .csv, .jsonl or .svg, or has tfevents in its name.")
    }
  }

  /// The folder of checkpoints, opened, and where the run begins. Failures of a kind that would
  /// only show after hours show here.
  func open() throws -> (folder: CheckpointFolder, start: CheckpointFolder.Loaded?)? {
    guard let checkpoint else { return nil }
    let folder = try CheckpointFolder(checkpoint)
    if resume { return (folder, try folder.load()) }
    guard try folder.isEmpty else {
      throw CheckpointError(path: checkpoint, reason: .occupied)
    }
    return (folder, nil)
  }
}
