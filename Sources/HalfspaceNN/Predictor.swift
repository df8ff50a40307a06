// SPDX-License-Identifier: Apache-2.0
public import HalfspaceLinalg
public import HalfspaceReporting
internal import Synchronization

/// A trained network, frozen for prediction. Safe for concurrent use.
///
/// Only materialized neurons are evaluated: with output weights that started at zero or as
/// symmetric pairs the latent neurons contribute nothing to any input. With independent output
/// weights they do; then every prediction also makes a static report over the initial network.
/// Scores have the same bits as the training passes, whatever the batch and the threads.
public final class Predictor: Sendable {
  /// First-layer rows `[M, d]`.
  public let weights: Matrix
  /// Output weights `[M, C]`.
  public let outputs: Matrix
  /// What `<w_r, x>` is compared with.
  public let threshold: Float
  /// `f(x) = factor * sum_r a_r relu(<w_r, x> - threshold)`.
  public let factor: Float
  /// Offsets of the logical shards that sums run in.
  public let shards: [Int]
  /// The part of the network that is still at its initial weights, where it matters.
  public let latent: LatentPart?

  /// Neurons that no training row fired, evaluated from the seed.
  public struct LatentPart: Sendable {
    /// The network before training.
    public let initial: InitialNetwork
    /// Numbers of the materialized neurons, which take no part.
    public let materialized: [Int]
    /// What the initial output weights are multiplied by.
    public let outputScale: Float
    private let members: NeuronSet

    /// The neurons of `initial` outside `materialized`.
    public init(initial: InitialNetwork, materialized: [Int], outputScale: Float = 1) {
      self.initial = initial
      self.materialized = materialized
      self.outputScale = outputScale
      var members = NeuronSet(capacity: materialized.count)
      for neuron in materialized { _ = members.insert(neuron) }
      self.members = members
    }

    func contains(_ neuron: Int) -> Bool { !members.contains(neuron) }
  }

  /// Number of input coordinates.
  public var dimension: Int { weights.columns }
  /// Number of outputs.
  public var outputCount: Int { outputs.columns }
  /// Number of stored neurons.
  public var count: Int { weights.rows }

  let index: FrozenIndex
  private let scratch = Guarded<[PredictionScratch]>([])

  /// A predictor over the given rows, which must not change afterwards.
  public init(
    weights: Matrix, outputs: Matrix, threshold: Float, factor: Float, shards: [Int],
    latent: LatentPart? = nil
  ) {
    precondition(
      weights.rows == outputs.rows && shards.first == 0 && shards.last == weights.rows,
      "weights [\(weights.rows), \(weights.columns)], outputs [\(outputs.rows), "
        + "\(outputs.columns)], shards \(shards)")
    self.weights = weights
    self.outputs = outputs
    self.threshold = threshold
    self.factor = factor
    self.shards = shards
    self.latent = latent
    index = FrozenIndex(weights, nonFinite: .decided)
  }

  /// The same network with `factor` multiplied into the output weights: what a plain two-layer
  /// network file holds. Scores agree up to rounding. O(M C).
  public func folded() -> Predictor {
    let scaled = outputs.copy()
    for i in 0..<(scaled.rows * scaled.stride) { unsafe scaled.pointer[i] *= factor }
    let latent = latent.map {
      LatentPart(
        initial: $0.initial, materialized: $0.materialized, outputScale: $0.outputScale * factor)
    }
    return Predictor(
      weights: weights, outputs: scaled, threshold: threshold, factor: 1, shards: shards,
      latent: latent)
  }

  /// Outputs `[inputs.rows, C]` of transformed inputs `[n, d]`.
  ///
  /// - Complexity: a lookup over the M stored rows and O(k C) per row, k neurons firing.
  public func scores(for inputs: Matrix, threads: Int = 1) -> Matrix {
    evaluate(inputs, threads: threads).scores
  }

  /// Outputs as `scores(for:threads:)` and the number of stored neurons that fired in all.
  public func evaluate(
    _ inputs: Matrix, threads: Int = 1
  ) -> (scores: Matrix, firings: Int) {
    let result = Matrix(rows: inputs.rows, columns: outputCount)
    let firings = scores(for: inputs, into: result, threads: threads)
    return (result, firings)
  }

