// SPDX-License-Identifier: Apache-2.0
public import HalfspaceLinalg
public import HalfspaceNN
internal import HalfspaceReporting

/// The settings of a run: what a person chose, and for the rest what the data suggest.
///
/// The defaults come from a study over tables of different kinds (letters, digits, house values):
/// a narrow firing set on a wide network, a constant coordinate so that the threshold can differ
/// from place to place, plain SGD whose rate falls linearly to zero.
public struct TrainingRecipe {
  /// How features are scaled.
  public let scaling: FeatureTransform.Scaling
  /// The constant coordinate.
  public let constant: Double
  /// The network before training.
  public let network: NetworkConfiguration
  /// How it is trained.
  public internal(set) var training: TrainingConfiguration
  /// Whether a metric is learned first.
  let metric: TrainingOptions.Metric
  /// Whether a linear part is fitted first.
  let linearPart: TrainingOptions.LinearPart
  private let patience: Int?
  private let weightColumn: String?
  private let classWeights: ClassWeights?

  /// The settings for encoded training rows `[n, p]` and their target. O(n p).
  public init(features: Matrix, target: TargetEncoder, options: TrainingOptions) {
    self.init(
      scaling: options.scaling ?? FeatureTransform.suggestedScaling(for: features),
      rows: features.rows, featureCount: features.columns, target: target, options: options)
  }

  /// The settings for `rows` training rows of `featureCount` features, scaled in this way.
  public init(
    scaling: FeatureTransform.Scaling, rows: Int, featureCount: Int, target: TargetEncoder,
    options: TrainingOptions
  ) {
    self.scaling = scaling
    metric = options.metric ?? .none
    linearPart = options.linearPart ?? .none
    let defaults = Defaults(
      scaling: scaling, task: target.task, rows: rows, features: featureCount)
    constant = options.constant ?? defaults.constant
    let width = options.width ?? defaults.width
    network = NetworkConfiguration(
      width: width,
      // Of a narrow network, fewer neurons than usual must do.
      threshold: options.threshold
        ?? .expectedFiring(min(defaults.expectedFiring, 0.25 * Double(width))),
      rows: options.rows,
      // Output weights of zero that are not trained would stay zero.
      outputs: options.outputs ?? (options.trainsOutputs ? .zero : .symmetricPairs(.signs)),
      trainsOutputs: options.trainsOutputs, seed: options.seed,
      outputScale: options.outputScale)
    training = TrainingConfiguration(
      loss: Self.loss(options.loss, task: target.task),
      epochs: options.epochs ?? defaults.epochs,
      batchSize: options.batchSize ?? defaults.batchSize,
      learningRate: options.learningRate ?? defaults.learningRate(for: options.optimizer ?? .sgd),
      schedule: options.schedule ?? .linear,
      optimizer: Self.optimizer(options.optimizer ?? .sgd),
      weightDecay: options.weightDecay ?? 0, averagingStart: options.averagingStart,
      patience: options.patience, firingFloor: Self.firingFloor(options), seed: options.seed,
      lookup: options.lookup, indexMargin: options.indexMargin, threads: options.threads)
    patience = options.patience
    weightColumn = options.weightColumn
    classWeights = options.classWeights
  }

  /// The share of the first firings that runs must keep, where nobody has chosen a rate or has the
  /// weights shrink. Of 37 tables at four rates each, one seed: 0.7 and more remained in runs that came
  /// near the best rate's score, less than half where a third of the rate made a better model, and once
  /// where it made one as good.
  private static func firingFloor(_ options: TrainingOptions) -> Double? {
    options.learningRate == nil && (options.weightDecay ?? 0) == 0 ? 0.6 : nil
  }

  /// Number of neurons unless somebody chooses.
  static let defaultWidth = 32_768

  // Sparse rows, by measurement on hashed bags of words: a constant in proportion to the length of
  // rows; the weights pass by once per batch, so that larger batches cost less; and fewer passes over
  // many rows.
  static let sparseConstant = 0.5
  static let sparseBatch = 64
  static func sparseEpochs(rows: Int) -> Int { max(3, min(30, 600_000 / max(1, rows))) }

  /// Defaults that depend on the data.
  struct Defaults {
    let constant: Double
    let width = TrainingRecipe.defaultWidth
    let expectedFiring: Double
    let epochs: Int
    let batchSize: Int
    private let sgdRate: Double

