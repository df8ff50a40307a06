// SPDX-License-Identifier: Apache-2.0
internal import HalfspaceLinalg
internal import HalfspaceNN

extension Tuner {
  private static let widths = [1 << 10, 1 << 12, 1 << 13, 1 << 15, 1 << 17]
  private static let firingCounts = [8, 16, 32, 64, 128, 256, 512]
  /// Of the recipe's learning rate.
  private static let rateFactors = [0.03, 0.1, 0.3, 1, 2]
  /// Of the square root of the number of features, the length of a scaled row.
  private static let constantFactors = [0.3, 0.625, 1, 2]
  private static let scalings: [FeatureTransform.Scaling] = [
    .standardize, .commonScale, .rank, .log,
  ]
  private static let stream: UInt64 = 0x7475_6E65

  /// Different settings: the recipe's first, then what trials of `TabularModel.train` try, then random
  /// ones. Depends on the options and the shape of the features only.
  func candidates(_ count: Int) -> [TrialSettings] {
    var result: [TrialSettings] = []
    func add(_ settings: TrialSettings) {
      let settings = withoutGiven(settings)
      if result.count < count, !result.contains(settings) { result.append(settings) }
    }
    for settings in known { add(settings) }
    var generator = SeededGenerator(seed: options.seed, stream: Self.stream)
    // Where much is given there may be fewer different settings than wanted.
    for _ in 0..<(50 * count) { add(random(&generator)) }
    return result
  }

  private var features: Int { trial.prepared.features.columns }
  private var rate: Double { trial.recipe(TrialSettings()).training.learningRate }

  private var known: [TrialSettings] {
    var metric = TrialSettings()
    metric.metric = .learned
    var smooth = TrialSettings()
    (smooth.width, smooth.firingFraction) = (1024, 0.5)
    var gentle = smooth
    gentle.learningRate = rate / 10
    var ranked = metric
    ranked.scaling = .rank
    var linear = TrialSettings()
    linear.linearPart = .fitted
    var gentleLinear = linear
    gentleLinear.learningRate = rate / 10
    var linearMetric = linear
    linearMetric.metric = .learned
    var flat = gentleLinear
    flat.constant = 8 * trial.recipe(TrialSettings()).constant
    var alone = linear
    (alone.epochs, alone.constant) = (options.epochs == nil ? 0 : nil, flat.constant)
    return [
      TrialSettings(), metric, smooth, gentle, ranked, linear, gentleLinear, linearMetric, flat,
      alone,
    ]
  }

  private func random(_ generator: inout SeededGenerator) -> TrialSettings {
    func pick<T>(_ choices: [T]) -> T { choices[generator.below(choices.count)] }
    var settings = TrialSettings()
    let width = pick(Self.widths)
    settings.width = width
    settings.firingFraction = Double(min(pick(Self.firingCounts), width / 2)) / Double(width)
    settings.learningRate = rate * pick(Self.rateFactors)
    settings.constant = pick(Self.constantFactors) * Double(features).squareRoot()
    settings.scaling = pick(Self.scalings)
    settings.metric = pick(TrainingOptions.Metric.allCases)
    settings.linearPart = pick(TrainingOptions.LinearPart.allCases)
    return settings
  }

  /// Settings without what is given, and without a metric where none can be learned.
  private func withoutGiven(_ settings: TrialSettings) -> TrialSettings {
    var settings = settings
    if options.width != nil || options.threshold != nil { settings.firingFraction = nil }
    if options.width != nil || options.threshold != nil { settings.width = nil }
    if options.learningRate != nil || options.optimizer != nil { settings.learningRate = nil }
    if options.constant != nil { settings.constant = nil }
    if options.scaling != nil { settings.scaling = nil }
    let isPossible =
      features > 1
      && MetricPilot.obstacle(to: trial.recipe(settings).network, features: features) == nil
    settings.metric = options.metric ?? (isPossible ? settings.metric : .none)
    settings.linearPart =
      options.linearPart
      ?? (LinearFit.obstacle(to: trial.recipe(settings).network, inputs: features + 1) == nil
        ? settings.linearPart : .none)
    // No passes train nothing but a linear part.
    if settings.linearPart == .none { settings.epochs = nil }
    return settings
  }
}
