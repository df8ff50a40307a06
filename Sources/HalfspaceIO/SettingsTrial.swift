// SPDX-License-Identifier: Apache-2.0
internal import Foundation
internal import HalfspaceLinalg
internal import HalfspaceNN

/// Judges settings by short runs on a part of the training rows and their errors on the rest.
///
/// Work is counted in row visits, not by a clock: the same table, options and seed give the same
/// results.
struct SettingsTrial {
  /// Share of the training rows that is set apart.
  static let heldShare = 0.2
  /// How often: the fewer rows there are, the more chance is in each time.
  private static func splits(rows: Int) -> Int {
    switch rows {
    case ...1000: 8
    case ...3000: 4
    case ...6000: 2
    default: 1
    }
  }
  /// After how many of these times settings may be given up that are worse than others,
  private static let fewestSplits = 4
  /// and by how many standard errors they must be.
  private static let hopelessErrors = 3.0
  /// Runs see rows at least so often before they see more of them.
  private static let fewestVisits = 8

  let prepared: PreparedTable
  let options: TrainingOptions
  let communicator: any Communicator
  private let splits: [TrainTestSplit]

  /// Trials of settings on top of `options`. Few rows are set apart several times, at random.
  ///
  /// - Throws: `TableError` for bad targets.
  init(
    _ prepared: PreparedTable, options: TrainingOptions,
    communicator: any Communicator = SingleProcess()
  ) throws {
    self.prepared = prepared
    self.options = options
    self.communicator = communicator
    let count = prepared.training.rowCount
    let classes =
      prepared.target.task == .classification
      ? try prepared.target.classes(of: prepared.training) : nil
    splits = (0..<Self.splits(rows: count)).map { number in
      let seed = options.seed &+ 2 &+ UInt64(number)
      return classes.map {
        TrainTestSplit(stratifying: $0, testFraction: Self.heldShare, seed: seed)
      } ?? TrainTestSplit(rowCount: count, testFraction: Self.heldShare, seed: seed)
    }
  }

  /// Rows that are trained on in one trial, all that are set apart in turn counted.
  var keptRows: Int { splits.reduce(0) { $0 + $1.training.count } }

  /// How often rows are set apart.
  var splitCount: Int { splits.count }

  /// What the recipe makes of settings.
  func recipe(_ settings: TrialSettings) -> TrainingRecipe {
    TrainingRecipe(
      features: prepared.features, target: prepared.target, options: settings.applied(to: options))
  }

  /// What settings come to after so many row visits; nil when they cannot be trained with, as when the
  /// run diverges.
  ///
  /// - Complexity: `visits` row visits, up to half as many again for a metric; more where a run begins again
  ///   (`TrainingConfiguration.firingFloor`).
  func result(of settings: TrialSettings, visits: Int) -> TrialResult? {
    (try? result(of: settings, visits: visits) { _ in .proceed }) ?? nil
  }

  /// As `result(of:visits:)`.
  ///
  /// - Parameters:
  ///   - rival: what others have come to after as many visits; settings that are so much worse on some of
  ///     the rows set apart that the others will not change it are given up, and come to nothing.
  ///   - onStep: called after each step, with the share of the trial that is done; may end it.
  /// - Throws: `TrialStopped` when it does.
  func result(
    of settings: TrialSettings, visits: Int, against rival: TrialResult? = nil,
    onStep: (Double) -> TrainingAction
  ) throws(TrialStopped) -> TrialResult? {
    let recipe = recipe(settings)
    var errors = (sum: 0.0, scale: 0.0)
    var costs: [Double] = []
    var (rows, done) = (0, 0)
    for (number, split) in splits.enumerated() {
      let part: Part
      do {
        part = try run(recipe, split, visits: max(1, visits / splits.count)) { share in
          let action = onStep((Double(number) + share) / Double(splits.count))
          if case .stop = action { throw TrialStopped() }
        }
      } catch let stopped as TrialStopped {
        throw stopped
      } catch {
        return nil
      }
      errors.sum += part.error
      errors.scale += part.scale
      costs.append(part.cost / max(part.scale, .leastNormalMagnitude))
      rows += split.test.count
      done += part.visits
      if let rival, isHopeless(costs, against: rival.costs) { return nil }
    }
    guard errors.scale > 0, errors.sum.isFinite else { return nil }
    return TrialResult(
      settings: settings, error: errors.sum / errors.scale, rows: rows, rowVisits: done,
      judgesClasses: prepared.target.task == .classification, costs: costs)
  }

  /// Whether costs of the first times that rows were set apart are so far above those of others that the
  /// rest need not be looked at.
  private func isHopeless(_ costs: [Double], against others: [Double]) -> Bool {
    guard costs.count >= Self.fewestSplits, costs.count < splits.count, others.count == splits.count
    else { return false }
    let (excess, error) = TrialResult.difference(costs[...], others.prefix(costs.count))
    return excess > Self.hopelessErrors * error
  }

  private typealias Part = (error: Double, scale: Double, cost: Double, visits: Int)