    init(scaling: FeatureTransform.Scaling, task: PredictionTask, rows: Int, features: Int) {
      // Scaled rows have a norm of about sqrt(p): the constant is set in proportion to it.
      let norm = Double(features).squareRoot()
      constant = (scaling == .commonScale ? 1 : 0.625) * norm
      // Smooth functions and pixels want more neurons on a row than classes in a few coordinates.
      // Rates are near the highest that leave neurons in reach: too high for few features, which the
      // firing floor sees. Of many rows, half the passes do.
      switch (task, scaling) {
      case (.regression, _): (expectedFiring, epochs, sgdRate) = (64, 40, 20)
      case (.classification, .commonScale), (.multiLabel, .commonScale):
        (expectedFiring, epochs, sgdRate) = (64, 30, 30)
      case (.classification, _):
        (expectedFiring, epochs, sgdRate) = (16, max(15, min(30, 240_000 / max(1, rows))), 45)
      case (.multiLabel, _): (expectedFiring, epochs, sgdRate) = (16, 30, 30)
      }
      batchSize = task != .regression && scaling == .commonScale ? 8 : 32
    }

    func learningRate(for optimizer: TrainingOptions.OptimizerName) -> Double {
      switch optimizer {
      case .sgd: sgdRate
      case .momentum: sgdRate / 10
      case .adagrad: 0.1
      case .adam: 0.01
      }
    }
  }

  private static func optimizer(_ name: TrainingOptions.OptimizerName) -> Optimizer {
    switch name {
    case .sgd: .sgd
    case .adagrad: .adaGrad()
    case .momentum: .momentum()
    case .adam: .adam()
    }
  }

  static func loss(_ name: TrainingOptions.LossName?, task: PredictionTask) -> Loss {
    switch name {
    case .squared: .squared
    case .absolute: .absolute
    case .huber: .huber(delta: 1)
    case .logistic: .logistic
    case .hinge: .hinge
    case .softmax: .softmaxCrossEntropy
    case .oneVersusRest: .oneVersusRestLogistic
    // Huber: near the squared loss for good rows, but its slope is bounded, so that no outlier and
    // no learning rate makes the run diverge.
    case nil:
      switch task {
      case .classification: .softmaxCrossEntropy
      case .regression: .huber(delta: 1)
      case .multiLabel: .oneVersusRestLogistic
      }
    }
  }

  /// The targets of a table as the loss takes them.
  ///
  /// - Throws: `TableError` for bad cells, `ConfigurationError` when loss and task do not fit.
  public func targets(of table: Table, by target: TargetEncoder) throws -> Targets {
    switch (target.task, training.loss) {
    case (.classification, .softmaxCrossEntropy), (.classification, .oneVersusRestLogistic):
      return .classes(try target.classes(of: table), count: target.labels.count)
    case (.multiLabel, .oneVersusRestLogistic):
      return .labelSets(try target.labelSets(of: table), count: target.labels.count)
    case (.classification, .logistic), (.classification, .hinge):
      guard target.labels.count == 2 else {
        throw ConfigurationError.invalid(
          "the \(training.loss.name) loss is for 2 classes, the target has "
            + "\(target.labels.count)")
      }
      return .values(Matrix(try target.classes(of: table).map { [Float($0)] }))
    case (.regression, .squared), (.regression, .absolute), (.regression, .huber):
      return .values(Matrix(try target.standardizedValues(of: table).map { [$0] }))
    default:
      throw ConfigurationError.invalid(
        "the \(training.loss.name) loss is not for \(target.task.rawValue)")
    }
  }

  /// How often each row of a table counts; nil: once each.
  ///
  /// - Throws: `TableError` for bad cells, `ConfigurationError` for class weights that do not fit.
  public func weights(of table: Table, by target: TargetEncoder) throws -> [Double]? {
    var weights: [Double]?
    if let weightColumn {
      weights = try table.weights(in: weightColumn)
    }
    if let classWeights {
      guard target.task == .classification else {
        throw ConfigurationError.invalid(
          "class weights are for classes, the target is "
            + (target.task == .regression ? "a number" : "a set of labels"))
      }
      let classes = try target.classes(of: table)
      let factors = try classWeights.weights(of: classes, labels: target.labels)
      weights = classes.indices.map { (weights?[$0] ?? 1) * factors[Int(classes[$0])] }
    }
    return weights
  }

  /// Inputs, targets and weights of some rows.
  typealias Rows = (inputs: InputRows, targets: Targets, weights: [Double]?)

  /// Sets a tenth of the training rows apart when early stopping is to watch them.
  func validationSplit(
    _ inputs: InputRows, _ targets: Targets, _ weights: [Double]?
  ) throws -> (kept: Rows, held: Rows?) {
    guard patience != nil else { return ((inputs, targets, weights), nil) }
    let split = TrainTestSplit(
      rowCount: inputs.rows, testFraction: 0.1, seed: training.seed &+ 1)
    guard !split.training.isEmpty, !split.test.isEmpty else {
      throw ConfigurationError.invalid("\(inputs.rows) rows are too few for early stopping")
    }
    return (
      (
        inputs.gather(split.training), targets.gather(split.training),
        weights.map { weights in split.training.map { weights[$0] } }
      ), (inputs.gather(split.test), targets.gather(split.test), nil)
    )
  }
}
