// SPDX-License-Identifier: Apache-2.0
internal import HalfspaceNN

/// Settings to be tried: what they leave nil follows from the data by `TrainingRecipe`.
public struct TrialSettings: Sendable, Equatable, Codable {
  /// Number of neurons.
  public var width: Int?
  /// Share of the neurons that fire on a row at the start.
  public var firingFraction: Double?
  /// Passes over the training rows; 0 with a linear part: that alone.
  public var epochs: Int?
  /// Learning rate at the start.
  public var learningRate: Double?
  /// The constant coordinate.
  public var constant: Double?
  /// How features are scaled.
  public var scaling: FeatureTransform.Scaling?
  /// Whether a metric of the features is learned first.
  public var metric = TrainingOptions.Metric.none

  /// Whether the network is trained on top of a linear model.
  public var linearPart = TrainingOptions.LinearPart.none

  /// Everything by the recipe, no metric, and no linear part.
  public init() {}

  /// `options` with these settings in their place.
  public func applied(to options: TrainingOptions) -> TrainingOptions {
    var options = options
    options.width = width ?? options.width
    options.threshold = firingFraction.map(Threshold.firingFraction) ?? options.threshold
    options.epochs = epochs ?? options.epochs
    options.learningRate = learningRate ?? options.learningRate
    options.constant = constant ?? options.constant
    options.scaling = scaling ?? options.scaling
    options.metric = metric
    options.linearPart = linearPart
    return options
  }

  /// The settings as options of `halfspace train`, which come to the same bits.
  public var arguments: [String] {
    var arguments: [String] = []
    func add(_ name: String, _ value: (some CustomStringConvertible)?) {
      if let value { arguments += ["--\(name)", value.description] }
    }
    add("width", width)
    add("firing-fraction", firingFraction)
    add("epochs", epochs)
    add("learning-rate", learningRate)
    add("constant", constant)
    add("scaling", scaling?.rawValue)
    add("metric", metric.rawValue)
    if linearPart != .none { add("linear-part", linearPart.rawValue) }
    return arguments
  }
}
