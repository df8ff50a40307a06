// SPDX-License-Identifier: Apache-2.0
internal import HalfspaceLinalg
internal import HalfspaceNN
internal import HalfspaceReporting

/// What a recipe makes of the features of training rows before a network is trained: the transform, with
/// its metric where one is learned, and the linear part where there is one.
struct FittedInputs {
  let transform: FeatureTransform
  /// The transformed rows, `[n, d]`.
  let inputs: Matrix
  let linear: LinearFit?
  /// What the linear part says of the rows; nil without one.
  let offsets: Matrix?

  /// Fits to features `[n, p]` of the rows to be trained on.
  ///
  /// - Parameters:
  ///   - transform: how features are scaled, without a metric; nil: as these rows suggest.
  ///   - pilotEpochs: passes of the run that a metric is learned by; nil: as the recipe has it.
  ///   - onStep: called after each step of that run, with the share of it that is done; an error it throws
  ///     ends it.
  /// - Throws: `ConfigurationError` for a metric or a linear part that is not for such a network or so
  ///   many features, and what `onStep` throws.
  init(
    _ features: Matrix, targets: Targets, weights: [Double]?, recipe: TrainingRecipe,
    scaledBy given: FeatureTransform? = nil, communicator: any Communicator,
    pilotEpochs: Int? = nil,
    onStep: (Double) throws -> Void = { _ in }
  ) throws {
    var transform =
      try given
      ?? FeatureTransform(
        fitting: features, scaling: recipe.scaling, constant: recipe.constant)
    let rounds = recipe.metric.rounds
    for round in 0..<rounds {
      let pilot = MetricPilot(
        recipe: recipe, targets: targets, weights: weights, communicator: communicator,
        epochs: pilotEpochs)
      let metric = try pilot.metric(of: features, by: transform) { trainer in
        try onStep((Double(round) + trainer.shareDone) / Double(rounds))
      }
      // One that finds nothing takes nothing back.
      guard let metric else { break }
      transform = transform.with(metric: metric)
    }
    self.transform = transform
    inputs = try transform.apply(to: features, threads: recipe.training.threads)
    linear =
      recipe.linearPart == .fitted
      ? try LinearFit(inputs, targets: targets, weights: weights, recipe: recipe) : nil
    offsets = linear?.scores(of: inputs)
  }
}

extension LinearFit {
  /// The fit to transformed rows `[n, d]` for a recipe.
  ///
  /// - Throws: `ConfigurationError` where none is fitted.
  init(_ inputs: Matrix, targets: Targets, weights: [Double]?, recipe: TrainingRecipe) throws {
    if let obstacle = Self.obstacle(to: recipe.network, inputs: inputs.columns) {
      throw ConfigurationError.invalid(obstacle)
    }
    try self.init(
      to: inputs, targets: targets, weights: weights, loss: recipe.training.loss,
      hasConstant: recipe.constant != 0)
  }

  /// Why no linear part is fitted; nil where one can be.
  static func obstacle(to network: NetworkConfiguration, inputs: Int) -> String? {
    if inputs > inputLimit {
      return "a linear part is fitted to up to \(inputLimit) inputs, not \(inputs)"
    }
    if case .independent = network.outputs {
      return "no linear part is fitted with independent output weights: latent neurons contribute"
    }
    return nil
  }
}
