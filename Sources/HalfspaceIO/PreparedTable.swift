// SPDX-License-Identifier: Apache-2.0
internal import HalfspaceLinalg
internal import HalfspaceNN

/// A table ready to be trained on: a share held out, the encoder fitted, the features encoded.
struct PreparedTable {
  let training: Table
  /// The rows held out; nil: none.
  let test: Table?
  let target: TargetEncoder
  let encoder: TableEncoder
  /// The features of the training rows, `[n, p]`.
  let features: Matrix

  /// Checks the options against the table.
  ///
  /// - Throws: `TableError`, `ConfigurationError`.
  init(_ table: Table, target column: String, options: TrainingOptions) throws {
    try options.validate()
    for name in [column] + options.ignoredColumns.sorted() { _ = try table.column(name) }
    if options.ignoredColumns.contains(column) {
      throw ConfigurationError.invalid("the target column \"\(column)\" cannot be dropped")
    }
    let split = try TabularModel.split(table, target: column, options: options)
    training = split.test == nil ? table : table.selecting(rows: split.training)
    test = split.test.map { table.selecting(rows: $0) }
    target = split.target
    encoder = try TableEncoder(
      fitting: training, target: column, dropping: options.ignoredColumns)
    features = try encoder.encode(training)
  }

  /// The transform, and the rows as the network takes them.
  struct Rows {
    let transform: FeatureTransform
    let training: TrainingRecipe.Rows
    let validation: TrainingRecipe.Rows?
  }

  /// The rows for a recipe; a metric is learned from those that are trained on.
  func rows(
    _ recipe: TrainingRecipe, metric: TrainingOptions.Metric?, communicator: any Communicator
  ) throws -> Rows {
    var transform = try FeatureTransform(
      fitting: features, scaling: recipe.scaling, constant: recipe.constant)
    let split = try recipe.validationSplit(
      .dense(features), try recipe.targets(of: training, by: target),
      try recipe.weights(of: training, by: target))
    if metric == .learned {
      let pilot = MetricPilot(
        recipe: recipe, targets: split.kept.targets, weights: split.kept.weights,
        communicator: communicator)
      transform = transform.with(
        metric: try pilot.metric(of: try split.kept.inputs.matrix(), by: transform))
    }
    func transformed(_ rows: TrainingRecipe.Rows) throws -> TrainingRecipe.Rows {
      let inputs = try transform.apply(
        to: try rows.inputs.matrix(), threads: recipe.training.threads)
      return (.dense(inputs), rows.targets, rows.weights)
    }
    return Rows(
      transform: transform, training: try transformed(split.kept),
      validation: try split.held.map(transformed))
  }
}
