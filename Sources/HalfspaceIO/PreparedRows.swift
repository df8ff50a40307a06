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
    _ matrix: SparseMatrix, _ dataset: Dataset, targets names: [String], options: TrainingOptions
  ) throws {
    guard options.droppedColumns.isEmpty else {
      throw ConfigurationError.invalid("columns of sparse rows cannot be dropped by name")
    }
    guard options.weightColumn == nil else {
      throw ConfigurationError.invalid("sparse rows have no column of weights")
    }
    guard names.count < 2 else {
      throw ConfigurationError.invalid("sparse rows have one target, not \(names.count)")
    }
    let targets = try dataset.targetTable(names)
    let split = try TabularModel.split(
      targets, targets: [targets.columns[0].name], options: options)
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
      scaling: scaling, rows: split.training.count, featureCount: features.columns,
      target: split.target, options: options)
    training = .sparse(try transform.apply(to: features))
    test = try split.test.map {
      .sparse(try transform.apply(to: encoding.encode(matrix, rows: $0)))
    }
    trainingTargets = targets.selecting(rows: split.training)
    testTargets = split.test.map { targets.selecting(rows: $0) }
  }

  /// Rows of a file that are read as they are needed.
  ///
  /// Levels, ranges and missing cells are those of all training rows, and so are means and variances;
  /// medians and ranks are those of a sample, which is all of them up to `sampleLimit`. Of so many
  /// the result is that for the rows in memory.
  init(
    _ file: RowFile, _ dataset: Dataset, targets names: [String], options: TrainingOptions,
    sampleLimit: Int = 1 << 16
  ) throws {
    let targets = try dataset.targetTable(names, weights: options.weightColumn)
    let names = names.isEmpty ? [targets.columns[0].name] : names
    try options.checkUse(ofTargets: names)
    let split = try TabularModel.split(targets, targets: names, options: options)
    let rows = split.training
    let sampled = Self.sample(of: rows, columns: file.names.count, limit: sampleLimit)
    let sample = try file.table(rows: sampled)
    let isWhole = sampled.count == rows.count
    let encoder = try TableEncoder(
      fitting: isWhole
        ? sample
        : file.table(
          rows: Set(sampled).union(
            try file.witnesses(
              among: rows,
              columns: file.names.indices.filter {
                !names.contains(file.names[$0])
                  && !options.ignoredColumns.contains(file.names[$0])
              })
          ).sorted()),
      targets: names.filter { sample[$0] != nil }, dropping: options.ignoredColumns,
      rows: rows.count)
    // A category that only held-out rows have is no fault of the table.
    var lenient = encoder
    lenient.unknownCategories = .ignore
    let features = try lenient.encode(sample)
    recipe = TrainingRecipe(features: features, target: split.target, options: options)
    let all = try FeatureRows(file, encoder: lenient, selection: rows)
    let transform = try FeatureTransform(
      fitting: features, scaling: recipe.scaling, constant: recipe.constant, rows: rows.count
    ) { (body) throws(RowReadError) in
      if isWhole { body(features) } else { try all.forEachBlock(body) }
    }
    (self.encoder, self.transform) = (encoder, transform)
    target = split.target
    training = .streamed(
      try EncodedRows(file, encoder: lenient, transform: transform, selection: rows))
    test = try split.test.map {
      .streamed(try EncodedRows(file, encoder: lenient, transform: transform, selection: $0))
    }
    trainingTargets = targets.selecting(rows: rows)
    testTargets = split.test.map { targets.selecting(rows: $0) }
  }

  /// Up to `limit` of the rows, at equal distances, as many as take 64 MiB.
  static func sample(of rows: [Int], columns: Int, limit: Int) -> [Int] {
    EvenSample.rows(min(limit, max(1024, (8 << 20) / max(1, columns))), of: rows)
  }

  /// Trains on the rows, the steps being taken by `run`, and tests on those held out.
  func train(
    options: TrainingOptions, resuming state: TrainerState?, communicator: any Communicator,
    run: (Trainer) throws -> Void
  ) throws -> TrainingOutcome {
    guard options.metric?.rounds ?? 0 == 0 else {
      throw ConfigurationError.invalid("a metric is learned for tables that fit in memory")
    }
    guard options.linearPart != .fitted else {
      throw ConfigurationError.invalid("a linear part is fitted to tables that fit in memory")
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
    let judged = testTargets ?? trainingTargets
    let evaluation = try trained.evaluate(
      scores: scores, targets: judged, weights: try options.weightColumn.map(judged.weights(in:)))
    return trained.outcome(
      trainer, test: test == nil ? nil : evaluation,
      secondsPerPrediction: seconds / Double(evaluation.rows))
  }
}
