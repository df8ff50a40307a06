// SPDX-License-Identifier: Apache-2.0
public import ArgumentParser
public import Halfspace

/// The settings of a network and its training that a person may want to choose; what is left out
/// is chosen from the data.
///
/// Numbers are parsed unconditionally, so that a negative one is taken for what it is and not for
/// an option.
struct TrainingFlags: ParsableArguments {
  @Option(
    help: ArgumentHelp("What to predict. (default: as the target suggests)", valueName: "task"))
  var task: PredictionTask?

  @Option(
    help: ArgumentHelp(
      "What separates the labels in a cell of the target, of which a row may have any number.",
      valueName: "character"),
    transform: separator)
  var labelSeparator: Character?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Number of neurons. \(DefaultText.of(\.width))", valueName: "m"))
  var width: Int?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Threshold: a neuron fires when <w, x> > b. (default: from --expected-firing)",
      valueName: "b"))
  var threshold: Float?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Share of neurons that fire on a row at the start; sets the threshold.", valueName: "share"))
  var firingFraction: Double?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Neurons that fire on a row at the start; sets the threshold. "
        + "(default: 16 or 64, by task and features)",
      valueName: "k"))
  var expectedFiring: Double?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Passes over the training rows; for classes of very many rows half of what is usual. "
        + DefaultText.of(\.epochs), valueName: "n"))
  var epochs: Int?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Rows per step; a quarter of them for classes of pixels and the like. "
        + DefaultText.of(\.batchSize), valueName: "n"))
  var batch: Int?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Learning rate at the start; it falls to zero. (default: by task and optimizer, and a third "
        + "of it where that leaves too few neurons firing)",
      valueName: "rate"))
  var learningRate: Double?

  @Option(help: ArgumentHelp("How gradients become steps. (default: sgd)", valueName: "name"))
  var optimizer: TrainingOptions.OptimizerName?

  @Option(
    help: ArgumentHelp(
      "The loss; must fit the task. \(DefaultText.of(\.loss))", valueName: "name"))
  var loss: TrainingOptions.LossName?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Share of the weights lost per step, times the learning rate. (default: 0)",
      valueName: "share"))
  var weightDecay: Double?

  @Option(help: ArgumentHelp("How the first layer is drawn.", valueName: "name"))
  var initial: InitialChoice = .productGrid

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Groups of a product grid: more are closer to independent rows. (default: by the width)",
      valueName: "n"))
  var groups: Int?

  @Option(
    help: ArgumentHelp(
      "How the output weights start. (default: zero; signed-pairs with --fixed-outputs)",
      valueName: "name"))
  var outputs: OutputsChoice?

  @Option(
    help: ArgumentHelp(
      "How the neurons that fire are found; changes the time, never the model. "
        + "(default: automatic, static-index with --paper)",
      valueName: "name"))
  var lookup: LookupStrategy?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "How far weights may move from where --lookup static-index holds them. (default: by the "
        + "threshold, planned with --paper)",
      valueName: "distance"))
  var indexMargin: Double?

  @Flag(help: "Keep the output weights as they start; only the first layer is trained.")
  var fixedOutputs = false

  @Option(
    help: ArgumentHelp(
      "How features are scaled. (default: as the features suggest)", valueName: "name"))
  var scaling: FeatureTransform.Scaling?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Constant coordinate appended to the features. (default: by their number)",
      valueName: "value"))
  var constant: Double?

  @Option(
    help: ArgumentHelp(
      "Whether a metric of the features is learned by a short run first. (default: as trials say "
        + "where no settings are given, otherwise none)",
      valueName: "name"))
  var metric: TrainingOptions.Metric?

  @Option(
    help: ArgumentHelp(
      "Whether a linear model is fitted first, which the network is trained on top of and which is "
        + "then part of it; with --epochs 0, all of it. (default: as trials say where no settings are given, otherwise none)",
      valueName: "name"))
  var linearPart: TrainingOptions.LinearPart?

  @Option(
    help: ArgumentHelp(
      "A column that says how often each row counts in training.", valueName: "column"))
  var weightColumn: String?

  @Option(
    help: ArgumentHelp(
      "How often rows of each class count in training: balanced, or label=weight,...",
      valueName: "weights"))
  var classWeights: ClassWeights?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Columns that sparse rows (libsvm) are hashed to, 0: not at all. "
        + "(default: by their entries, where there are many columns)",
      valueName: "n"))
  var hashColumns: Int?

  @Option(
    help: ArgumentHelp(
      "A column not to be used; may be given several times.", valueName: "column"))
  var drop: [String] = []

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Share of the rows held out to test, 0 to train on all.", valueName: "share"))
  var testFraction = 0.2

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Stop when the loss on a tenth of the training rows, set apart, has not improved for n epochs.",
      valueName: "n"))
  var patience: Int?

  @Option(
    parsing: .unconditional, help: ArgumentHelp("Seed of everything random.", valueName: "n"))
  var seed: UInt64 = 1

  func validate() throws {
    let thresholds = [threshold != nil, firingFraction != nil, expectedFiring != nil].count { $0 }
    guard thresholds <= 1 else {
      throw ValidationError(
        "Give one of --threshold, --firing-fraction and --expected-firing, not several.")
    }
    guard groups == nil || initial == .productGrid else {
      throw ValidationError("--groups is for --initial product-grid.")
    }
    guard seed <= UInt64(Int.max) else {
      throw ValidationError("--seed must be between 0 and \(Int.max).")
    }
  }

  /// The options of the library that these flags stand for.
  func options(threads: Int) -> TrainingOptions {
    var options = TrainingOptions()
    options.task = task
    options.labelSeparator = labelSeparator
    options.width = width
    options.threshold =
      threshold.map(Threshold.value) ?? firingFraction.map(Threshold.firingFraction)
      ?? expectedFiring.map(Threshold.expectedFiring)
    options.rows = initial == .gaussian ? .gaussian : .productGrid(groups: groups)
    options.outputs = outputs?.initialOutputs
    options.trainsOutputs = !fixedOutputs
    options.loss = loss
    options.optimizer = optimizer
    options.epochs = epochs
    options.batchSize = batch
    options.learningRate = learningRate
    options.weightDecay = weightDecay
    options.patience = patience
    options.scaling = scaling
    options.constant = constant
    options.metric = metric
    options.linearPart = linearPart
    options.weightColumn = weightColumn
    options.classWeights = classWeights
    options.hashColumns = hashColumns
    options.droppedColumns = Set(drop)
    options.testFraction = testFraction
    options.seed = seed
    if let lookup { options.lookup = lookup }
    options.indexMargin = indexMargin
    options.threads = threads
    return options
  }
}

