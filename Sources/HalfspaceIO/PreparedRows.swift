// SPDX-License-Identifier: Apache-2.0
internal import HalfspaceLinalg
internal import HalfspaceNN

/// Rows that are no table, ready to be trained on: the encoder and the transform fitted, the settings
/// chosen, a share held out.
struct PreparedRows {
  let encoder: TableEncoder
  let transform: FeatureTransform
  let target: TargetEncoder
  let recipe: TrainingRecipe
  /// Rows to train on and rows to test on, with their targets.
  let training: InputRows
  let trainingTargets: Table
  let test: InputRows?
  let testTargets: Table?

  /// Sparse rows.
  init(
    _ matrix: SparseMatrix, _ dataset: Dataset, target name: String?, options: TrainingOptions
  ) throws {
    guard options.droppedColumns.isEmpty else {
      throw ConfigurationError.invalid("columns of sparse rows cannot be dropped by name")
    }
    let targets = try dataset.targetTable(name)
    let split = try TabularModel.split(
      targets, target: targets.columns[0].name, options: options)
    let width = options.width ?? TrainingRecipe.defaultWidth
    let columns =
      options.hashColumns
      ?? SparseEncoding.suggestedColumns(
        entries: matrix.count, columns: matrix.columns, width: width) ?? 0
    let encoding = SparseEncoding(
      columns: matrix.columns,
      hashing: columns > 0 ? FeatureHashing(columns: columns, seed: options.seed) : nil)
    let scaling = options.scaling ?? .maximum
    guard scaling.keepsZeros else {
      throw ConfigurationError.invalid(
        "the scaling \(scaling.rawValue) would make zeros of sparse rows other numbers; maximum and "
          + "root-mean-square keep them")
    }
    let features = encoding.encode(matrix, rows: split.training)
    var transform = try FeatureTransform(fitting: features, scaling: scaling)
    var options = options
    options.constant =
      options.constant ?? TrainingRecipe.sparseConstant * transform.typicalLength(of: features)
    options.epochs = options.epochs ?? TrainingRecipe.sparseEpochs(rows: split.training.count)
    options.batchSize = options.batchSize ?? TrainingRecipe.sparseBatch
    transform = transform.with(constant: options.constant)
    encoder = TableEncoder(sparse: encoding)
    self.transform = transform
    target = split.target
    recipe = TrainingRecipe(
      scaling: scaling, featureCount: features.columns, target: split.target, options: options)
    training = .sparse(try transform.apply(to: features))
    test = try split.test.map {
      .sparse(try transform.apply(to: encoding.encode(matrix, rows: $0)))
    }
    trainingTargets = targets.selecting(rows: split.training)
    testTargets = split.test.map { targets.selecting(rows: $0) }
  }

  /// Rows of a file that are read as they are needed.
  init(
    _ file: RowFile, _ dataset: Dataset, target name: String?, options: TrainingOptions
  ) throws {
    let targets = try dataset.targetTable(name)
    let column = targets.columns[0].name
    let split = try TabularModel.split(targets, target: column, options: options)
    let sample = try file.table(
      rows: Self.sample(of: split.training, columns: file.names.count))
    let encoder = try TableEncoder(
      fitting: sample, target: sample[column] == nil ? nil : column,
      dropping: options.droppedColumns)
    let features = try encoder.encode(sample)
    recipe = TrainingRecipe(features: features, target: split.target, options: options)
    let transform = try FeatureTransform(
      fitting: features, scaling: recipe.scaling, constant: recipe.constant)
    (self.encoder, self.transform) = (encoder, transform)
    target = split.target
    training = .streamed(
      try EncodedRows(file, encoder: encoder, transform: transform, selection: split.training))
    test = try split.test.map {
      .streamed(try EncodedRows(file, encoder: encoder, transform: transform, selection: $0))
    }
    trainingTargets = targets.selecting(rows: split.training)
    testTargets = split.test.map { targets.selecting(rows: $0) }
  }

  /// Up to 65,536 of the rows, at equal distances, as many as take 64 MiB.
  static func sample(of rows: [Int], columns: Int) -> [Int] {
    let most = max(1024, min(1 << 16, (8 << 20) / max(1, columns)))
    return EvenSample.rows(most, of: rows)
  }

  /// Trains on the rows, the steps being taken by `run`, and tests on those held out.
  func train(
    options: TrainingOptions, resuming state: TrainerState?, communicator: any Communicator,
    run: (Trainer) throws -> Void
  ) throws -> TrainingOutcome {
    guard options.weightColumn == nil else {
      throw ConfigurationError.invalid("a column of weights is for tables that fit in memory")
    }
    guard options.metric != .learned else {
      throw ConfigurationError.invalid("a metric is learned for tables that fit in memory")
    }
    let targets = try recipe.targets(of: trainingTargets, by: target)
    let (kept, validation) = try recipe.validationSplit(
      training, targets, try recipe.weights(of: trainingTargets, by: target))
    let trainer = try Trainer(
      rows: kept.inputs, targets: kept.targets, weights: kept.weights, network: recipe.network,
      training: recipe.training, validation: validation.map { ($0.inputs, $0.targets) },
      resuming: state, communicator: communicator)
    try run(trainer)
    let trained = try TabularModel.trained(
      trainer, encoder: encoder, transform: transform, target: target, recipe: recipe,
      rows: trainingTargets.rowCount)
    let start = ContinuousClock.now
    let scores = try trained.predictor.scores(for: test ?? training, threads: 1)
    let seconds = start.duration(to: .now) / .seconds(1)
    let evaluation = try trained.evaluate(scores: scores, targets: testTargets ?? trainingTargets)
    return trained.outcome(
      trainer, test: test == nil ? nil : evaluation,
      secondsPerPrediction: seconds / Double(evaluation.rows))
  }
}
