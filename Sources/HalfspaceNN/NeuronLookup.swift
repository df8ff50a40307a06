// SPDX-License-Identifier: Apache-2.0
internal import HalfspaceLinalg
internal import HalfspaceReporting

/// Finds, exactly, the materialized neurons that fire on a batch: what a step begins with.
///
/// A lookup shares the weight matrix of the network. It is told which rows have moved after each
/// step, and given the new matrix when neurons join.
protocol NeuronLookup: AnyObject {
  /// The strategy in use.
  var strategy: LookupStrategy { get }

  /// Refills `report` with the neurons that fire on the batch, as a `BruteForceIndex` would.
  func report(
    _ batch: LookupBatch, above threshold: Float, into report: inout FiringReport)

  /// The same, neuron by neuron, in as many parts as are worth a thread, where that costs no more; false, with
  /// nothing reported, otherwise. What is to be done with a part then, `next` does at once.
  func report(
    _ batch: LookupBatch, above threshold: Float, byNeuron found: PairParts,
    then next: @Sendable (_ part: Int) -> Void
  ) -> Bool

  /// Whether this lookup does less when it is told how far rows have moved.
  var wantsDisplacements: Bool { get }

  /// Tells which rows of the weight matrix have moved, ascending, and how far at most, as far as
  /// that is known: upper bounds of the Euclidean distance, rounding of the move included.
  func update(
    rows: UnsafeBufferPointer<Int32>, displacements: UnsafeBufferPointer<Float>?)

  /// Tells that neurons have joined behind the others: `weights` is the matrix from now on. The rows
  /// that were there have not moved.
  func grow(to weights: Matrix)

  /// Work of the reports, and memory.
  var work: IndexStatistics { get }

  /// What the strategy did beside its reports.
  var statistics: LookupStatistics { get }
}

extension NeuronLookup {
  func report(
    _ batch: LookupBatch, above threshold: Float, byNeuron found: PairParts,
    then next: @Sendable (_ part: Int) -> Void
  ) -> Bool { false }
}

/// The queries of a step.
struct LookupBatch: Sendable {
  /// Rows `0..<count` are the queries; nobody reads them where only sparse rows are needed.
  var inputs: Matrix
  var count: Int
  /// Their numbers among the training rows; nil for rows that are none of these.
  var numbers: ArraySlice<Int>?
  /// The queries as sparse rows, where that is what they are.
  var sparse: SparseQueries? = nil
}
