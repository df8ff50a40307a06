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

  private let scratch = Mutex<[Scratch]>([])

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
    precondition(
      inputs.columns == dimension,
      "inputs [\(inputs.rows), \(inputs.columns)] for rows of \(dimension)")
    let result = Matrix(rows: inputs.rows, columns: outputCount)
    let firings = Atomic<Int>(0)
    parallelFor(inputs.rows, grain: 64, threads: threads) { range in
      let worker = self.borrow()
      firings.wrappingAdd(worker.run(self, inputs, range, result), ordering: .relaxed)
      self.scratch.withLock { $0.append(worker) }
    }
    return (result, firings.load(ordering: .relaxed))
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
    parallelFor(inputs.rows, grain: 64, threads: threads) { range in
      let worker = self.borrow()
      worker.run(self, inputs, range, result)
      self.scratch.withLock { $0.append(worker) }
    }
    return result
  }

  private func borrow() -> Scratch {
    if let free = scratch.withLock({ $0.popLast() }) { return free }
    return Scratch(self)
  }

  /// Buffers of one worker at a time; reused, so that a call allocates nothing but its result.
  private final class Scratch: @unchecked Sendable {
    private var index: BruteForceIndex
    private lazy var scan = SparseScan(index.weights, threads: 1)
    private lazy var queries = SparseQueries(columns: index.dimension)
    private var report = FiringReport()
    private let step = SparseStep(threads: 1)
    private let block: Matrix
    private var latentReport = InitialReport()
    private var latentFiring = FiringReport()
    private var statistics = IndexStatistics()

    init(_ predictor: Predictor) {
      index = BruteForceIndex(predictor.weights)
      block = Matrix(rows: 64, columns: predictor.outputCount, packedSingleColumn: true)
    }

    /// Writes the scores of `range` to `result`; returns the number of stored neurons that fired.
    func run(_ p: Predictor, _ inputs: Matrix, _ range: Range<Int>, _ result: Matrix) -> Int {
      index.report(queries: inputs, rows: range, above: p.threshold, into: &report)
      add(p, range, to: result) { (inputs, range) }
      return report.count
    }

    /// As `run` for sparse rows.
    func run(_ p: Predictor, _ inputs: SparseMatrix, _ range: Range<Int>, _ result: Matrix) {
      queries.gather(Array(range)[...], of: inputs)
      scan.report(queries, above: p.threshold, into: &report)
      add(p, range, to: result) { (inputs.dense(rows: range), 0..<range.count) }
    }

    /// Writes the scores of the rows reported to `range` of `result`; the rows with their zeros are
    /// asked for where latent neurons matter.
    private func add(
      _ p: Predictor, _ range: Range<Int>, to result: Matrix,
      rows dense: () -> (inputs: Matrix, range: Range<Int>)
    ) {
      if let latent = p.latent {
        let (inputs, range) = dense()
        let rows = reportLatent(latent, p, inputs, range)
        step.forward(
          report, adding: latentFiring, withOutputs: rows, outputs: p.outputs, shards: p.shards,
          factor: p.factor, scores: block)
      } else {
        step.forward(
          report, outputs: p.outputs, shards: p.shards, factor: p.factor, scores: block)
      }
      for (k, row) in range.enumerated() {
        unsafe result.row(row).update(from: block.row(k), count: p.outputCount)
      }
    }

    /// Reports the latent neurons that fire on a block of queries, renumbered without gaps, and
    /// returns their output weights, row by row.
    private func reportLatent(
      _ latent: LatentPart, _ p: Predictor, _ inputs: Matrix, _ range: Range<Int>
    ) -> Matrix {
      latent.initial.report(
        queries: inputs, rows: range, above: p.threshold, threads: 1, into: &latentReport,
        statistics: &statistics)
      var firing = Set<Int64>()
      for e in 0..<latentReport.count {
        let neuron = unsafe latentReport.neurons[e]
        if latent.contains(Int(neuron)) { firing.insert(neuron) }
      }
      let numbers = firing.sorted()
      let places = Dictionary(
        uniqueKeysWithValues: numbers.enumerated().map { ($0.element, Int32($0.offset)) })
      latentFiring.removeAll()
      for query in 0..<latentReport.queryCount {
        for e in latentReport.range(of: query) {
          guard let place = unsafe places[latentReport.neurons[e]] else { continue }
          let room = unsafe latentFiring.reserve(1)
          unsafe room.neurons.pointee = place
          unsafe room.values.pointee = latentReport.values[e]
          latentFiring.commit(1)
        }
        latentFiring.endQuery()
      }
      let rows = Matrix(
        rows: max(1, numbers.count), columns: p.outputCount, packedSingleColumn: true)
      for (place, neuron) in numbers.enumerated() {
        let row = unsafe rows.row(place)
        unsafe latent.initial.copyOutputs(of: Int(neuron), to: row)
        for c in 0..<p.outputCount { unsafe row[c] *= latent.outputScale }
      }
      return rows
    }
  }
}
