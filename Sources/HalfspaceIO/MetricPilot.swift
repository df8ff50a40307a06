// SPDX-License-Identifier: Apache-2.0
internal import HalfspaceLinalg
internal import HalfspaceNN
internal import HalfspaceReporting

/// A short run from whose gradients a metric is learned. (More of them, on what the first has found, make
/// some tables better and some worse: `TrainingOptions.Metric.refined` is for trials to choose.)
struct MetricPilot {
  /// The run's share of the epochs of the training that follows.
  private static let epochShare = 0.2
  /// Rows that the run is given, at most.
  static let rowLimit = 1 << 14

  let recipe: TrainingRecipe
  let targets: Targets
  let weights: [Double]?
  let communicator: any Communicator
  /// Passes over the rows.
  let epochs: Int

  /// The pilot of a run; `recipe` has its epochs.
  init(
    recipe: TrainingRecipe, targets: Targets, weights: [Double]?, communicator: any Communicator,
    epochs: Int? = nil
  ) {
    self.recipe = recipe
    self.targets = targets
    self.weights = weights
    self.communicator = communicator
    self.epochs = epochs ?? Self.epochs(of: recipe.training.epochs)
  }

  /// The pilot's epochs for a run of so many.
  static func epochs(of run: Int) -> Int { max(1, Int((epochShare * Double(run)).rounded())) }

  /// The metric of scaled features `[n, p]`; nil where there is nothing to learn. Every process gets
  /// the same.
  ///
  /// - Parameter onStep: called after each step; an error it throws ends the run.
  /// - Throws: `ConfigurationError` for a network or features that no metric is learned for,
  ///   `TrainingError` when the run diverges, and what `onStep` throws.
  /// - Complexity: a fifth of the epochs, and O(p³).
  func metric(
    of features: Matrix, by transform: FeatureTransform,
    onStep: (Trainer) throws -> Void = { _ in }
  ) throws -> FeatureMetric? {
    if let obstacle = Self.obstacle(to: recipe.network, features: features.columns) {
      throw ConfigurationError.invalid(obstacle)
    }
    let chosen = EvenSample.rows(Self.rowLimit, of: Array(0..<features.rows))
    let features = features.gather(chosen)
    let targets = targets.gather(chosen)
    let weights = weights.map { weights in chosen.map { weights[$0] } }
    var training = recipe.training
    training.epochs = epochs
    (training.patience, training.averagingStart) = (nil, nil)
    let inputs = try transform.apply(to: features, threads: training.threads)
    // Of a network on top of a linear part, the directions along which the rest changes.
    let linear =
      recipe.linearPart == .fitted
      ? try LinearFit(inputs, targets: targets, weights: weights, recipe: recipe) : nil
    let trainer = try Trainer(
      rows: .dense(inputs), targets: targets, weights: weights,
      offsets: linear?.scores(of: inputs), network: recipe.network, training: training,
      communicator: communicator)
    try trainer.run(checking: onStep)
    return try FeatureMetric(
      gradientsOf: trainer.predictor(), through: transform, at: features,
      threads: training.threads)
  }

  /// Why no metric can be learned; nil where one can.
  static func obstacle(to network: NetworkConfiguration, features: Int) -> String? {
    if features > FeatureMetric.featureLimit {
      return "a metric is learned for up to \(FeatureMetric.featureLimit) features, not \(features)"
    }
    if case .independent = network.outputs {
      return "no metric is learned with independent output weights: latent neurons contribute"
    }
    return nil
  }
}
