// SPDX-License-Identifier: Apache-2.0
internal import CHalfspace
public import HalfspaceLinalg
public import HalfspaceReporting

/// An output layer of very many labels, one row for each, trained one against the rest with the
/// squared hinge loss, exactly, at the price of the labels within their margin.
///
/// Label c has the score `f_c = <v_c, z> - 1`: absent, unless its row says otherwise. With `y = 1`
/// for the labels of a row and `y = -1` for all others, the loss of a row is
///
///     sum_c max(0, 1 - y_c f_c)² / 2
///
/// A label that is not the row's and has `<v_c, z> <= 0` is beyond its margin: loss and gradient are
/// zero. So all that a step needs is the labels with `<v_c, z> > 0`, a half-space report over the
/// label rows, and the few labels that are the row's. Rows start at zero and so do not fire.
///
/// ```swift
/// let layer = try WideOutputLayer(labelCount: 500_000, dimension: 129, optimizer: .adaGrad())
/// let loss = layer.forward(hidden, labels: labels)         // hidden [B, 129]
/// let gradient = layer.backward()                          // [B, 129]
/// layer.update(learningRate: 0.1)
/// let best = layer.topLabels(for: unseen)
/// ```
///
/// With a constant coordinate in z (`RowNormalization`) a label can learn to be rare. One batch at a
/// time; results do not depend on the threads.
public final class WideOutputLayer {
  /// The rows of the labels, `[labels, d]`. Whoever changes them makes a new layer.
  public let weights: Matrix
  /// How gradients become steps.
  public let optimizer: Optimizer
  /// Updates so far.
  public private(set) var stepCount = 0
  /// Pairs of a label and a row that had a gradient, in all forward passes.
  public private(set) var activePairs = 0

  private let threads: Int
  private var lookup: GrowingLookup
  /// Labels within their margin, and with the rows' own labels merged in.
  private var report = FiringReport()
  private var slopes = FiringReport()
  private let step: SparseStep
  private var state: LayerOptimizer
  private var inputs: Matrix?

  /// What `<v_c, z>` is compared with.
  private static let threshold: Float = 0
  /// `<v_c, z>` from which on a row's own label has no loss.
  private static let satisfied: Float = 2

  /// A layer before training: all rows zero.
  ///
  /// - Throws: `ConfigurationError`; momentum and Adam must be lazy, for otherwise every step would
  ///   move every row.
  public convenience init(
    labelCount: Int, dimension: Int, optimizer: Optimizer = .adaGrad(),
    lookup: LookupStrategy = .automatic, threads: Int = 1
  ) throws(ConfigurationError) {
    guard labelCount > 0, labelCount <= Int(Int32.max), dimension > 0 else {
      throw .invalid("\(labelCount) labels of \(dimension) coordinates")
    }
    try self.init(
      weights: Matrix(rows: labelCount, columns: dimension), optimizer: optimizer, lookup: lookup,
      threads: threads)
  }

  /// A layer of the given rows, which it moves.
  public init(
    weights: Matrix, optimizer: Optimizer = .adaGrad(), lookup: LookupStrategy = .automatic,
    threads: Int = 1
  ) throws(ConfigurationError) {
    guard threads > 0 else { throw .invalid("the number of threads \(threads) is not positive") }
    try GrowingLookup.check(lookup)
    try optimizer.validate()
    guard optimizer.touchesFiredRowsOnly else {
      throw .invalid("the optimizer \(optimizer.name) would move every label in every step")
    }
    self.weights = weights.padded
    self.optimizer = optimizer
    self.threads = threads
    self.lookup = GrowingLookup(lookup, weights: self.weights, threads: threads)
    step = SparseStep(threads: threads)
    state = LayerOptimizer(optimizer: optimizer, parameters: self.weights)
  }

  /// Number of labels.
  public var labelCount: Int { weights.rows }
  /// Number of input coordinates, d.
  public var dimension: Int { weights.columns }
  /// Work of the lookups, and memory.
  public var lookupStatistics: IndexStatistics { lookup.work }

  // MARK: Training

