// SPDX-License-Identifier: Apache-2.0
public import HalfspaceLinalg
public import HalfspaceReporting

/// A wide shifted-ReLU layer with its output weights, as a part of a larger model:
/// `y = scale * sum_r a_r relu(<w_r, x> - b)`, from `[B, d]` to `[B, C]`.
///
/// ```swift
/// let layer = try SparseWideLayer(
///   dimension: 64, outputCount: 10, network: .init(width: 1 << 20, threshold: .expectedFiring(64)))
/// let outputs = layer.forward(inputs)                      // [B, 10]
/// let inputGradient = layer.backward(outputGradient)       // [B, 64]
/// layer.update(learningRate: 0.5)
/// ```
///
/// It is the dense layer, exactly, at the price of the neurons that fire. A neuron that is not stored
/// (*latent*) has fired on no row that went forward, so its gradient has been zero and it is still at
/// its initial weights. The inputs of a layer that stands on another one move from step to step, so
/// rows are never known beforehand: every `forward` first makes the static report of its batch over
/// the initial network, and the latent neurons that fire join before anything is computed. Which
/// stored neurons fire is then looked up exactly, and both passes run over these alone.
///
/// Latent neurons are at their initial weights whatever the output weights were, so all of
/// `InitialOutputs` may be used. With `.zero` the first gradient that a layer below gets is zero.
///
/// The threshold's firing fraction is meant for inputs of norm 1: put a `RowNormalization` between
/// layers. One batch at a time; results do not depend on the threads.
public final class SparseWideLayer {
  /// The stored neurons.
  public let network: MaterializedNetwork
  /// How gradients become steps.
  public let optimizer: Optimizer
  /// Whether the output weights are trained; the first weights always are.
  public let trainsOutputs: Bool
  /// Decoupled weight decay: in each step the weights shrink by `rate * weightDecay`.
  public let weightDecay: Double
  /// Updates so far.
  public private(set) var stepCount = 0
  /// Pairs of a neuron and a row that have fired in all forward passes.
  public private(set) var firings = 0

  let threads: Int
  var lookup: GrowingLookup
  var report = FiringReport()
  let step: SparseStep
  var hidden: LayerOptimizer
  var output: LayerOptimizer?
  /// What the last `forward` leaves for `backward`, and that for `update`.
  var pass: Pass?
  /// Slopes of the pairs of a report, query by query.
  var slopes: [Float] = []
  /// 0..<M, for optimizers that move every row.
  private var allNeurons: [Int32] = []

  struct Pass {
    var inputs: Matrix
    /// `scale * outputDecay` times the gradient with respect to the outputs.
    var gradient: Matrix?
  }

  /// A layer before training.
  ///
  /// - Parameters:
  ///   - dimension: number d of input coordinates.
  ///   - outputCount: number C of outputs.
  ///   - network: width, threshold, initial weights and seed.
  ///   - optimizer: for both weight matrices.
  ///   - weightDecay: needs a threshold of at least 0.
  ///   - lookup: how stored neurons are found; results do not depend on it. `.candidateLists` and
  ///     `.staticIndex` need inputs that stay, which a layer does not have.
  /// - Throws: `ConfigurationError`.
  public init(
    dimension: Int, outputCount: Int, network: NetworkConfiguration, optimizer: Optimizer = .sgd,
    weightDecay: Double = 0, lookup: LookupStrategy = .automatic, threads: Int = 1
  ) throws(ConfigurationError) {
    guard outputCount > 0 else { throw .invalid("a layer of \(outputCount) outputs") }
    guard threads > 0 else { throw .invalid("the number of threads \(threads) is not positive") }
    try GrowingLookup.check(lookup)
    try optimizer.validate()
    let threshold = try network.threshold.resolved(width: network.width)
    guard weightDecay == 0 || (weightDecay > 0 && weightDecay.isFinite && threshold >= 0) else {
      throw .invalid(
        "weight decay needs to be positive and a threshold of at least 0, got \(weightDecay) and "
          + "\(threshold)")
    }
    let initial = try network.makeInitialNetwork(dimension: dimension, outputCount: outputCount)
    self.network = MaterializedNetwork(
      initial: initial, threshold: threshold, outputScale: network.outputScale)
    self.optimizer = optimizer
    self.weightDecay = weightDecay
    self.threads = threads
    trainsOutputs = network.trainsOutputs
    self.lookup = GrowingLookup(lookup, weights: self.network.weights, threads: threads)
    step = SparseStep(threads: threads)
    hidden = LayerOptimizer(optimizer: optimizer, parameters: self.network.weights)
    if network.trainsOutputs {
      output = LayerOptimizer(optimizer: optimizer, parameters: self.network.outputs)
    }
  }

