// SPDX-License-Identifier: Apache-2.0
internal import Foundation
public import HalfspaceLinalg
public import HalfspaceNN

/// A model and what making it took.
public struct TrainingOutcome: Sendable {
  /// The model.
  public var model: TabularModel
  /// What each epoch brought.
  public var epochs: [EpochReport]
  /// Where the time of training went.
  public var times: TrainingTimes
  /// How the neurons that fired were found.
  public var lookup: LookupSummary
  /// Seconds a prediction of one row took, on average over the test rows (or training rows where
  /// there are none), all of it: encoding, transform, lookup, forward.
  public var secondsPerPrediction: Double
  /// What was tried before, where settings were chosen by trials; see `TrainingOptions.choosesByTrial`.
  public var trials: [TrialResult] = []
  /// The settings that trials have chosen.
  public var choice: TrialSettings?
}

extension TabularModel {
  /// Trains a model that predicts the column `target` of `table`.
  ///
  /// Where no settings are given (`TrainingOptions.choosesByTrial`), trials on rows set apart from the
  /// training rows choose between those of the recipe and others that are safer on few, noisy or skewed
  /// rows, or attend to the directions that matter; see `SettingsChoice.run` for how long that takes.
  ///
  /// A share of the rows is held out, `record.test` tells how good the model is on them. Same table,
  /// options and seed: same model, bit for bit, whatever the threads and processes.
  ///
  /// - Parameters:
  ///   - communicator: the processes that share the work, all with the same table and options; each
  ///     gets the whole outcome.
  ///   - onEpoch: called after each epoch; may end the run. Of several processes, what that of rank
  ///     0 says is done.
  /// - Throws: `TableError` for what is wrong with the table, `ConfigurationError` for options
  ///   that make no sense, `TrainingError` when training diverges.
  public static func train(
    on table: Table, target targetColumn: String, options: TrainingOptions = .init(),
    communicator: any Communicator = SingleProcess(),
    onEpoch: (EpochReport) -> TrainingAction = { _ in .proceed }
  ) throws -> TrainingOutcome {
    try train(
      on: table, targets: [targetColumn], options: options, communicator: communicator,
      onEpoch: onEpoch)
  }

  /// Trains a model as `train(on:target:options:communicator:onEpoch:)` that predicts several columns of
  /// ones and zeros, one for each label; a row may have any number of them.
  ///
  /// - Throws: as the other, `TableError` for a cell that is neither 0 nor 1.
  public static func train(
    on table: Table, targets: [String], options: TrainingOptions = .init(),
    communicator: any Communicator = SingleProcess(),
    onEpoch: (EpochReport) -> TrainingAction = { _ in .proceed }
  ) throws -> TrainingOutcome {
    try train(
      on: table, targets: targets, options: options, resuming: nil, communicator: communicator
    ) { trainer in try trainer.run(onEpoch: onEpoch) }
  }

  /// Trains a model as `train(on:target:options:communicator:onEpoch:)`, the steps being taken by the
  /// caller: for checkpoints, limits, progress within an epoch.
  ///
  /// - Parameters:
  ///   - targets: the column to predict, or several of ones and zeros, one for each label.
  ///   - state: where to go on from, of a run with the same table and options; nil: the beginning.
  ///   - communicator: the processes that share the work.
  ///   - choose: runs the trials, where settings are chosen by trials and `state` does not have them; an
  ///     error it throws ends the training.
  ///   - run: runs the trainer, as far as it likes; an error it throws ends the training.
  /// - Throws: as the other, `ConfigurationError` for a state of another run, and what `run` throws.
  public static func train(
    on table: Table, targets: [String], options: TrainingOptions,
    resuming state: TrainerState?, communicator: any Communicator = SingleProcess(),
    choose: (SettingsChoice) throws -> Void = { $0.run() }, run: (Trainer) throws -> Void
  ) throws -> TrainingOutcome {
    let prepared = try PreparedTable(table, targets: targets, options: options)
    let choice = try settings(
      for: prepared, options: options, resuming: state, communicator: communicator, choose)
    let options = choice.settings?.applied(to: options) ?? options
    let recipe = TrainingRecipe(
      features: prepared.features, target: prepared.target, options: options)
    let rows = try prepared.rows(recipe, communicator: communicator)
    let trainer = try Trainer(
      rows: rows.training.inputs, targets: rows.training.targets, weights: rows.training.weights,
      offsets: rows.fitted.offsets, network: recipe.network, training: recipe.training,
      validation: rows.validation.map { ($0.inputs, $0.targets) },
      validationOffsets: rows.validationOffsets, resuming: state, communicator: communicator)
    trainer.note = try choice.settings.map { try TabularModel.json($0) }
    try run(trainer)
    let trained = try trained(
      trainer, encoder: prepared.encoder, transform: rows.fitted.transform,
      target: prepared.target, recipe: recipe, rows: prepared.training.rowCount,
      linear: rows.fitted.linear)
    var outcome = try trained.judged(
      on: prepared.test, training: prepared.training, weightColumn: options.weightColumn,
      trainer: trainer)
    outcome.trials = choice.results
    outcome.choice = choice.settings
    return outcome
  }