  /// Writes the outputs of transformed inputs `[n, d]` to the first n rows of `result`
  /// `[>= n, C]`. With one thread nothing is allocated once as many rows have been asked for before,
  /// from as many threads at once, and the lookup has been chosen (see `prepare(like:)`).
  ///
  /// - Returns: the number of stored neurons that fired in all.
  @discardableResult
  public func scores(for inputs: Matrix, into result: Matrix, threads: Int = 1) -> Int {
    precondition(
      inputs.columns == dimension,
      "inputs [\(inputs.rows), \(inputs.columns)] for rows of \(dimension)")
    precondition(
      result.columns == outputCount && result.rows >= inputs.rows,
      "scores [\(result.rows), \(result.columns)] of \(outputCount) outputs for \(inputs.rows) rows"
    )
    let firings = Atomic<Int>(0)
    parallelFor(inputs.rows, grain: PredictionScratch.rows, threads: threads) { range in
      let worker = self.borrow()
      firings.wrappingAdd(worker.run(self, inputs, range, result), ordering: .relaxed)
      self.giveBack(worker)
    }
    return firings.load(ordering: .relaxed)
  }

  /// Outputs as `scores(for:threads:)` of rows that may also be sparse or streamed.
  ///
  /// - Throws: `RowReadError` when streamed rows cannot be read.
  public func scores(
    for inputs: InputRows, threads: Int = 1
  ) throws(RowReadError) -> Matrix {
    precondition(
      inputs.columns == dimension, "\(inputs.columns) input coordinates for rows of \(dimension)")
    switch inputs {
    case .dense(let matrix): return scores(for: matrix, threads: threads)
    case .sparse(let matrix): return scores(for: matrix, threads: threads)
    case .streamed: break
    }
    let result = Matrix(rows: inputs.rows, columns: outputCount)
    try inputs.forEachBlock { block, rows, first in
      let part = block.rows == rows.count ? block : block.gather(rows)
      let scores = scores(for: part, threads: threads)
      unsafe result.row(first).update(from: scores.pointer, count: rows.count * result.stride)
    }
    return result
  }

  /// Outputs as `scores(for:threads:)` of sparse rows, with the same bits as for the rows with their
  /// zeros.
  ///
  /// - Complexity: M (e / n) and O(k C) per row for e entries of all n rows, and M d per 64 rows.
  public func scores(for inputs: SparseMatrix, threads: Int = 1) -> Matrix {
    precondition(
      inputs.columns == dimension, "\(inputs.columns) input coordinates for rows of \(dimension)")
    let result = Matrix(rows: inputs.rows, columns: outputCount)
    parallelFor(inputs.rows, grain: PredictionScratch.rows, threads: threads) { range in
      let worker = self.borrow()
      worker.run(self, inputs, range, result)
      self.giveBack(worker)
    }
    return result
  }

  /// Writes the outputs of one transformed input of d coordinates to `scores`, C numbers. Allocates
  /// as `scores(for:into:threads:)` does.
  public func scores(of input: Span<Float>, into scores: inout MutableSpan<Float>) {
    precondition(
      input.count == dimension && scores.count == outputCount,
      "an input of \(input.count) for rows of \(dimension), room for \(scores.count) of "
        + "\(outputCount) outputs")
    let worker = borrow()
    worker.run(self, input, &scores)
    giveBack(worker)
  }

  /// Chooses now, with typical inputs `[n, d]`, some dozens or more, how neurons are looked up for
  /// single rows and for batches, and makes what that takes. Otherwise this is done by and by, when
  /// enough has been asked for it to pay. What is predicted does not depend on it.
  public func prepare(like inputs: Matrix) {
    precondition(
      inputs.columns == dimension && inputs.rows > 0,
      "inputs [\(inputs.rows), \(inputs.columns)] for rows of \(dimension)")
    for size in [1, 16, PredictionScratch.rows] {
      index.prepare(forBatchesOf: size, like: inputs, above: threshold)
    }
  }

  /// How neurons are looked up for batches of a size; nil while that has not been decided.
  public func lookup(forBatchesOf rows: Int) -> AutomaticIndex.Structure? {
    index.choice(forBatchesOf: min(rows, PredictionScratch.rows))
  }

  private func borrow() -> PredictionScratch {
    if let free = scratch.withLock({ $0.popLast() }) { return free }
    return PredictionScratch(self)
  }

  private func giveBack(_ worker: PredictionScratch) { scratch.withLock { $0.append(worker) } }
}
