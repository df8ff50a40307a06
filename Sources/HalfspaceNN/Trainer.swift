// SPDX-License-Identifier: Apache-2.0
public import HalfspaceLinalg
public import HalfspaceReporting

/// Trains a two-layer shifted-ReLU network on the rows of a matrix, exactly: the weights follow
/// the dense network's trajectory bit for bit, at the price of the neurons that fire.
///
/// ```swift
/// let trainer = try Trainer(
///   inputs: inputs, targets: .classes(labels, count: 10),
///   network: .init(width: 1 << 16, threshold: .expectedFiring(64)),
///   training: .init(loss: .softmaxCrossEntropy))
/// try trainer.run()
/// let scores = trainer.predictor().scores(for: inputs)
/// ```
///
/// Creating a trainer makes the static report: one half-space query per training row over the
/// initial network, which finds the neurons that will ever matter. Same seed, same data, same
/// settings: same bits, whatever the number of threads.
///
/// With a communicator, several processes train one network: each makes a share of the static report
/// and holds some logical shards, their rows, lookups and optimizer state; in every step all see the
/// batch, and tell each other the sums of their shards, never a gradient. The bits are those of one
/// process. All processes call the same methods, with the same data and settings, and get the same
/// results.
public final class Trainer {
  /// The settings.
  public let configuration: TrainingConfiguration
  /// The network in training.
  public let network: MaterializedNetwork
  /// Where the time went.
  public internal(set) var times = TrainingTimes()
  /// Steps taken.
  public internal(set) var stepCount = 0
  /// Neurons that have fired in all steps, summed over rows; with several processes, those held
  /// here.
  public internal(set) var firings = 0
  /// What the processes that share the network have told each other in steps.
  public var traffic: ExchangeTraffic {
    sharedForward?.traffic ?? dividedBatch?.traffic ?? .init()
  }
  /// Work of the lookups, and memory.
  public var lookupStatistics: IndexStatistics { lookup.work }
  /// How the neurons that fired were found. O(M d).
  public var lookupSummary: LookupSummary {
    LookupSummary(strategy: lookup.strategy, work: lookup.work, statistics: lookup.statistics)
  }

  let inputs: Matrix
  let targets: Targets
  let validation: (inputs: Matrix, targets: Targets)?
  let trainsOutputs: Bool
  let outputCount: Int
  let stepsPerEpoch: Int

  var lookup: any NeuronLookup
  var report = FiringReport()
  /// Of a divided batch, the pairs whose neurons are moved here.
  var ownedReport = FiringReport()
  /// 0..<M, for optimizers that move every row.
  var allNeurons: [Int32] = []
  var step: SparseStep
  /// How processes share the steps; both nil where this one is alone.
  var sharedForward: SharedForward?
  var dividedBatch: DividedBatch?
  var lossWorkspace: LossWorkspace
  var hidden: LayerOptimizer
  var output: LayerOptimizer?
  var average: IterateAverage?
  var best: (loss: Double, epoch: Int, predictor: Predictor)?
  var batch: Matrix
  var scores: Matrix
  var gradient: Matrix

  /// Prepares training of `network` on `inputs` `[n, d]` with `targets` (n entries): checks both
  /// and makes the static report.
  ///
  /// - Parameters:
  ///   - inputs: transformed rows, finite.
  ///   - targets: one entry per row.
  ///   - network: the network before training.
  ///   - training: how to train it.
  ///   - validation: rows to measure after each epoch.
  ///   - communicator: the processes that share the network.
  /// - Throws: `ConfigurationError`.
  /// - Complexity: n static reports; memory O(M (d + C)) for the M neurons that fire.
  public init(
    inputs: Matrix, targets: Targets, network: NetworkConfiguration,
    training: TrainingConfiguration, validation: (inputs: Matrix, targets: Targets)? = nil,
    communicator: any Communicator = SingleProcess()
  ) throws(ConfigurationError) {
    outputCount = try training.loss.outputCount(for: targets)
    try Self.check(inputs, targets)
    if let validation {
      try Self.check(validation.inputs, validation.targets)
      guard validation.inputs.columns == inputs.columns else {
        throw .invalid(
          "the validation rows have \(validation.inputs.columns) columns, the training rows "
            + "\(inputs.columns)")
      }
      guard try training.loss.outputCount(for: validation.targets) == outputCount else {
        throw .invalid("the validation targets do not have the training targets' outputs")
      }
    } else if training.patience != nil {
      throw .invalid("early stopping needs validation rows")
    }
    let threshold = try network.threshold.resolved(width: network.width)
    try training.validate(threshold: threshold)
    let initial = try network.makeInitialNetwork(
      dimension: inputs.columns, outputCount: outputCount)
    configuration = training
    stepsPerEpoch = (inputs.rows - 1) / training.batchSize + 1
    let exponent =
      Double(training.epochs * stepsPerEpoch) * training.learningRate * training.weightDecay
    guard exponent < 20 else {
      throw .invalid(
        "the weight decay \(training.weightDecay) would shrink the weights by exp(-\(exponent))")
    }
    self.inputs = inputs
    self.targets = targets
    self.validation = validation
    trainsOutputs = network.trainsOutputs

    self.network = MaterializedNetwork(
      initial: initial, threshold: threshold, outputScale: network.outputScale,
      communicator: communicator, division: try training.division(for: communicator),
      batchSize: min(training.batchSize, inputs.rows))
    let start = ContinuousClock.now
    self.network.materialize(
      firingOn: inputs, rows: 0..<inputs.rows, threads: training.threads)
    guard self.network.count > 0 else {
      throw .silent(threshold: threshold, width: network.width, rows: inputs.rows)
    }
    lookup = training.makeLookup(inputs: inputs, weights: self.network.weights)
    hidden = LayerOptimizer(optimizer: training.optimizer, parameters: self.network.weights)
    output =
      trainsOutputs
      ? LayerOptimizer(optimizer: training.optimizer, parameters: self.network.outputs) : nil
    let rows = min(training.batchSize, inputs.rows)
    step = SparseStep(threads: training.threads)
    lossWorkspace = LossWorkspace(batch: rows)
    batch = Matrix(rows: rows, columns: inputs.columns)
    scores = Matrix(rows: rows, columns: outputCount, packedSingleColumn: true)
    gradient = scores.emptyTwin()
    if communicator.size > 1 {
      if self.network.division == .batches {
        dividedBatch = DividedBatch(
          communicator: communicator, ownership: self.network.ownership)
      } else {
        sharedForward = SharedForward(communicator: communicator)
      }
    }
    times.report = start.secondsToNow
  }

  static func check(_ inputs: Matrix, _ targets: Targets) throws(ConfigurationError) {
    guard inputs.rows > 0 else { throw .invalid("there are no rows") }
    guard inputs.rows == targets.count else {
      throw .invalid("\(inputs.rows) input rows but \(targets.count) targets")
    }
    for (what, matrix) in [("the input", inputs), ("the target", targets.matrix)] {
      guard let matrix, !matrix.isFinite else { continue }
      let row = (0..<matrix.rows).first { !matrix.rowArray($0).allSatisfy(\.isFinite) }
      throw .notFinite(what: what, row: row ?? 0)
    }
  }
}
