// SPDX-License-Identifier: Apache-2.0
internal import HalfspaceLinalg
internal import HalfspaceNN
internal import HalfspaceReporting

/// A short run from whose gradients a metric is learned. (A second, on what the first has found, made
/// as many tables worse as better.)
struct MetricPilot {
  /// The run's share of the epochs of the training that follows.
  static let epochShare = 0.2
  /// Rows that the run is given, at most.
  static let rowLimit = 1 << 14

  let recipe: TrainingRecipe
  let targets: Targets
  let weights: [Double]?
  let communicator: any Communicator

  /// The metric of scaled features `[n, p]`; nil where there is nothing to learn. Every process gets
  /// the same.
  ///
  /// - Throws: `ConfigurationError` for a network or features that no metric is learned for,
  ///   `TrainingError` when the run diverges.
  /// - Complexity: a fifth of the epochs, and O(p³).
  func metric(of features: Matrix, by transform: FeatureTransform) throws -> FeatureMetric? {
    if let obstacle = Self.obstacle(to: recipe.network, features: features.columns) {
      throw ConfigurationError.invalid(obstacle)
    }
    let chosen = Self.rows(of: features.rows, seed: recipe.training.seed)
    let features = features.gather(chosen)
    let targets = targets.gather(chosen)
    let weights = weights.map { weights in chosen.map { weights[$0] } }
    var training = recipe.training
    training.epochs = max(1, Int((Self.epochShare * Double(training.epochs)).rounded()))
    (training.patience, training.averagingStart) = (nil, nil)
    let trainer = try Trainer(
      rows: .dense(try transform.apply(to: features, threads: training.threads)),
      targets: targets, weights: weights, network: recipe.network, training: training,
      communicator: communicator)
    try trainer.run()
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

  private static func rows(of count: Int, seed: UInt64) -> [Int] {
    guard count > rowLimit else { return Array(0..<count) }
    var rows = Array(0..<count)
    var generator = SeededGenerator(seed: seed, stream: 1 << 32)
    generator.shuffle(&rows)
    return rows.prefix(rowLimit).sorted()
  }
}
