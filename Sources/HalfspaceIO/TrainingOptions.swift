// SPDX-License-Identifier: Apache-2.0
internal import HalfspaceLinalg
public import HalfspaceNN
public import HalfspaceReporting

/// What a person may choose about a model of a table. Everything left nil is chosen from the data
/// by `TrainingRecipe`.
public struct TrainingOptions: Sendable {
  /// Names of losses, without their parameters.
  public enum LossName: String, Sendable, CaseIterable {
    case squared, absolute, huber, logistic, hinge, softmax
    /// Each class against the rest.
    case oneVersusRest = "one-versus-rest"
  }

  /// Names of optimizers, with their usual parameters.
  public enum OptimizerName: String, Sendable, CaseIterable {
    case sgd, adagrad, momentum, adam
  }

  /// Whether features are mapped by what a first short run has found (`FeatureMetric`).
  public enum Metric: String, Sendable, CaseIterable, Codable {
    case none, learned
    /// Learned again by two more runs, each on what the one before has found.
    case refined

    /// Short runs that it takes.
    var rounds: Int {
      switch self {
      case .none: 0
      case .learned: 1
      case .refined: 3
      }
    }
  }

  /// Whether the network is trained on top of a linear model of its inputs, fitted beforehand, that is
  /// then part of it (`Predictor.adding(linear:)`).
  public enum LinearPart: String, Sendable, CaseIterable, Codable {
    case none, fitted
  }

  /// What the target is; nil lets the target column decide.
  public var task: PredictionTask?
  /// What separates the labels of a cell, of which a row may have any number: with it, the task is
  /// `multiLabel`. Of that task without it, a comma.
  public var labelSeparator: Character?
  /// Number of neurons.
  public var width: Int?
  /// The threshold.
  public var threshold: Threshold?
  /// How the first layer is drawn.
  public var rows: NetworkConfiguration.Rows = .productGrid()
  /// How the output weights start.
  public var outputs: InitialOutputs?
  /// Whether the output weights are trained.
  public var trainsOutputs = true
  /// The loss; must fit the task.
  public var loss: LossName?
  /// The optimizer.
  public var optimizer: OptimizerName?
  /// Passes over the training rows.
  public var epochs: Int?
  /// Rows per step.
  public var batchSize: Int?
  /// Learning rate at the start.
  public var learningRate: Double?
  /// How the learning rate changes over the run; nil: it falls linearly to zero.
  public var schedule: LearningRateSchedule?
  /// From which share of the run on the iterates are averaged; nil: the last one is the result.
  public var averagingStart: Double?
  /// `B` of `B / sqrt(m)`, the factor on sums over neurons; nil: the network's usual one.
  public var outputScale: Double?
  /// Scalar weight decay.
  public var weightDecay: Double?
  /// Epochs without improvement on held-out training rows before the run ends.
  public var patience: Int?
  /// How features are scaled.
  public var scaling: FeatureTransform.Scaling?
  /// The constant coordinate.
  public var constant: Double?
  /// Whether a metric of the features is learned first; for tables in memory. Nil: where `choosesByTrial`,
  /// as trials say, otherwise not.
  public var metric: Metric?
  /// Whether a linear model is fitted first, which the network is trained on top of; for tables in
  /// memory. Nil: where `choosesByTrial`, as trials say, otherwise not.
  public var linearPart: LinearPart?
  /// A column that says how often each row counts in training, relative to the others; no feature.
  public var weightColumn: String?
  /// How often the rows of each class count in training, on top of `weightColumn`.
  public var classWeights: ClassWeights?
  /// Columns that are not to be used.
  public var droppedColumns: Set<String> = []
  /// The columns that are no features.
  var ignoredColumns: Set<String> {
    droppedColumns.union([weightColumn].compactMap { $0 })
  }

  /// Checks that no column of the target is ignored.
  func checkUse(ofTargets names: [String]) throws(ConfigurationError) {
    guard let name = names.first(where: ignoredColumns.contains) else { return }
    throw .invalid("the target column \"\(name)\" cannot be dropped")
  }

  /// Columns that sparse rows are hashed to, 0: not at all.
  public var hashColumns: Int?
  /// Share of the rows held out to test, in `0..<1`.
  public var testFraction = 0.2
  /// Seed of everything random.
  public var seed: UInt64 = 1
  /// How the neurons that fire are found; the model does not depend on it.
  public var lookup = LookupStrategy.automatic
  /// How far a row may move from where a static index holds it; nil: by the threshold.
  public var indexMargin: Double?
  /// Threads to use; the model does not depend on it.
  public var threads = ThreadCount.available

  /// Whether settings of the network, its training and the transform are chosen by trials on rows set
  /// apart: for tables in memory, when a person has chosen none of them. One that is given stands for a
  /// person who knows; the others then follow from the shape of the data by `TrainingRecipe`.
  public var choosesByTrial: Bool {
    let isShaped =
      width != nil || threshold != nil || outputs != nil || !trainsOutputs || outputScale != nil
    let isPaced =
      optimizer != nil || epochs != nil || batchSize != nil || learningRate != nil
      || schedule != nil || averagingStart != nil || weightDecay != nil || patience != nil
    return !isShaped && !isPaced && loss == nil && scaling == nil && constant == nil
      && metric == nil && linearPart == nil
  }

  /// All from the data.
  public init() {}

  /// Checks what can be checked without a table.
  ///
  /// - Throws: `ConfigurationError` for a setting that makes no sense.
  public func validate() throws(ConfigurationError) {
    if let task, task != .multiLabel, labelSeparator != nil {
      throw .invalid("a separator of labels is for the task multi-label, not \(task.rawValue)")
    }
    if let width, width < 1 { throw .invalid("the width \(width) is not positive") }
    guard testFraction >= 0, testFraction < 1 else {
      throw .invalid("the test fraction \(testFraction) is not in 0..<1")
    }
    if let hashColumns, !(0...FeatureHashing.columnLimit).contains(hashColumns) {
      throw .invalid("hashing to \(hashColumns) columns; at most \(FeatureHashing.columnLimit)")
    }
    if let epochs, epochs < (linearPart == .fitted ? 0 : 1) {
      throw .invalid("the number of epochs \(epochs) is not positive")
    }
    if let constant, !constant.isFinite {
      throw .invalid("the constant coordinate \(constant) is not a finite number")
    }
  }
}
