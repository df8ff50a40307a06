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
  @safe @exclusivity(unchecked) public internal(set) var times = TrainingTimes()
  /// Steps taken.
  @safe @exclusivity(unchecked) public internal(set) var stepCount = 0
  /// Neurons that have fired in all steps, summed over rows; with several processes, those held
  /// here.
  @safe @exclusivity(unchecked) public internal(set) var firings = 0
  /// What the processes that share the network have told each other in steps.
  public var traffic: ExchangeTraffic {
    sharedForward?.traffic ?? dividedBatch?.traffic ?? .init()
  }
  /// Work of the lookups, and memory.
  public var lookupStatistics: IndexStatistics { lookup.work }

  /// How far the run is.
  public internal(set) var progress = RunProgress()
  /// What states carry along for whoever makes this trainer again, for one how its settings were found;
  /// of a trainer that goes on, the note of its state.
  public var note: String?

  let networkConfiguration: NetworkConfiguration
  let inputs: InputRows
  /// The inputs where they are a matrix, of which every step has a copy of some rows.
  let matrix: Matrix?
  let targets: Targets
  /// How often each row counts, 1 on average; nil: once each.
  let weights: [Float]?
  /// What is added to the scores of each row before the loss, `[n, C]`; nil: nothing.
  let offsets: Matrix?
  let validation: (inputs: InputRows, targets: Targets)?
  let validationOffsets: Matrix?
  let trainsOutputs: Bool
  let outputCount: Int
  let stepsPerEpoch: Int

  // Steps do not overlap, and so do no accesses to what they change: to have that checked at every access would
  // be a tenth of a step of one row.
  @safe @exclusivity(unchecked) var lookup: any NeuronLookup
  @safe @exclusivity(unchecked) var report = FiringReport()
  /// Of a divided batch, the pairs whose neurons are moved here.
  var ownedReport = FiringReport()
  /// 0..<M, for optimizers that move every row.
  var allNeurons: [Int32] = []
  let step: SparseStep
  @safe @exclusivity(unchecked) var timer = StepTimer()
  @safe @exclusivity(unchecked) var threadChoice: ThreadChoice
  @safe @exclusivity(unchecked) var moves: MoveBounds
  /// Whether other processes take part in the steps. How: one of the two, nil where this one is alone.
  let isShared: Bool
  @safe @exclusivity(unchecked) var sharedForward: SharedForward?
  @safe @exclusivity(unchecked) var dividedBatch: DividedBatch?
  @safe @exclusivity(unchecked) var lossWorkspace: LossWorkspace
  @safe @exclusivity(unchecked) var hidden: LayerOptimizer
  @safe @exclusivity(unchecked) var output: LayerOptimizer?
  @safe @exclusivity(unchecked) var average: IterateAverage?
  var best: BestIterates?
  /// The rows of a step; without rows where `sparse` is all that is needed.
  @safe @exclusivity(unchecked) var batch: Matrix
  /// The rows of a step where the inputs are sparse.
  let sparse: SparseQueries?
  let batchRows: Int
  @safe @exclusivity(unchecked) var scores: Matrix
  @safe @exclusivity(unchecked) var gradient: Matrix
  /// Why rows could no longer be read.
  @safe @exclusivity(unchecked) var readFailure: RowReadError?
  /// The fingerprint of the data, once it was needed.
  var knownData: DataFingerprint?

  /// Prepares training of `network` on `inputs` `[n, d]` with `targets` (n entries): checks both
  /// and makes the static report.
  ///
  /// - Parameters:
  ///   - inputs: transformed rows, finite.
  ///   - targets: one entry per row.
  ///   - network: the network before training.
  ///   - training: how to train it.
  ///   - validation: rows to measure after each epoch.
  ///   - state: where to go on from; there is no static report then.
  ///   - communicator: the processes that share the network.
  /// - Throws: `ConfigurationError`, also for a state of another run.
  /// - Complexity: n static reports; memory O(M (d + C)) for the M neurons that fire.
  public convenience init(
    inputs: Matrix, targets: Targets, network: NetworkConfiguration,
    training: TrainingConfiguration, validation: (inputs: Matrix, targets: Targets)? = nil,
    resuming state: TrainerState? = nil, communicator: any Communicator = SingleProcess()
  ) throws(ConfigurationError) {
    try self.init(
      rows: .dense(inputs), targets: targets, network: network, training: training,
      validation: validation.map { (.dense($0.inputs), $0.targets) }, resuming: state,
      communicator: communicator)
  }

  /// As `init(inputs:targets:network:training:validation:)` for rows that may also be sparse or
  /// streamed. What is trained does not depend on which of these they are.
  ///
  /// - Parameters:
  ///   - weights: how often each row counts, relative to the others: not negative, not all
  ///     zero. Divided by their mean, they multiply the loss and the gradient of a row: a step on all
  ///     rows is then the step on a data set that repeats every row as often as it counts, up to
  ///     rounding. Rows of weight zero still have their static report. Validation rows and new rows
  ///     count once each.
  ///   - offsets: what another model says of the rows, `[n, C]`: the network is trained to be right
  ///     together with it. Rows that come later cannot be trained on then.
  ///   - validationOffsets: the same of the validation rows.
  /// - Throws: `ConfigurationError`, also when streamed rows cannot be read or are not finite.
  public init(
    rows inputs: InputRows, targets: Targets, weights: [Double]? = nil, offsets: Matrix? = nil,
    network: NetworkConfiguration, training: TrainingConfiguration,
    validation: (inputs: InputRows, targets: Targets)? = nil, validationOffsets: Matrix? = nil,
    resuming state: TrainerState? = nil, communicator: any Communicator = SingleProcess()
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
    try Self.check(offsets, rows: inputs.rows, outputs: outputCount)
    try Self.check(validationOffsets, rows: validation?.inputs.rows ?? 0, outputs: outputCount)
    guard (offsets == nil) == (validationOffsets == nil) || validation == nil else {
      throw .invalid("training and validation rows both have offsets, or none of them")
    }
    let threshold = try network.threshold.resolved(width: network.width)
    try training.validate(threshold: threshold)
    let initial = try network.makeInitialNetwork(
      dimension: inputs.columns, outputCount: outputCount)
    configuration = training
    networkConfiguration = network
    stepsPerEpoch = (inputs.rows - 1) / training.batchSize + 1
    let exponent =
      Double(training.epochs * stepsPerEpoch) * training.learningRate * training.weightDecay
    guard exponent < 20 else {
      throw .invalid(
        "the weight decay \(training.weightDecay) would shrink the weights by exp(-\(exponent))")
    }
    self.inputs = inputs
    matrix = inputs.inMemory
    self.targets = targets
    if let weights {
      self.weights = try Self.relative(weights, rows: inputs.rows)
    } else {
      self.weights = nil
    }
    self.offsets = offsets
    self.validation = validation
    self.validationOffsets = validationOffsets
    trainsOutputs = network.trainsOutputs

    let division = try training.division(for: communicator, inputs: inputs)
    let start = Stopwatch.now
    if let state {
      let data = DataFingerprint(
        inputs: inputs, targets: targets, weights: self.weights, offsets: offsets,
        validation: validation, validationOffsets: validationOffsets)
      try state.requireSameRun(network: network, training: training, data: data)
      knownData = data
      self.network = try state.makeNetwork(
        initial: initial, threshold: threshold, communicator: communicator, division: division)
    } else {
      self.network = MaterializedNetwork(
        initial: initial, threshold: threshold, outputScale: network.outputScale,
        communicator: communicator, division: division,
        batchSize: min(training.batchSize, inputs.rows))
      do throws(RowReadError) {
        try self.network.materialize(firingOn: inputs, threads: training.threads)
      } catch {
        throw .unreadable(error)
      }
    }
    guard self.network.count > 0 else {
      throw .silent(threshold: threshold, width: network.width, rows: inputs.rows)
    }
    lookup = try training.makeLookup(inputs: inputs, weights: self.network.weights)
    hidden = LayerOptimizer(optimizer: training.optimizer, parameters: self.network.weights)
    output =
      trainsOutputs
      ? LayerOptimizer(optimizer: training.optimizer, parameters: self.network.outputs) : nil
    let rows = min(training.batchSize, inputs.rows)
    step = SparseStep(threads: training.threads)
    threadChoice = ThreadChoice(threads: training.threads)
    moves = MoveBounds(inputs: inputs, batch: rows)
    lossWorkspace = LossWorkspace(batch: rows)
    batchRows = rows
    if case .sparse = inputs {
      sparse = SparseQueries(columns: inputs.columns)
    } else {
      sparse = nil
    }
    let needsMatrix =
      sparse == nil || training.needsBatchWithZeros || !training.optimizer.restsAtZeroGradient
    batch = Matrix(rows: needsMatrix ? rows : 0, columns: inputs.columns)
    scores = Matrix(rows: rows, columns: outputCount, packedSingleColumn: true)
    gradient = scores.emptyTwin()
    isShared = communicator.size > 1
    if let state { restore(state) }
    if isShared {
      if self.network.division == .batches {
        dividedBatch = DividedBatch(
          communicator: communicator, ownership: self.network.ownership)
      } else {
        sharedForward = SharedForward(communicator: communicator)
      }
    }
    times.report += start.secondsToNow
  }

  /// Weights divided by their mean.
  static func relative(_ weights: [Double], rows: Int) throws(ConfigurationError) -> [Float] {
    guard weights.count == rows else {
      throw .invalid("\(rows) input rows but \(weights.count) weights")
    }
    if let row = weights.firstIndex(where: { !($0 >= 0 && $0.isFinite) }) {
      throw .invalid("the weight \(weights[row]) of row \(row) is not a number of at least 0")
    }
    let mean = weights.reduce(0) { $0 + $1 / Double(rows) }
    guard mean > 0, mean.isFinite else { throw .invalid("all weights are zero") }
    return weights.map { Float($0 / mean) }
  }

  private static func check(
    _ offsets: Matrix?, rows: Int, outputs: Int
  ) throws(ConfigurationError) {
    guard let offsets else { return }
    guard offsets.rows == rows, offsets.columns == outputs else {
      throw .invalid(
        "offsets [\(offsets.rows), \(offsets.columns)] for \(rows) rows of \(outputs) outputs")
    }
    guard offsets.isFinite else { throw .invalid("the offsets are not finite") }
  }

  static func check(_ inputs: InputRows, _ targets: Targets) throws(ConfigurationError) {
    guard inputs.rows > 0 else { throw .invalid("there are no rows") }
    guard inputs.rows == targets.count else {
      throw .invalid("\(inputs.rows) input rows but \(targets.count) targets")
    }
    for (what, rows) in [("the input", inputs), ("the target", targets.matrix.map { .dense($0) })] {
      if let row = rows?.firstNotFinite { throw .notFinite(what: what, row: row) }
    }
  }
}
