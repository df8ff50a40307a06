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
public final class Trainer {
  /// The settings.
  public let configuration: TrainingConfiguration
  /// The network in training.
  public let network: MaterializedNetwork
  /// Where the time went.
  public private(set) var times = TrainingTimes()
  /// Steps taken.
  public private(set) var stepCount = 0
  /// Neurons that have fired in all steps, summed over rows.
  public private(set) var firings = 0
  /// Work of the lookups.
  public var lookupStatistics: IndexStatistics {
    var statistics = index.statistics
    statistics.add(workOf: workOfEarlierIndexes)
    return statistics
  }

  private let inputs: Matrix
  private let targets: Targets
  private let validation: (inputs: Matrix, targets: Targets)?
  private let trainsOutputs: Bool
  private let outputCount: Int
  private let stepsPerEpoch: Int

  private var index: any HalfSpaceIndex
  private var workOfEarlierIndexes = IndexStatistics()
  private var report = FiringReport()
  private var step: SparseStep
  private var lossWorkspace: LossWorkspace
  private var hidden: LayerOptimizer
  private var output: LayerOptimizer?
  private var average: IterateAverage?
  private var best: (loss: Double, epoch: Int, predictor: Predictor)?
  private var batch: Matrix
  private var scores: Matrix
  private var gradient: Matrix