  /// The settings that trials choose, or those that a run has begun with; nil where a person has chosen.
  private static func settings(
    for prepared: PreparedTable, options: TrainingOptions, resuming state: TrainerState?,
    communicator: any Communicator, _ choose: (SettingsChoice) throws -> Void
  ) throws -> (settings: TrialSettings?, results: [TrialResult]) {
    guard options.choosesByTrial else { return (nil, []) }
    // A note that says nothing is that of another run, which the trainer will tell apart.
    if let note = state?.note,
      let known = try? JSONDecoder().decode(TrialSettings.self, from: Data(note.utf8))
    {
      return (known, [])
    }
    let choice = try SettingsChoice(
      for: prepared, options: options, communicator: communicator)
    try choose(choice)
    return (choice.best, choice.results)
  }

  /// The model that a trainer has come to.
  ///
  /// - Throws: `TrainingError` when it is not finite.
  static func trained(
    _ trainer: Trainer, encoder: TableEncoder, transform: FeatureTransform, target: TargetEncoder,
    recipe: TrainingRecipe, rows: Int, linear: LinearFit? = nil
  ) throws -> TabularModel {
    let epochs = trainer.progress.reports
    var network = trainer.predictor().folded()
    // A network that was never trained says nothing, and need not be kept.
    if linear != nil, trainer.stepCount == 0, network.latent == nil {
      let outputs = network.outputs
      let isSilent = (0..<outputs.rows).allSatisfy { outputs.rowArray($0).allSatisfy { $0 == 0 } }
      if isSilent { network = network.withoutNeurons() }
    }
    let predictor = linear.map { network.adding(linear: $0.coefficients) } ?? network
    // The loss is taken before each step: the last one may have gone too far.
    guard predictor.weights.isFinite, predictor.outputs.isFinite else {
      throw TrainingError.diverged(
        epoch: epochs.count, learningRate: recipe.training.learningRate)
    }
    var training = recipe.training
    training.learningRate = trainer.baseLearningRate
    let record = TrainingRecord(
      network: recipe.network, training: training, threshold: trainer.network.threshold,
      materialized: network.count,
      firingFraction: trainer.firingsPerRow / Double(recipe.network.width),
      epochs: epochs.count, trainRows: rows, test: nil,
      linearNeurons: linear.map { _ in predictor.count - network.count })
    return TabularModel(
      encoder: encoder, transform: transform, target: target,
      predictor: predictor, record: record)
  }

  /// Training and test rows, and the target as the model will know it. The classes are those of
  /// the whole table, mean and scale of a number those of the training rows.
  static func split(
    _ table: Table, targets: [String], options: TrainingOptions
  ) throws -> (training: [Int], test: [Int]?, target: TargetEncoder) {
    let fraction = options.testFraction
    let target = try TargetEncoder(
      fitting: table, columns: targets, task: options.task, labelSeparator: options.labelSeparator)
    guard fraction > 0 else { return (Array(0..<table.rowCount), nil, target) }
    let split =
      switch target.task {
      case .classification:
        TrainTestSplit(
          stratifying: try target.classes(of: table), testFraction: fraction, seed: options.seed)
      case .regression, .multiLabel:
        TrainTestSplit(rowCount: table.rowCount, testFraction: fraction, seed: options.seed)
      }
    guard split.training.count > 1, !split.test.isEmpty else {
      let classes =
        target.task == .classification ? " of \(target.labels.count) classes" : ""
      throw ConfigurationError.invalid(
        "\(table.rowCount) rows\(classes) are too few to hold a share of \(fraction) out as a test; "
          + "a test fraction of 0 trains on all")
    }
    guard target.task == .regression else { return (split.training, split.test, target) }
    let training = table.selecting(rows: split.training)
    let values = try target.values(of: training)
    guard values.contains(where: { $0 != values[0] }) else {
      throw ConfigurationError.invalid(
        "all \(training.rowCount) rows that are not held out as a test have the same target")
    }
    return (
      split.training, split.test,
      try TargetEncoder(fitting: training, column: target.column, task: .regression)
    )
  }

  private func judged(
    on test: Table?, training: Table, weightColumn: String?, trainer: Trainer
  ) throws -> TrainingOutcome {
    // A category that only held-out rows have is no fault of the table.
    var judge = self
    judge.encoder.unknownCategories = .ignore
    let start = ContinuousClock.now
    let evaluation = try judge.evaluate(on: test ?? training, weightColumn: weightColumn)
    let seconds = start.duration(to: .now) / .seconds(1)
    return outcome(
      trainer, test: test == nil ? nil : evaluation,
      secondsPerPrediction: seconds / Double(evaluation.rows))
  }

  /// The outcome of training this model, judged on rows held out.
  func outcome(
    _ trainer: Trainer, test: Evaluation?, secondsPerPrediction: Double
  ) -> TrainingOutcome {
    var record = record
    record.test = test
    return TrainingOutcome(
      model: TabularModel(
        encoder: encoder, transform: transform, target: target, predictor: predictor,
        record: record),
      epochs: trainer.progress.reports, times: trainer.times, lookup: trainer.lookupSummary,
      secondsPerPrediction: secondsPerPrediction)
  }
}
