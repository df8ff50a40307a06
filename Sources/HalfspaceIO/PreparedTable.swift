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
  init(_ table: Table, targets: [String], options: TrainingOptions) throws {
    try options.validate()
    for name in targets + options.ignoredColumns.sorted() { _ = try table.column(name) }
    try options.checkUse(ofTargets: targets)
    let split = try TabularModel.split(table, targets: targets, options: options)
    training = split.test == nil ? table : table.selecting(rows: split.training)
    test = split.test.map { table.selecting(rows: $0) }
    target = split.target
    encoder = try TableEncoder(
      fitting: training, targets: targets, dropping: options.ignoredColumns,
      rows: training.rowCount)
    features = try encoder.encode(training)
  }

  /// The transform and the linear part, and the rows as the network takes them.
  struct Rows {
    let fitted: FittedInputs
    let training: TrainingRecipe.Rows
    let validation: TrainingRecipe.Rows?
    let validationOffsets: Matrix?
  }

  /// The rows for a recipe; a metric and a linear part are learned from those that are trained on.
  func rows(_ recipe: TrainingRecipe, communicator: any Communicator) throws -> Rows {
    let split = try recipe.validationSplit(
      .dense(features), try recipe.targets(of: training, by: target),
      try recipe.weights(of: training, by: target))
    // Ranks, means and scales are those of all rows.
    let transform = try FeatureTransform(
      fitting: features, scaling: recipe.scaling, constant: recipe.constant)
    let fitted = try FittedInputs(
      try split.kept.inputs.matrix(), targets: split.kept.targets, weights: split.kept.weights,
      recipe: recipe, scaledBy: transform, communicator: communicator)
    let held = try split.held.map {
      try fitted.transform.apply(to: try $0.inputs.matrix(), threads: recipe.training.threads)
    }
    return Rows(
      fitted: fitted,
      training: (.dense(fitted.inputs), split.kept.targets, split.kept.weights),
      validation: split.held.flatMap { rows in
        held.map { (.dense($0), rows.targets, rows.weights) }
      },
      validationOffsets: held.flatMap { inputs in fitted.linear?.scores(of: inputs) })
  }
}
