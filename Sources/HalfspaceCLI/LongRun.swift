// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Foundation
internal import Halfspace
internal import _HalfspaceReport

/// Takes the steps of a run: shows how far it is, writes checkpoints and the learning curve, and
/// ends it at the limit or when told to.
final class LongRun {
  /// What ended the run before its last epoch.
  enum End: String {
    case timeLimit = "time limit"
    case earlyStopping = "early stopping"
    case interrupted
  }

  private let flags: LongRunFlags
  /// The processes that share the run: the first of them talks, writes and decides.
  let communicator: any Communicator
  private let folder: CheckpointFolder?
  private let curve: LearningCurve?
  private let quiet: Bool
  private let start: Double
  /// The folder of checkpoints is opened before anything is computed.
  let loaded: CheckpointFolder.Loaded?
  private(set) var end: End?
  /// What interrupted it.
  private var signal: Int32?

  /// When the last checkpoint was written: seconds, steps, epochs.
  private var saved = (seconds: 0.0, steps: 0, epochs: 0)
  private var curveWritten = -Double.infinity
  /// How often the run has begun again.
  private var restarts = 0

  /// Opens what the flags name.
  ///
  /// - Throws: `CheckpointError`, `FileError`, `SafetensorsError`.
  init(
    _ flags: LongRunFlags, title: String, quiet: Bool,
    communicator: any Communicator = SingleProcess()
  ) throws {
    self.flags = flags
    self.communicator = communicator
    self.quiet = quiet
    start = MonotonicClock.now
    let isFirst = communicator.rank == 0
    curve = isFirst ? flags.curve.flatMap { LearningCurve(path: $0, title: title) } : nil
    let opened = isFirst ? try flags.open() : nil
    folder = opened?.folder
    // The first one has the folder to itself, and tells the others which checkpoint is good.
    let path = communicator.gather(Array((opened?.start?.path ?? "").utf8).map(Int.init))[0]
    loaded =
      isFirst || path.isEmpty
      ? opened?.start
      : try CheckpointFolder.Loaded(
        contentsOf: String(decoding: path.map(UInt8.init), as: UTF8.self))
    guard let loaded else { return }
    for error in loaded.skipped { Talk.warn("\(error); going on from the one before") }
    if !quiet {
      Talk.say("Going on from \(loaded.path), step \(Format.count(loaded.state.counts.steps)).")
    }
  }

  /// The share of the time limit that trials may take.
  private static let trialShare = 1.0 / 3

  /// Makes the trials that choose settings, within their share of the limit.
  ///
  /// - Throws: the exit code of the signal when interrupted: there is nothing yet that is worth saving.
  func choose(_ choice: SettingsChoice) throws {
    let limit = (flags.timeLimit?.seconds ?? .infinity) * Self.trialShare
    var progress: ProgressLine?
    defer { progress?.finish() }
    var finished = 0
    var interruption: (signal: Int32, trial: TrialProgress)?
    Interruption.noted {
      choice.run { trial in
        let line =
          progress
          ?? ProgressLine(
            unit: "trial", count: trial.count, mode: .automatic(quiet: quiet), start: start,
            limit: limit)
        progress = line
        let status = trial.last.map { "score \(Format.significant($0.score))" } ?? ""
        if Int(trial.done) > finished {
          finished = Int(trial.done)
          line.complete(finished, status)
        }
        line.advance(to: trial.done, status)
        if let number = agreedSignal {
          interruption = (number, trial)
          return .stop
        }
        return flags.timeLimit != nil && agreed(MonotonicClock.now - start >= limit)
          ? .stop : .proceed
      }
    }
    guard let interruption else { return }
    progress?.finish()
    Talk.say(
      "Interrupted in trial \(min(Int(interruption.trial.done) + 1, interruption.trial.count)) of at "
        + "most \(interruption.trial.count), before the training began; nothing is saved.")
    throw ExitCode(128 + interruption.signal)
  }

  /// Runs the trainer to its end, the limit or an interruption.
  ///
  /// - Throws: `TrainingError`; when interrupted the exit code of the signal, or `SafetensorsError`
  ///   when the state cannot be saved.
  func run(_ trainer: Trainer) throws {
    let begun = MonotonicClock.now
    saved = (begun, trainer.stepCount, trainer.progress.reports.count)
    restarts = trainer.progress.restarts
    // Epochs take as long as epochs did: what came before them foretells nothing.
    let progress = ProgressLine(
      unit: "epoch", count: trainer.configuration.epochs, mode: .automatic(quiet: quiet),
      start: begun, before: trainer.epochsDone,
      limit: (flags.timeLimit?.seconds ?? .infinity) - (begun - start))
    // Whatever ends the run, what is said next begins on a line of its own.
    defer { progress.finish() }
    var status = ""
    if !saves {
      try trainer.run(
        onEpoch: { self.finish($0, trainer, progress, &status) },
        onStep: { self.advance(trainer, progress, status) })
    } else {
      try Interruption.noted {
        try trainer.run(
          onEpoch: { self.finish($0, trainer, progress, &status) },
          onStep: { self.advance(trainer, progress, status) })
      }
    }
    progress.finish()
    if trainer.isFinished {
      // A request that came with the last step has nothing left to end.
      end = trainer.progress.reports.count < trainer.configuration.epochs ? .earlyStopping : nil
    }
    try leave(trainer)
  }