  /// Prepares training of `network` on `inputs` `[n, d]` with `targets` (n entries): checks both
  /// and makes the static report.
  ///
  /// - Parameters:
  ///   - inputs: transformed rows, finite.
  ///   - targets: one entry per row.
  ///   - network: the network before training.
  ///   - training: how to train it.
  ///   - validation: rows to measure after each epoch.
  /// - Throws: `ConfigurationError`.
  /// - Complexity: n static reports; memory O(M (d + C)) for the M neurons that fire.
  public init(
    inputs: Matrix, targets: Targets, network: NetworkConfiguration,
    training: TrainingConfiguration, validation: (inputs: Matrix, targets: Targets)? = nil
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
      initial: initial, threshold: threshold, outputScale: network.outputScale)
    let start = ContinuousClock.now
    self.network.materialize(
      firingOn: inputs, rows: 0..<inputs.rows, threads: training.threads)
    guard self.network.count > 0 else {
      throw .silent(threshold: threshold, width: network.width, rows: inputs.rows)
    }
    index = BruteForceIndex(self.network.weights, threads: training.threads)
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
    times.report = start.secondsToNow
  }

  private static func check(_ inputs: Matrix, _ targets: Targets) throws(ConfigurationError) {
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

  // MARK: Running

  /// Trains for the configured epochs. To be called once: a schedule that has fallen to zero stays
  /// there.
  ///
  /// - Parameter onEpoch: called after each epoch; may end the run.
  /// - Returns: the reports of all epochs.
  /// - Throws: `TrainingError.diverged` when the loss is no longer finite.
  @discardableResult
  public func run(
    onEpoch: (EpochReport) -> TrainingAction = { _ in .proceed }
  ) throws(TrainingError) -> [EpochReport] {
    var reports: [EpochReport] = []
    best = nil
    for epoch in 0..<configuration.epochs {
      let report = try runEpoch(epoch)
      reports.append(report)
      if case .stop = onEpoch(report) { break }
      if let patience = configuration.patience, let best, report.epoch - best.epoch >= patience {
        break
      }
    }
    return reports
  }

  private func runEpoch(_ epoch: Int) throws(TrainingError) -> EpochReport {
    var order = Array(0..<inputs.rows)
    if configuration.shuffles {
      // A generator per epoch: the order of an epoch does not depend on how it was reached.
      var generator = SeededGenerator(seed: configuration.seed, stream: UInt64(epoch))
      generator.shuffle(&order)
    }
    var loss = 0.0
    let firingsBefore = firings
    let size = min(configuration.batchSize, order.count)
    for start in stride(from: 0, to: order.count, by: size) {
      loss += takeStep(order[start..<min(start + size, order.count)])
    }
    guard loss.isFinite else {
      throw .diverged(epoch: epoch + 1, learningRate: configuration.learningRate)
    }
    var report = EpochReport(
      epoch: epoch + 1, epochs: configuration.epochs, loss: loss / Double(order.count),
      learningRate: learningRate(step: max(0, stepCount - 1)),
      firingsPerRow: Double(firings - firingsBefore) / Double(order.count),
      materialized: network.count, times: times)
    if let validation {
      let clock = ContinuousClock.now
      let current = predictorOfLastIterates()
      let result = configuration.loss.measure(
        current.scores(for: validation.inputs, threads: configuration.threads),
        against: validation.targets)
      report.validationLoss = result.loss
      report.validationAccuracy = result.accuracy
      if configuration.patience != nil, result.loss < best?.loss ?? .infinity {
        best = (result.loss, epoch + 1, current)
      }
      times.validation += clock.secondsToNow
      report.times = times
    }
    return report
  }

  private func learningRate(step: Int) -> Double {
    configuration.learningRate
      * configuration.schedule.factor(
        step: step, steps: configuration.epochs * stepsPerEpoch, stepsPerEpoch: stepsPerEpoch)
  }

  // MARK: A step

  /// Takes one step on the given training rows (at most a batch) and returns the sum of their
  /// losses before it.
  ///
  /// `run(onEpoch:)` is a loop over this; call it directly to choose the batches yourself.
  @discardableResult
  public func takeStep(_ rows: ArraySlice<Int>) -> Double {
    precondition(
      !rows.isEmpty && rows.count <= batch.rows, "\(rows.count) rows for batches of \(batch.rows)")
    for (k, row) in rows.enumerated() {
      precondition(row >= 0 && row < inputs.rows, "row \(row) of \(inputs.rows)")
      unsafe batch.row(k).update(from: inputs.row(row), count: inputs.stride)
    }
    return takeStep(batch, targets, targetRows: rows)
  }

  /// Takes one step on rows never seen before: makes their static report, lets the neurons that
  /// fire join, and trains on them. `inputs` is `[at most a batch, d]`, finite.
  ///
  /// - Returns: the sum of the losses before the step.
  @discardableResult
  public func takeStep(
    onNew inputs: Matrix, targets: Targets
  ) throws(ConfigurationError) -> Double {
    guard try configuration.loss.outputCount(for: targets) == outputCount else {
      throw .invalid("the targets do not have the \(outputCount) outputs of the network")
    }
    try Self.check(inputs, targets)
    precondition(
      inputs.rows <= batch.rows && inputs.columns == network.dimension,
      "inputs [\(inputs.rows), \(inputs.columns)] for batches of [\(batch.rows), "
        + "\(network.dimension)]")
    let clock = ContinuousClock.now
    let new = network.materialize(
      firingOn: inputs, rows: 0..<inputs.rows, threads: configuration.threads)
    if !new.isEmpty {
      hidden.grow(toRows: new.upperBound)
      output?.grow(toRows: new.upperBound)
      workOfEarlierIndexes.add(workOf: index.statistics)
      index = BruteForceIndex(network.weights, threads: configuration.threads)
    }
    times.report += clock.secondsToNow
    return takeStep(inputs, targets, targetRows: (0..<inputs.rows).map { $0 }[...])
  }

  private func takeStep(
    _ batch: Matrix, _ targets: Targets, targetRows: ArraySlice<Int>
  ) -> Double {
    let rows = targetRows.count
    var clock = ContinuousClock.now
    index.report(
      queries: batch, rows: 0..<rows, above: network.effectiveThreshold, into: &report)
    times.lookup += clock.lap()

    firings += report.count
    step.load(report, neurons: network.count)
    unsafe step.forward(
      batch: rows, outputs: network.outputs, shards: network.shards,
      factor: network.outputFactor, scores: scores)
    times.forward += clock.lap()

    // d loss / d w = scale * outputDecay * <a, g> x, and the same factor for a when trained
    // (both layers then share one decay); the mean over the batch goes in here too.
    let factor = Double(network.scale) * network.outputDecay / Double(rows)
    let loss = configuration.loss.evaluate(
      batch: rows, scores: scores, targets: targets, targetRows: targetRows,
      factor: Float(factor), gradient: gradient, workspace: &lossWorkspace)
    times.loss += clock.lap()

    backward(batch)
    times.backward += clock.lap()

    if configuration.optimizer.touchesFiredRowsOnly {
      unsafe index.update(rows: step.activeNeurons)
    } else {
      let all = (0..<Int32(network.count)).map { $0 }
      unsafe all.withUnsafeBufferPointer { unsafe index.update(rows: $0) }
    }
    times.maintenance += clock.lap()
    return loss
  }

  private func backward(_ batch: Matrix) {
    let rate = learningRate(step: stepCount)
    startAveragingIfDue()
    let shrink = 1 - rate * configuration.weightDecay
    network.decay *= shrink
    if trainsOutputs { network.outputDecay *= shrink }
    func stepParameters(_ decay: Double, _ decaySum: Double) -> LayerOptimizer.Step {
      let alpha = -rate / decay
      return .init(
        alpha: Float(alpha), averageAlpha: Float(alpha * decaySum), number: stepCount + 1)
    }
    step.backward(
      gradient: gradient,
      layers: .init(
        inputs: batch, weights: network.weights, outputs: network.outputs, hidden: hidden,
        output: output),
      hiddenStep: stepParameters(network.decay, average?.decaySum ?? 0),
      outputStep: stepParameters(network.outputDecay, average?.outputDecaySum ?? 0),
      allNeurons: !configuration.optimizer.touchesFiredRowsOnly)
    average?.add(decay: network.decay, outputDecay: network.outputDecay)
    stepCount += 1
  }

  private func startAveragingIfDue() {
    guard average == nil, let start = configuration.averagingStart,
      Double(stepCount) >= start * Double(configuration.epochs * stepsPerEpoch)
    else { return }
    average = IterateAverage()
    hidden.averageSum = network.weights.emptyTwin()
    output?.averageSum = network.outputs.emptyTwin()
  }

  // MARK: Results

  /// The trained network: with early stopping as it was at the best epoch, otherwise as it
  /// stands, averaged over the iterates where that is asked for. A copy, O(M (d + C)).
  public func predictor() -> Predictor { best?.predictor ?? predictorOfLastIterates() }

  private func predictorOfLastIterates() -> Predictor {
    var weights = (rows: network.weights, decay: network.decay)
    var outputs = (rows: network.outputs, decay: network.outputDecay)
    if let average, average.count > 0, let sum = hidden.averageSum {
      weights = IterateAverage.average(
        weights.rows, sum: sum, decaySum: average.decaySum, count: average.count)
      if let sum = output?.averageSum {
        outputs = IterateAverage.average(
          outputs.rows, sum: sum, decaySum: average.outputDecaySum, count: average.count)
      }
    }
    return network.predictor(
      weights: weights.rows.copy(), decay: weights.decay, outputs: outputs.rows.copy(),
      outputDecay: outputs.decay)
  }
}