  /// Number of input coordinates, d.
  public var dimension: Int { network.dimension }
  /// Number of outputs, C.
  public var outputCount: Int { network.outputCount }
  /// Work of the lookups among stored neurons, and memory.
  public var lookupStatistics: IndexStatistics { lookup.work }

  // MARK: Forward

  /// The outputs `[B, C]` of a batch `[B, d]`, which is kept for `backward`.
  ///
  /// - Complexity: B static reports and B lookups, and O(k C) per row, k neurons firing.
  public func forward(_ inputs: Matrix) -> Matrix {
    precondition(
      inputs.columns == dimension && inputs.rows > 0,
      "inputs [\(inputs.rows), \(inputs.columns)] for rows of \(dimension)")
    let inputs = inputs.padded
    let joining = network.materialize(
      firingOn: inputs, rows: 0..<inputs.rows, threads: threads)
    if !joining.isEmpty {
      hidden.grow(toRows: network.count)
      output?.grow(toRows: network.count)
      lookup.grow(to: network.weights)
    }
    lookup.report(inputs, above: network.effectiveThreshold, into: &report)
    firings += report.count
    let outputs = Matrix(rows: inputs.rows, columns: outputCount, packedSingleColumn: true)
    step.forward(
      report, outputs: network.outputs, shards: network.shards, factor: network.outputFactor,
      scores: outputs)
    pass = Pass(inputs: inputs)
    return outputs
  }

  /// The activations of the last batch: for every row the stored neurons that fire, as positions in
  /// `network.neurons`, and `<w, x> - b` of each, divided by `network.decay`.
  public func withActivations<Result>(_ body: (borrowing FiringReport) -> Result) -> Result {
    precondition(pass != nil, "activations need a forward pass")
    return body(report)
  }

  // MARK: Update

  /// Takes one step of the optimizer down the gradient of the last `backward`.
  ///
  /// - Complexity: O(pairs * (d + C)), plus O(M (d + C)) for momentum and Adam that are not lazy.
  public func update(learningRate rate: Double) {
    guard let pass, let gradient = pass.gradient else {
      preconditionFailure("an update needs a forward and a backward pass")
    }
    precondition(
      rate * weightDecay < 1, "the learning rate \(rate) times the weight decay \(weightDecay)")
    let shrink = 1 - rate * weightDecay
    network.decay *= shrink
    if trainsOutputs { network.outputDecay *= shrink }
    step.load(report, neurons: network.count)
    step.backward(
      gradient: gradient,
      layers: .init(
        inputs: pass.inputs, weights: network.weights, outputs: network.outputs, hidden: hidden,
        output: output),
      hiddenStep: stepParameters(rate, network.decay),
      outputStep: stepParameters(rate, network.outputDecay),
      allNeurons: !optimizer.touchesFiredRowsOnly)
    stepCount += 1
    self.pass = nil
    if optimizer.touchesFiredRowsOnly {
      unsafe lookup.update(rows: step.activeNeurons)
    } else {
      if allNeurons.count != network.count { allNeurons = (0..<Int32(network.count)).map { $0 } }
      unsafe allNeurons.withUnsafeBufferPointer { unsafe lookup.update(rows: $0) }
    }
  }

  private func stepParameters(_ rate: Double, _ decay: Double) -> LayerOptimizer.Step {
    .init(alpha: Float(-rate / decay), averageAlpha: 0, number: stepCount + 1)
  }

  // MARK: Results

  /// The layer as it stands, frozen, for prediction: nothing joins. A copy, O(M (d + C)).
  public func predictor() -> Predictor {
    let latent: Predictor.LatentPart? =
      switch network.initial.outputs {
      case .independent: .init(initial: network.initial, materialized: network.neurons)
      case .zero, .symmetricPairs: nil
      }
    return Predictor(
      weights: network.weights.copy(), outputs: network.outputs.copy(),
      threshold: network.effectiveThreshold, factor: network.outputFactor, shards: network.shards,
      latent: latent)
  }
}

extension Matrix {
  /// The matrix with padded rows: itself, unless it is a single packed column.
  var padded: Matrix {
    guard stride != Self.paddedStride(columns) else { return self }
    let other = Matrix(rows: rows, columns: columns)
    for row in 0..<rows { other.setRow(row, to: rowArray(row)) }
    return other
  }
}