  // MARK: On the way

  private func advance(
    _ trainer: Trainer, _ progress: ProgressLine, _ status: String
  ) -> TrainingAction {
    let now = MonotonicClock.now
    progress.advance(to: trainer.epochsDone, status)
    if saves, let number = agreedSignal {
      end = .interrupted
      signal = number
      return .stop
    }
    if let limit = flags.timeLimit, agreed(now - start >= limit.seconds) {
      end = .timeLimit
      return .stop
    }
    if case .epochs = interval { return .proceed }
    saveIfDue(trainer, now)
    return .proceed
  }

  private func finish(
    _ epoch: EpochReport, _ trainer: Trainer, _ progress: ProgressLine, _ status: inout String
  ) -> TrainingAction {
    status = "loss \(Format.significant(epoch.loss))"
    if let loss = epoch.validationLoss { status += ", validation \(Format.significant(loss))" }
    status += ", \(Format.significant(epoch.firingsPerRow)) neurons fire"
    if trainer.progress.restarts > restarts {
      restarts = trainer.progress.restarts
      status += ": too few, again at rate \(Format.significant(trainer.baseLearningRate))"
      (saved.steps, saved.epochs) = (0, 0)
    }
    progress.complete(epoch.epoch, status)
    let now = MonotonicClock.now
    if case .epochs = interval { saveIfDue(trainer, now) }
    // A curve that is looked at while it grows; what fails now is reported at the end.
    if let curve, now - curveWritten >= 1 {
      try? curve.write(trainer.progress.reports)
      curveWritten = now
    }
    return .proceed
  }

  // MARK: Checkpoints

  private var saves: Bool { flags.checkpoint != nil }

  /// What the first process says.
  private func agreed(_ value: Bool) -> Bool { communicator.agreed(value ? 1 : 0) == 1 }

  /// The signal that the first process has received, if it has.
  private var agreedSignal: Int32? {
    let number = communicator.agreed(Int(Interruption.signal ?? 0))
    return number == 0 ? nil : Int32(number)
  }

  private var interval: CheckpointInterval {
    flags.checkpointEvery ?? .time(TimeSpan(seconds: 300))
  }

  private func saveIfDue(_ trainer: Trainer, _ now: Double) {
    guard saves else { return }
    let isDue =
      switch interval {
      case .time(let span): now - saved.seconds >= span.seconds
      case .steps(let count): trainer.stepCount - saved.steps >= count
      case .epochs(let count): trainer.progress.reports.count - saved.epochs >= count
      }
    guard agreed(isDue) else { return }
    let state = trainer.state()
    // A disk may have room again later, and the earlier checkpoints are still there.
    attempt { try folder?.save(state) }
    saved = (MonotonicClock.now, trainer.stepCount, trainer.progress.reports.count)
  }

  /// Does what is not worth losing a run for.
  private func attempt(_ work: () throws -> Void) {
    do { try work() } catch { Talk.warn("\(error); going on without") }
  }

  /// Saves where the run has come to and, when it was interrupted, says how to go on.
  private func leave(_ trainer: Trainer) throws {
    attempt { try curve?.write(trainer.progress.reports) }
    guard saves else { return }
    let state = trainer.state()
    guard end == .interrupted, let signal else {
      attempt { try folder?.save(state) }
      return
    }
    guard let folder else { throw ExitCode(128 + signal) }
    let path = try folder.save(state)
    Talk.say(
      "Interrupted after step \(Format.count(trainer.stepCount)), in epoch "
        + "\(trainer.progress.reports.count + 1) of \(trainer.configuration.epochs); saved to "
        + "\(path).\n\(Self.howToResume)")
    throw ExitCode(128 + signal)
  }

  /// The command that goes on.
  static var howToResume: String {
    let arguments = CommandLine.arguments.filter { $0 != "--resume" } + ["--resume"]
    return "To go on: " + arguments.map(ShellWord.quoted).joined(separator: " ")
  }

  /// How the run ended, when it was not by itself; nil otherwise.
  func ending(_ epochs: Int, of planned: Int) -> String? {
    switch end {
    case .timeLimit:
      let limit = Format.duration(flags.timeLimit?.seconds ?? 0)
      let more = folder == nil ? "" : "\n\(Self.howToResume)"
      return "The time limit of \(limit) ended the run after \(epochs) of \(planned) epochs.\(more)"
    case .earlyStopping: return "Stopped early, after \(epochs) of \(planned) epochs."
    case .interrupted, nil: return nil
    }
  }
}
