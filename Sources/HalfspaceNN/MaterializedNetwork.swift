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
/// Where several processes share a network, each stores the rows of some shards (`held`); layout,
/// shards and everything counted are the same on all of them, and the same as in one process.
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
  /// First-layer rows `[M, d]`, to be multiplied by `decay`; with several processes, those held.
  @safe @exclusivity(unchecked) public private(set) var weights: Matrix
  /// Output weights `[M, C]` (a single output is stored with stride 1), to be multiplied by
  /// `outputDecay`; with several processes, those held.
  @safe @exclusivity(unchecked) public private(set) var outputs: Matrix
  /// Offsets of the logical shards, `shards[0] = 0`, last = M. Sums over neurons run within a
  /// shard first, then over shards in order, so that they depend neither on threads nor processes.
  public var shards: [Int] { ownership.shards }
  /// The processes that share the network.
  public let communicator: any Communicator
  /// Positions in the layout of the rows that this process stores: all, if it is alone.
  public var held: Range<Int> {
    division == .batches ? 0..<count : ownership.rows(of: communicator.rank)
  }
  @safe @exclusivity(unchecked) private(set) var ownership: ShardOwnership
  /// What the processes divide: `automatic` until there are neurons.
  private(set) var division: WorkDivision
  /// Rows of a batch, which the choice depends on.
  private let batchSize: Int
  /// The scalar that weight decay has left of the first layer, 1 without decay.
  @safe @exclusivity(unchecked) public internal(set) var decay = 1.0
  /// The scalar that weight decay has left of the output weights.
  @safe @exclusivity(unchecked) public internal(set) var outputDecay = 1.0
  /// Work and memory of the static reports so far.
  public private(set) var initialStatistics = IndexStatistics()
  /// Pairs that fired in the static reports: at initialization, over all rows materialized for.
  public internal(set) var initialFirings = 0
  /// Rows materialized for.
  public internal(set) var rowsSeen = 0

  private var members = NeuronSet()

  /// Number of materialized neurons, in all processes.
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
  public init(
    initial: InitialNetwork, threshold: Float, outputScale: Double? = nil,
    communicator: any Communicator = SingleProcess(), division: WorkDivision = .neurons,
    batchSize: Int = 1
  ) {
    self.communicator = communicator
    self.division = division
    self.batchSize = batchSize
    ownership = ShardOwnership(shards: [0, 0], ranks: communicator.size)
    self.initial = initial
    self.threshold = threshold
    scale = Self.scale(of: initial, threshold: threshold, outputScale: outputScale)
    weights = Matrix(rows: 0, columns: initial.dimension)
    outputs = Matrix(rows: 0, columns: initial.outputCount, packedSingleColumn: true)
  }

  /// A network with the given stored rows, as read from a file.
  ///
  /// `weights` is `[M, d]`, `outputs` `[M, C]`, `neurons` and `shards` as in the properties. Every
  /// process gives all rows, and keeps its own.
  public init(
    initial: InitialNetwork, threshold: Float, neurons: [Int], weights: Matrix, outputs: Matrix,
    shards: [Int], decay: Double, outputDecay: Double, outputScale: Double? = nil,
    communicator: any Communicator = SingleProcess(), division: WorkDivision = .neurons
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
    self.communicator = communicator
    self.division = division
    batchSize = 1
    ownership = ShardOwnership(shards: shards, ranks: communicator.size)
    let held =
      division == .batches ? 0..<neurons.count : ownership.rows(of: communicator.rank)
    self.weights = held.count == neurons.count ? weights : weights.gather(held)
    self.outputs = Matrix(rows: held.count, columns: outputs.columns, packedSingleColumn: true)
    for r in held { self.outputs.setRow(r - held.lowerBound, to: outputs.rowArray(r)) }
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
  /// Several processes make the reports of a share of the rows each, and then tell each other the
  /// numbers of the neurons they found.
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
    let found = reportShare(inputs, rows, threads)
    return store(found.joining, pairs: found.pairs, rows: rows.count, threads: threads)
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
    var pairs = 0
    try inputs.forEachBlock { block, rows, _ in
      let found = reportShare(block, rows, threads)
      joining += found.joining
      pairs += found.pairs
    }
    return store(joining, pairs: pairs, rows: inputs.rows, threads: threads)
  }

  /// Stores what this process and the others have found to fire on so many rows.
  private func store(_ found: [Int], pairs own: Int, rows: Int, threads: Int) -> Range<Int> {
    var (joining, pairs) = (found, own)
    if communicator.size > 1 {
      pairs = communicator.sum([pairs])[0]
      for (rank, list) in communicator.gather(found).enumerated() where rank != communicator.rank {
        for neuron in list where members.insert(neuron) { joining.append(neuron) }
      }
    }
    initialFirings += pairs
    rowsSeen += rows
    joining.sort()
    return append(joining, threads: threads)
  }

  /// `report` for this process's share of the rows.
  private func reportShare(
    _ inputs: Matrix, _ rows: Range<Int>, _ threads: Int
  ) -> (joining: [Int], pairs: Int) {
    let share = communicator.share(of: rows.count)
    return report(
      inputs, rows.lowerBound + share.lowerBound..<rows.lowerBound + share.upperBound, threads)
  }

  /// Makes static reports, and takes the latent neurons among them in as members: their numbers,
  /// in no order, and the number of pairs.
  private func report(
    _ inputs: Matrix, _ rows: Range<Int>, _ threads: Int
  ) -> (joining: [Int], pairs: Int) {
    var joining: [Int] = []
    var pairs = 0
    var report = InitialReport()
    // Blocks bound the memory of the report; the set of neurons does not depend on them.
    let block = 2048
    for start in stride(from: rows.lowerBound, to: rows.upperBound, by: block) {
      let range = start..<min(start + block, rows.upperBound)
      initial.report(
        queries: inputs, rows: range, above: effectiveThreshold, threads: threads, into: &report,
        statistics: &initialStatistics)
      pairs += report.count
      for e in 0..<report.count {
        let neuron = Int(unsafe report.neurons[e])
        if members.insert(neuron) { joining.append(neuron) }
      }
    }
    return (joining, pairs)
  }

  private func append(_ joining: [Int], threads: Int) -> Range<Int> {
    let old = count
    let new = old..<(old + joining.count)
    guard !joining.isEmpty else { return new }
    let before = held
    neurons += joining
    if old == 0 {
      ownership = ShardOwnership(
        shards: Self.makeShards(count: count), ranks: communicator.size)
      if division == .automatic { division = cheaperDivision(batch: batchSize) }
    } else {
      // Later arrivals extend the last shard: sums over the others keep their bits.
      ownership.extend(to: count)
    }
    let held = held
    let kept = old == 0 ? 0 : before.count
    guard held.count > kept else { return new }
    weights = weights.growing(toRows: held.count)
    outputs = outputs.growing(toRows: held.count)
    copyInitial(kept..<held.count, threads: threads)
    return new
  }

  /// Takes the rows that are stored back to where they began, and decay to none.
  func takeBack(threads: Int) {
    (decay, outputDecay) = (1, 1)
    copyInitial(0..<held.count, threads: threads)
  }

  /// Sets held rows to those of the initial network.
  private func copyInitial(_ rows: Range<Int>, threads: Int) {
    let (initial, weights, outputs) = (initial, weights, outputs)
    let names = neurons[held]
    parallelFor(rows.count, grain: 256, threads: threads) { range in
      for k in range {
        let row = rows.lowerBound + k
        let neuron = names[names.startIndex + row]
        unsafe initial.copyWeights(of: neuron, to: weights.row(row))
        unsafe initial.copyOutputs(of: neuron, to: outputs.row(row))
      }
    }
  }

  /// Equal shards, a function of the count alone: few enough that summing them costs nothing, many
  /// enough for the processes that so many neurons are worth. A power of two, which as many
  /// processes, or half of them, share evenly.
  static func makeShards(count: Int) -> [Int] {
    var pieces = min(8, max(1, count / 128))
    while pieces >= 8, pieces < mostShards, 2 * pieces * neuronsPerShard <= count { pieces *= 2 }
    return (0...pieces).map { $0 * count / pieces }
  }

  /// Neurons of a shard where there are more than eight.
  private static let neuronsPerShard = 8192
  static let mostShards = 4096
}