  /// The mean loss of a batch `[B, d]`, of which row k has the labels `labels[k]`, ascending and
  /// distinct.
  ///
  /// - Complexity: B lookups, and O(d) for each label of a row.
  public func forward(_ inputs: Matrix, labels: [[Int32]]) -> Double {
    precondition(
      inputs.columns == dimension && inputs.rows == labels.count && inputs.rows > 0,
      "inputs [\(inputs.rows), \(inputs.columns)] and labels of \(labels.count) rows for rows of "
        + "\(dimension)")
    let inputs = inputs.padded
    self.inputs = inputs
    lookup.report(inputs, above: Self.threshold, into: &report)
    merge(ownSlopes(inputs, labels), labels)
    activePairs += slopes.count
    var loss = 0.0
    let scale = 1 / Float(inputs.rows)
    let room = unsafe slopes.pairValues
    for e in 0..<slopes.count {
      let slope = unsafe Double(room[e])
      loss += slope * slope / 2
      unsafe room[e] *= scale
    }
    return loss / Double(inputs.rows)
  }

  /// `min(0, <v_c, z> - 2)`, the slope of the loss, for the labels of every row, in order.
  private func ownSlopes(_ inputs: Matrix, _ labels: [[Int32]]) -> [Float] {
    var starts: [Int32] = [0]
    for list in labels {
      precondition(
        list.allSatisfy { $0 >= 0 && $0 < labelCount } && zip(list, list.dropFirst()).allSatisfy(<),
        "labels \(list) of \(labelCount) are not ascending")
      starts.append(starts[starts.count - 1] + Int32(list.count))
    }
    let own = labels.flatMap { $0 }
    let rows = (0..<Int32(inputs.rows)).map { $0 }
    var slopes = [Float](repeating: 0, count: max(1, own.count))
    // A sampled product in which inputs are what neurons are elsewhere.
    unsafe hs_sddmm_f32(
      0, inputs.rows, rows, starts, own, weights.stride, inputs.pointer, weights.pointer,
      Self.satisfied, &slopes)
    for e in slopes.indices where slopes[e] > 0 { slopes[e] = 0 }
    return slopes
  }

  /// Makes `slopes` of the report, whose values are slopes already, and the rows' own labels.
  private func merge(_ own: [Float], _ labels: [[Int32]]) {
    slopes.removeAll()
    var first = 0
    for (row, list) in labels.enumerated() {
      let range = report.range(of: row)
      let room = unsafe slopes.reserve(range.count + list.count)
      let count = unsafe own[first..<(first + list.count)].withUnsafeBufferPointer { values in
        // An empty buffer may have no address, and none is read.
        unsafe hs_merge_pairs_f32(
          list.count, list, values.baseAddress ?? report.values, range.count,
          report.neurons + range.lowerBound, report.values + range.lowerBound, room.neurons,
          room.values)
      }
      slopes.commit(count)
      slopes.endQuery()
      first += list.count
    }
  }

  /// The gradient of the mean loss with respect to the inputs `[B, d]` of the last `forward`.
  /// O(pairs * d).
  public func backward() -> Matrix {
    guard let inputs else { preconditionFailure("a backward pass needs a forward pass") }
    let result = Matrix(rows: inputs.rows, columns: dimension)
    unsafe step.combine(
      slopes, values: slopes.values, rows: weights, shards: [0, labelCount], factor: 1,
      into: result)
    return result
  }

  /// Takes one step of the optimizer down the gradient of the mean loss of the last `forward`.
  /// O(pairs * d).
  public func update(learningRate rate: Double) {
    guard let inputs else { preconditionFailure("an update needs a forward pass") }
    step.load(slopes, neurons: labelCount)
    step.descend(
      inputs: inputs, parameters: weights, optimizer: state,
      .init(alpha: Float(-rate), averageAlpha: 0, number: stepCount + 1))
    stepCount += 1
    self.inputs = nil
    unsafe lookup.update(rows: step.activeNeurons)
  }

  // MARK: Prediction

  /// The label of the largest score of every row `[n, d]`, the first of equals.
  ///
  /// Where a label is above its margin, the best is among those that a lookup reports; only rows
  /// without any are compared with all labels.
  public func topLabels(for inputs: Matrix) -> [Int32] {
    precondition(
      inputs.columns == dimension,
      "inputs [\(inputs.rows), \(inputs.columns)] for rows of \(dimension)")
    let inputs = inputs.padded
    var found = FiringReport()
    lookup.report(inputs, above: Self.threshold, into: &found)
    return (0..<inputs.rows).map { row in
      let range = found.range(of: row)
      guard !range.isEmpty else {
        let products = inputs.gather([row]).canonicalProduct(with: weights)
        return Int32(products.indexOfLargest(inRow: 0))
      }
      let (neurons, values) = unsafe (found.neurons, found.values)
      var best = range.lowerBound
      for e in range where unsafe values[e] > values[best] { best = e }
      return unsafe neurons[best]
    }
  }
}
