// SPDX-License-Identifier: Apache-2.0
internal import Foundation
public import HalfspaceLinalg
public import HalfspaceReporting

/// A two-layer shifted-ReLU network of which only the rows that fire on some training row are
/// stored.
///
/// ```
/// neurons  [ 17, 203, 204, 9911, ... ]    numbers in the initial network, layout order
/// weights  [ M, d ]                       w_r; moves
/// outputs  [ M, C ]                       a_r; moves when trained
/// shards   [ 0, M/8, ..., M ]             sums over neurons run shard by shard
/// ```
///
/// Invariant: a neuron that is not stored (*latent*) has fired on no row that was materialized
/// for, so its gradient has been exactly zero and it is still at its initial weights, which are
/// a function of the seed. Hence every row is materialized for once, before it is trained on,
/// and from then on no latent neuron can fire on it: latent neurons do not move. Exactness needs
/// nothing else; with weight decay it also needs `b >= 0` (a shrinking row only fires less).
///
/// Weight decay is one number for the whole matrix: the true weights are `decay * weights`
/// (and `outputDecay * outputs`), so latent rows decay too without being stored, and a row fires
/// when `<w_r, x> > b / decay`.
public final class MaterializedNetwork {
  /// The network before training.
  public let initial: InitialNetwork
  /// The threshold `b`.
  public let threshold: Float
  /// The factor on sums over neurons; `1 / sqrt(m Q(b))` unless chosen, which keeps learning rates
  /// independent of width and sparsity.
  public let scale: Float
  /// Numbers of the materialized neurons in the initial network, in layout order.
  public private(set) var neurons: [Int] = []
  /// First-layer rows `[M, d]`, to be multiplied by `decay`.
  public private(set) var weights: Matrix
  /// Output weights `[M, C]` (a single output is stored with stride 1), to be multiplied by
  /// `outputDecay`.
  public private(set) var outputs: Matrix
  /// Offsets of the logical shards, `shards[0] = 0`, last = M. Sums over neurons run within a
  /// shard first, then over shards in order, so that they do not depend on threads.
  public private(set) var shards: [Int] = [0, 0]
  /// The scalar that weight decay has left of the first layer, 1 without decay.
  public internal(set) var decay = 1.0
  /// The scalar that weight decay has left of the output weights.
  public internal(set) var outputDecay = 1.0
  /// Work and memory of the static reports so far.
  public private(set) var initialStatistics = IndexStatistics()
  /// Pairs that fired in the static reports: at initialization, over all rows materialized for.
  public internal(set) var initialFirings = 0
  /// Rows materialized for.
  public internal(set) var rowsSeen = 0

  private var members = NeuronSet()

  /// Number of materialized neurons.
  public var count: Int { neurons.count }
  /// Number of input coordinates.
  public var dimension: Int { initial.dimension }
  /// Number of neurons, latent ones included.
  public var width: Int { initial.width }
  /// Number of outputs.
  public var outputCount: Int { initial.outputCount }
  /// The threshold that stored rows are compared with: `b / decay`.
  public var effectiveThreshold: Float { Float(Double(threshold) / decay) }

  /// A network with no neuron materialized yet, of `scale` `outputScale / sqrt(m)`.
  public init(initial: InitialNetwork, threshold: Float, outputScale: Double? = nil) {
    self.initial = initial
    self.threshold = threshold
    scale = Self.scale(of: initial, threshold: threshold, outputScale: outputScale)
    weights = Matrix(rows: 0, columns: initial.dimension)
    outputs = Matrix(rows: 0, columns: initial.outputCount, packedSingleColumn: true)
  }

  /// A network with the given stored rows, as read from a file.
  ///
  /// `weights` is `[M, d]`, `outputs` `[M, C]`, `neurons` and `shards` as in the properties.
  public init(
    initial: InitialNetwork, threshold: Float, neurons: [Int], weights: Matrix, outputs: Matrix,
    shards: [Int], decay: Double, outputDecay: Double, outputScale: Double? = nil
  ) {
    precondition(
      weights.rows == neurons.count && outputs.rows == neurons.count
        && weights.columns == initial.dimension && outputs.columns == initial.outputCount
        && shards.first == 0 && shards.last == neurons.count,
      "\(neurons.count) neurons, weights [\(weights.rows), \(weights.columns)], "
        + "outputs [\(outputs.rows), \(outputs.columns)], shards \(shards)")
    self.initial = initial
    self.threshold = threshold
    scale = Self.scale(of: initial, threshold: threshold, outputScale: outputScale)
    self.neurons = neurons
    self.weights = weights
    self.outputs = Matrix(rows: neurons.count, columns: outputs.columns, packedSingleColumn: true)
    for r in 0..<neurons.count { self.outputs.setRow(r, to: outputs.rowArray(r)) }
    self.shards = shards
    self.decay = decay
    self.outputDecay = outputDecay
    for neuron in neurons { _ = members.insert(neuron) }
  }

