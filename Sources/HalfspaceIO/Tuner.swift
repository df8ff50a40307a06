// SPDX-License-Identifier: Apache-2.0
internal import HalfspaceLinalg
internal import HalfspaceNN

/// Finds settings for a table: tries many on rows set apart from the training rows, and goes on with the
/// better ones.
///
/// ```swift
/// let tuner = try Tuner(table, target: "Letter")
/// let outcome = tuner.run(budget: 2_000_000)
/// if let best = outcome.best {
///   let options = best.result.settings.applied(to: tuner.options)
///   let trained = try TabularModel.train(on: table, target: "Letter", options: options)
/// }
/// ```
///
/// Rows held out as a test are not looked at. Same table, options, seed and budget: same trials, bit for
/// bit, whatever the threads, as long as no clock ends the search early.
public struct Tuner {
  /// What is given, and stays as it is; the rest is varied.
  public let options: TrainingOptions
  let trial: SettingsTrial

  /// A tuner for the column `target` of a table. Settings that `options` has are not varied.
  ///
  /// - Throws: as `TabularModel.train`, for what is wrong with table or options.
  public init(
    _ table: Table, target: String, options: TrainingOptions = .init()
  ) throws {
    try self.init(table, targets: [target], options: options)
  }

  /// A tuner for several columns of ones and zeros, one for each label. Settings that `options` has are
  /// not varied.
  ///
  /// - Throws: as `TabularModel.train`, for what is wrong with table or options.
  public init(
    _ table: Table, targets: [String], options: TrainingOptions = .init()
  ) throws {
    self.options = options
    let prepared = try PreparedTable(table, targets: targets, options: options)
    trial = try SettingsTrial(prepared, options: options)
  }

  /// Row visits of a whole run with the recipe's epochs, on all rows that are not set apart, as often as
  /// rows are set apart.
  public var visitsOfRun: Int {
    let epochs = trial.recipe(TrialSettings()).training.epochs
    return max(1, trial.keptRows * epochs)
  }

  /// Tries settings within a budget of row visits.
  ///
  /// The recipe's settings go through all rounds whatever becomes of them, for comparison.
  ///
  /// - Parameters:
  ///   - isTimeUp: asked before each trial; ends the search early.
  ///   - onTrial: called after each trial.
  /// - Complexity: `budget` row visits, up to as many again for metrics.
  public func run(
    budget: Int, isTimeUp: () -> Bool = { false },
    onTrial: (TuningOutcome.Trial, TuningPlan) -> Void = { _, _ in }
  ) -> TuningOutcome {
    let plan = TuningPlan(budget: budget, run: visitsOfRun)
    var outcome = TuningOutcome(plan: plan)
    let candidates = candidates(plan.rungs[0].count)
    var survivors = Array(candidates.indices)
    for (round, rung) in plan.rungs.enumerated() {
      var results: [(candidate: Int, error: Double, cost: Double)] = []
      for candidate in survivors {
        // The first trial is always made: there is always a result.
        if isTimeUp(), !outcome.trials.isEmpty { return outcome }
        guard let result = trial.result(of: candidates[candidate], visits: rung.visits) else {
          continue
        }
        let entry = TuningOutcome.Trial(
          candidate: candidate + 1, rung: round + 1, result: result)
        outcome.trials.append(entry)
        results.append((candidate, result.error, result.cost))
        onTrial(entry, plan)
      }
      guard round + 1 < plan.rungs.count else { break }
      let kept = results.sorted {
        ($0.error, $0.cost, $0.candidate) < ($1.error, $1.cost, $1.candidate)
      }
      .prefix(plan.rungs[round + 1].count).map(\.candidate)
      survivors = Set(kept).union([0]).sorted()
    }
    outcome.isComplete = true
    return outcome
  }
}