/// A character as a person writes it, `\t` for a tab.
private func separator(_ text: String) throws -> Character {
  if text == "\\t" { return "\t" }
  guard text.count == 1, let only = text.first else {
    throw ValidationError("expected one character, or \\t")
  }
  return only
}

/// Defaults as help texts say them.
private enum DefaultText {
  /// "(default: 32768)", or one number for each task where they differ.
  static func of<Value: Equatable>(_ value: KeyPath<TrainingDefaults, Value>) -> String {
    let classes = TrainingDefaults(task: .classification)[keyPath: value]
    let numbers = TrainingDefaults(task: .regression)[keyPath: value]
    return classes == numbers
      ? "(default: \(classes))" : "(default: \(classes) for classes, \(numbers) for numbers)"
  }
}

/// `--initial`.
enum InitialChoice: String, ExpressibleByArgument, CaseIterable {
  case productGrid = "product-grid"
  case gaussian
}

/// `--outputs`.
enum OutputsChoice: String, ExpressibleByArgument, CaseIterable {
  case zero
  case pairs
  case signedPairs = "signed-pairs"
  case independent

  var initialOutputs: InitialOutputs {
    switch self {
    case .zero: .zero
    case .pairs: .symmetricPairs(.gaussian)
    case .signedPairs: .symmetricPairs(.signs)
    case .independent: .independent(.gaussian)
    }
  }
}

extension DataFormat: ExpressibleByArgument {}
extension ModelFormat: ExpressibleByArgument {}
extension PredictionTask: ExpressibleByArgument {}
extension TrainingOptions.OptimizerName: ExpressibleByArgument {}
extension TrainingOptions.LossName: ExpressibleByArgument {}
extension LookupStrategy: ExpressibleByArgument {}
extension TrainingOptions.Metric: ExpressibleByArgument {}
extension TrainingOptions.LinearPart: ExpressibleByArgument {}
extension FeatureTransform.Scaling: ExpressibleByArgument {}

extension ClassWeights: ExpressibleByArgument {
  /// "balanced", or "yes=5,no=1".
  public init?(argument: String) {
    if argument == "balanced" {
      self = .balanced
      return
    }
    var weights: [String: Double] = [:]
    for part in argument.split(separator: ",") {
      // A label may hold the sign, a weight does not.
      guard let sign = part.lastIndex(of: "="),
        let weight = Double(part[part.index(after: sign)...]),
        weights.updateValue(weight, forKey: String(part[..<sign])) == nil
      else { return nil }
    }
    guard !weights.isEmpty else { return nil }
    self = .given(weights)
  }
}