  private static func scale(
    of initial: InitialNetwork, threshold: Float, outputScale: Double?
  ) -> Float {
    let width = Double(initial.width)
    if let outputScale { return Float(outputScale / width.squareRoot()) }
    let firing = GaussianTail.probability(above: Double(threshold))
    return Float(1 / max(width * firing, 1e-30).squareRoot())
  }

  /// Whether a neuron of the initial network is stored.
  public func isMaterialized(_ neuron: Int) -> Bool { members.contains(neuron) }

  /// Stores every latent neuron that fires on one of the given input rows, behind those stored
  /// already, ascending by number. To be called once for every row before it is trained on.
  ///
  /// - Parameters:
  ///   - inputs: transformed inputs `[*, d]`.
  ///   - rows: which of them.
  /// - Returns: positions of the new neurons; empty when all that fire were stored.
  /// - Complexity: one static report per row, then O(new * (d + C)) plus, when neurons join, a
  ///   copy of the stored rows.
  @discardableResult
  public func materialize(
    firingOn inputs: Matrix, rows: Range<Int>, threads: Int
  ) -> Range<Int> {
    precondition(
      inputs.columns == dimension,
      "inputs [\(inputs.rows), \(inputs.columns)] for rows of \(dimension)")
    var joining: [Int] = []
    collect(firingOn: inputs, rows: rows, threads: threads, into: &joining)
    return append(joining.sorted(), threads: threads)
  }

  /// As `materialize(firingOn:rows:threads:)` for all rows, block by block where they are not in
  /// memory as a matrix.
  ///
  /// - Throws: `RowReadError` when rows cannot be read; nothing is stored then.
  @discardableResult
  public func materialize(
    firingOn inputs: InputRows, threads: Int
  ) throws(RowReadError) -> Range<Int> {
    var joining: [Int] = []
    try inputs.forEachBlock { block, rows, _ in
      collect(firingOn: block, rows: rows, threads: threads, into: &joining)
    }
    return append(joining.sorted(), threads: threads)
  }

  /// Adds the latent neurons that fire on the given rows to `joining`.
  private func collect(
    firingOn inputs: Matrix, rows: Range<Int>, threads: Int, into joining: inout [Int]
  ) {
    var report = InitialReport()
    // Blocks bound the memory of the report; the set of neurons does not depend on them.
    let block = 2048
    for start in stride(from: rows.lowerBound, to: rows.upperBound, by: block) {
      let range = start..<min(start + block, rows.upperBound)
      initial.report(
        queries: inputs, rows: range, above: effectiveThreshold, threads: threads, into: &report,
        statistics: &initialStatistics)
      initialFirings += report.count
      for e in 0..<report.count {
        let neuron = Int(unsafe report.neurons[e])
        if members.insert(neuron) { joining.append(neuron) }
      }
    }
    rowsSeen += rows.count
  }

  private func append(_ joining: [Int], threads: Int) -> Range<Int> {
    let old = count
    let new = old..<(old + joining.count)
    guard !joining.isEmpty else { return new }
    let grownWeights = weights.growing(toRows: new.upperBound)
    let grownOutputs = outputs.growing(toRows: new.upperBound)
    let initial = initial
    parallelFor(joining.count, grain: 256, threads: threads) { range in
      for k in range {
        unsafe initial.copyWeights(of: joining[k], to: grownWeights.row(old + k))
        unsafe initial.copyOutputs(of: joining[k], to: grownOutputs.row(old + k))
      }
    }
    weights = grownWeights
    outputs = grownOutputs
    neurons += joining
    if old == 0 {
      shards = Self.makeShards(count: count)
    } else {
      // Later arrivals extend the last shard: sums over the others keep their bits.
      shards[shards.count - 1] = count
    }
    return new
  }

  /// Equal shards, few enough that summing them costs nothing, many enough for the cores of one
  /// machine. A function of the count alone.
  private static func makeShards(count: Int) -> [Int] {
    let pieces = min(8, max(1, count / 128))
    return (0...pieces).map { $0 * count / pieces }
  }
}
