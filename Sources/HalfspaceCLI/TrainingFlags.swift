// SPDX-License-Identifier: Apache-2.0
public import ArgumentParser
public import Halfspace

/// The settings of a network and its training that a person may want to choose; what is left out
/// is chosen from the data.
struct TrainingFlags: ParsableArguments {
  @Option(help: "What to predict: classification or regression (default: as the target suggests).")
  var task: PredictionTask?

  @Option(help: "Number of neurons.")
  var width: Int?

  @Option(help: "Threshold b: a neuron fires when <w, x> > b.")
  var threshold: Float?

  @Option(help: "Share of neurons that fire on a row at initialization; sets the threshold.")
  var firingFraction: Double?

  @Option(help: "Neurons expected to fire on a row at initialization; sets the threshold.")
  var expectedFiring: Double?

  @Option(help: "Passes over the training rows.")
  var epochs: Int?

  @Option(help: "Rows per step.")
  var batch: Int?

  @Option(help: "Learning rate at the start; it falls to zero.")
  var learningRate: Double?

  @Option(help: "How gradients become steps.")
  var optimizer: TrainingOptions.OptimizerName?

  @Option(help: "The loss; must fit the task.")
  var loss: TrainingOptions.LossName?

  @Option(help: "Scalar weight decay.")
  var weightDecay: Double?

  @Option(help: "How the first layer is drawn.")
  var initial: InitialChoice = .productGrid

  @Option(help: "How the output weights start.")
  var outputs: OutputsChoice?

  @Flag(help: "Keep the output weights as they start; only the first layer is trained.")
  var fixedOutputs = false

  @Option(help: "How features are scaled (default: as the features suggest).")
  var scaling: FeatureTransform.Scaling?

  @Option(help: "Constant coordinate appended to the features.")
  var constant: Double?

  @Option(help: "A column not to be used; may be given several times.")
  var drop: [String] = []

  @Option(help: "Share of the rows held out to test, 0 to train on all.")
  var testFraction = 0.2

  @Option(
    help: "End when the loss on a validation share of the training rows has not improved for N epochs."
  )
  var patience: Int?

  @Option(help: "Seed of everything random.")
  var seed: UInt64 = 1

  @Option(help: "Threads; the result does not depend on them.")
  var threads: Int = ThreadCount.available

  func validate() throws {
    let thresholds = [threshold != nil, firingFraction != nil, expectedFiring != nil].count { $0 }
    guard thresholds <= 1 else {
      throw ValidationError(
        "Give one of --threshold, --firing-fraction and --expected-firing, not several.")
    }
    guard threads > 0 else { throw ValidationError("--threads must be at least 1.") }
  }

  /// The options of the library that these flags stand for.
  var options: TrainingOptions {
    var options = TrainingOptions()
    options.task = task
    options.width = width
    options.threshold =
      threshold.map(Threshold.value) ?? firingFraction.map(Threshold.firingFraction)
      ?? expectedFiring.map(Threshold.expectedFiring)
    options.rows = initial == .gaussian ? .gaussian : .productGrid()
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
    options.droppedColumns = Set(drop)
    options.testFraction = testFraction
    options.seed = seed
    options.threads = threads
    return options
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

extension PredictionTask: ExpressibleByArgument {}
extension TrainingOptions.OptimizerName: ExpressibleByArgument {}
extension TrainingOptions.LossName: ExpressibleByArgument {}
extension FeatureTransform.Scaling: ExpressibleByArgument {}