  private func run(
    _ recipe: TrainingRecipe, _ split: TrainTestSplit, visits: Int,
    onStep: (Double) throws -> Void
  ) throws -> Part {
    let most = max(1, visits / max(1, min(Self.fewestVisits, recipe.training.epochs)))
    let kept = EvenSample.rows(max(most, 64), of: split.training)
    var recipe = recipe
    let pilotEpochs = MetricPilot.epochs(of: recipe.training.epochs)
    recipe.training.epochs = min(recipe.training.epochs, max(1, visits / kept.count))
    recipe.training.patience = nil
    let all = try recipe.targets(of: prepared.training, by: prepared.target)
    let weights = try recipe.weights(of: prepared.training, by: prepared.target).map { weights in
      kept.map { weights[$0] }
    }
    let targets = all.gather(kept)
    let epochs = recipe.training.epochs
    // A pilot takes at most half as long as the run that it is for.
    let pilot = min(pilotEpochs, (epochs + 1) / 2)
    let piloted = pilot * recipe.metric.rounds
    let pilotShare = Double(piloted) / Double(max(1, piloted + epochs))
    let fitted = try FittedInputs(
      prepared.features.gather(kept), targets: targets, weights: weights, recipe: recipe,
      communicator: communicator, pilotEpochs: pilot
    ) { try onStep(pilotShare * $0) }
    let threads = recipe.training.threads
    let inputs = try fitted.transform.apply(
      to: prepared.features.gather(split.test), threads: threads)
    let scores: Matrix
    if epochs == 0, let linear = fitted.linear {
      // No network is trained: none need be made.
      scores = linear.scores(of: inputs)
    } else {
      let trainer = try Trainer(
        rows: .dense(fitted.inputs), targets: targets, weights: weights, offsets: fitted.offsets,
        network: recipe.network, training: recipe.training, communicator: communicator)
      // A run that begins again has not gone back.
      var furthest = 0.0
      try trainer.run(checking: {
        furthest = max(furthest, $0.shareDone)
        try onStep(pilotShare + (1 - pilotShare) * furthest)
      })
      scores = trainer.predictor().scores(for: inputs, threads: threads)
      if let linear = fitted.linear {
        scores.add(linear.scores(of: inputs), rows: 0..<scores.rows)
      }
    }
    let judged = all.gather(split.test)
    let (error, scale) = Self.error(
      of: scores, against: judged, mean: mean(of: targets), task: prepared.target.task)
    let unsure = Self.squaredProbabilityError(of: scores, against: judged)
    return (error, scale, error + 0.25 * unsure, epochs * kept.count)
  }

  /// The sum over rows of `|softmax(scores) - class|²`, 0 where no classes are told apart by scores of
  /// their own.
  private static func squaredProbabilityError(of scores: Matrix, against targets: Targets) -> Double
  {
    guard case .classes(let classes, _) = targets, scores.columns > 1 else { return 0 }
    return (0..<scores.rows).reduce(0) { sum, row in
      let values = scores.rowArray(row).map(Double.init)
      let largest = values.reduce(values[0], max)
      let total = values.reduce(0) { $0 + exp($1 - largest) }
      return values.enumerated().reduce(sum) { sum, entry in
        let miss = exp(entry.element - largest) / total - (entry.offset == classes[row] ? 1 : 0)
        return sum + miss * miss
      }
    }
  }

  private func mean(of targets: Targets) -> Double {
    guard case .values(let values) = targets else { return 0 }
    return (0..<values.rows).reduce(0) { $0 + Double(values[$1, 0]) } / Double(values.rows)
  }

  /// The sum of errors over rows, and of those of the mean; for classes, wrong rows and rows; for
  /// labels, wrong ones and those of the rows, which is what predicting none comes to.
  static func error(
    of scores: Matrix, against targets: Targets, mean: Double, task: PredictionTask
  ) -> (error: Double, scale: Double) {
    var (error, scale) = (0.0, 0.0)
    for row in 0..<scores.rows {
      switch targets {
      case .classes(let classes, _):
        error += scores.indexOfLargest(inRow: row) == Int(classes[row]) ? 0 : 1
        scale += 1
      case .values(let values) where task == .classification:
        error += (scores[row, 0] > 0) == (values[row, 0] > 0) ? 0 : 1
        scale += 1
      case .values(let values):
        let value = Double(values[row, 0])
        error += (Double(scores[row, 0]) - value) * (Double(scores[row, 0]) - value)
        scale += (value - mean) * (value - mean)
      case .labelSets(let sets, let count):
        for label in 0..<count {
          error += (scores[row, label] > 0) == sets[row].contains(Int32(label)) ? 0 : 1
        }
        scale += Double(sets[row].count)
      }
    }
    return (error, scale)
  }
}

/// A trial that was ended before its result.
struct TrialStopped: Error {}

extension Trainer {
  /// The share of the run that is done.
  var shareDone: Double { isFinished ? 1 : epochsDone / Double(configuration.epochs) }

  /// Runs to the end.
  ///
  /// - Parameter onStep: called after each step; an error it throws ends the run and is thrown. Of several
  ///   processes, that of rank 0 ends the runs of all of them.
  /// - Throws: as `run(onEpoch:onStep:)`, and what `onStep` throws.
  func run(checking onStep: (Trainer) throws -> Void) throws {
    var failure: (any Error)?
    try run(onStep: {
      do {
        try onStep(self)
        return .proceed
      } catch {
        failure = error
        return .stop
      }
    })
    guard isFinished else { throw failure ?? TrialStopped() }
  }
}
