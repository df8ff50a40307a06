// SPDX-License-Identifier: Apache-2.0
public import HalfspaceLinalg
public import HalfspaceNN

extension TabularModel {
  // MARK: Training

  /// Trains a model on rows of any format: in memory as a table where they fit, sparse rows as sparse
  /// rows, and rows of a file that is larger than what should be in memory as they are read.
  ///
  /// Sparse rows are hashed to fewer columns where there are many (`FeatureHashing`), so that memory
  /// goes with their entries. Rows of a large file are read, encoded and transformed batch by batch;
  /// of its encoder and transform the medians and ranks are those of a sample of 65,536 training rows,
  /// all else of all of them.
  ///
  /// - Parameter target: the column to predict; nil: what the files tell.
  /// - Throws: as `train(on:target:options:onEpoch:)` for a table, and `DataFileError`.
  public static func train(
    on dataset: Dataset, target: String? = nil, options: TrainingOptions = .init(),
    onEpoch: (EpochReport) -> TrainingAction = { _ in .proceed }
  ) throws -> TrainingOutcome {
    try train(
      on: dataset, targets: target.map { [$0] } ?? [], options: options, onEpoch: onEpoch)
  }

  /// Trains a model as `train(on:target:options:onEpoch:)` that predicts several columns of ones and
  /// zeros, one for each label; a row may have any number of them.
  ///
  /// - Throws: as the other, `TableError` for a cell that is neither 0 nor 1.
  public static func train(
    on dataset: Dataset, targets: [String], options: TrainingOptions = .init(),
    onEpoch: (EpochReport) -> TrainingAction = { _ in .proceed }
  ) throws -> TrainingOutcome {
    try train(on: dataset, targets: targets, options: options, resuming: nil) { trainer in
      try trainer.run(onEpoch: onEpoch)
    }
  }

  /// Trains a model as `train(on:target:options:onEpoch:)`, the steps being taken by the caller: for
  /// checkpoints, limits, progress within an epoch.
  ///
  /// - Parameters:
  ///   - targets: the column to predict, or several of ones and zeros, one for each label; none: what
  ///     the files tell.
  ///   - state: where to go on from, of a run with the same rows and options; nil: the beginning.
  ///   - communicator: the processes that share the work, all with the same rows and options.
  ///   - choose: runs the trials, where settings are chosen by trials.
  ///   - run: runs the trainer, as far as it likes; an error it throws ends the training.
  /// - Throws: as the other, `ConfigurationError` for a state of another run, and what `run` throws.
  public static func train(
    on dataset: Dataset, targets: [String], options: TrainingOptions, resuming state: TrainerState?,
    communicator: any Communicator = SingleProcess(),
    choose: (SettingsChoice) throws -> Void = { $0.run() }, run: (Trainer) throws -> Void
  ) throws -> TrainingOutcome {
    try options.validate()
    var options = options
    if dataset.isMultiLabel, options.task == nil, targets.isEmpty || targets == [dataset.targetName]
    {
      options.task = .multiLabel
    }
    let prepared: PreparedRows
    switch try dataset.layout(keepsSparse: options.hashColumns != nil) {
    case .table:
      let table = try dataset.table(predicting: targets)
      return try train(
        on: table, targets: try dataset.requireTargets(targets, of: table.columnNames),
        options: options, resuming: state, communicator: communicator, choose: choose, run: run)
    case .sparse(let matrix):
      prepared = try PreparedRows(matrix, dataset, targets: targets, options: options)
    case .file(let file):
      prepared = try PreparedRows(file, dataset, targets: targets, options: options)
    }
    return try prepared.train(
      options: options, resuming: state, communicator: communicator, run: run)
  }

  // MARK: Use

  /// Reads rows to use the model on, of any format; see `readTable(contentsOf:options:)`.
  public func readDataset(
    contentsOf path: String, options: Dataset.Options = .init()
  ) throws -> Dataset {
    try Dataset(contentsOf: path, options: readingOptions(options))
  }

  /// The transformed rows of a data set, as the network takes them: sparse for a model of sparse
  /// rows, and read as they are needed where they are large.
  ///
  /// - Throws: `TableError` or `DataFileError` that names what the model cannot take.
  public func inputs(of dataset: Dataset, threads: Int = 1) throws -> InputRows {
    if let sparse = encoder.sparse {
      guard case .sparse(let matrix) = dataset.features else {
        throw TableError(file: dataset.name, reason: .needsSparseRows)
      }
      return .sparse(try transform.apply(to: sparse.encode(matrix, rows: 0..<matrix.rows)))
    }
    if case .file(let file) = try dataset.layout(keepsSparse: false) {
      return .streamed(try EncodedRows(file, encoder: encoder, transform: transform))
    }
    return .dense(
      try transform.apply(to: try encoder.encode(try dataset.table(with: nil)), threads: threads))
  }

  /// Network outputs `[rows, outputs]` for the rows of a data set.
  ///
  /// - Throws: as `inputs(of:threads:)`, and when the rows cannot be read.
  public func scores(for dataset: Dataset, threads: Int = 1) throws -> Matrix {
    try predictor.scores(for: try inputs(of: dataset, threads: threads), threads: threads)
  }

  /// Predicts a class or a number for every row of a data set.
  ///
  /// - Throws: as `scores(for:threads:)`.
  public func predict(_ dataset: Dataset, threads: Int = 1) throws -> Predictions {
    predictions(from: try scores(for: dataset, threads: threads))
  }

  /// Judges predictions for the rows of a data set in every respect.
  ///
  /// - Parameter weightColumn: a column that says how often each row counts; nil: once.
  /// - Throws: as `scores(for:threads:)`, and for missing or unknown targets and bad weights.
  public func report(
    on dataset: Dataset, weightColumn: String? = nil, threads: Int = 1
  ) throws -> EvaluationReport {
    let scores = try scores(for: dataset, threads: threads)
    let targets =
      target.columns.count > 1
      ? try dataset.targetTable(target.columns)
      : try dataset.targetTable([dataset.targetName ?? target.column]).renamed(target.column)
    return try report(
      scores: scores, targets: targets,
      weights: try weightColumn.map { try dataset.targetTable([$0]).weights(in: $0) })
  }
}

extension Table {
  /// A table of one column under another name: files call a target as they like.
  func renamed(_ name: String) -> Table {
    precondition(columns.count == 1, "\(columns.count) columns")
    return Table(
      name: self.name, hasHeader: hasHeader,
      columns: [TableColumn(name: name, storage: columns[0].storage)],
      lines: (0..<rowCount).map { UInt32(clamping: line(ofRow: $0)) })
  }
}
