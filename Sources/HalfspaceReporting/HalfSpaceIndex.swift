// SPDX-License-Identifier: Apache-2.0
public import HalfspaceLinalg

/// Reports, exactly, which rows of a weight matrix lie in a query's half-space.
///
/// Row `r` is reported for query `x` when its canonical pre-activation `<w_r, x>` is strictly
/// greater than the threshold. Rows and queries are finite: an index that is made over others, told of
/// them or asked for them traps and says where they are. Every index gives the same report, bit for bit: settings
/// and structures change the time, never the answer. An index shares the weight matrix it was
/// made over; whoever moves rows tells it by `update(rows:)` before the next report.
public protocol HalfSpaceIndex {
  /// Number of rows.
  var count: Int { get }
  /// Number of coordinates of a row.
  var dimension: Int { get }

  /// Answers queries `rows` of `queries` (`[*, dimension]`), appending to nothing: `report` is
  /// refilled. Rows ascend within a query; values are `<w_r, x> - threshold`.
  mutating func report(
    queries: Matrix, rows: Range<Int>, above threshold: Float, into report: inout FiringReport)

  /// Tells the index that these rows of the weight matrix have moved.
  mutating func update(rows: UnsafeBufferPointer<Int32>)

  /// Tells the index that these rows have moved by at most these Euclidean distances since it was
  /// last told about them: exact upper bounds, rounding of the move included; infinity or NaN
  /// where none is known. An index may ignore the distances, which the default does.
  mutating func update(
    rows: UnsafeBufferPointer<Int32>, displacements: UnsafeBufferPointer<Float>)

  /// Memory and work so far.
  var statistics: IndexStatistics { get }
}

extension HalfSpaceIndex {
  /// Calls `update(rows:)`.
  public mutating func update(
    rows: UnsafeBufferPointer<Int32>, displacements: UnsafeBufferPointer<Float>
  ) {
    precondition(
      rows.count == displacements.count,
      "\(rows.count) moved rows with \(displacements.count) displacements")
    unsafe update(rows: rows)
  }

  /// Answers all rows of `queries`.
  public mutating func report(
    queries: Matrix, above threshold: Float, into report: inout FiringReport
  ) {
    self.report(queries: queries, rows: 0..<queries.rows, above: threshold, into: &report)
  }
}

/// What an index holds and has done. Sublinearity is asserted on these counters, not on a clock.
public struct IndexStatistics: Sendable, Equatable {
  /// Bytes held besides the weight matrix.
  public var memoryBytes = 0
  /// Queries answered.
  public var queries = 0
  /// Pairs reported.
  public var reported = 0
  /// Inner products computed in full, by filter products and canonical kernel alike.
  public var innerProducts = 0
  /// Pairs that passed the filter and were decided by the canonical kernel.
  public var rechecked = 0
  /// Bytes of weights, codes or tables read.
  public var bytesScanned = 0
  /// Tiles or tree nodes looked at.
  public var nodesVisited = 0
  /// Tiles or tree nodes discarded by a bound.
  public var nodesPruned = 0

  /// All zero.
  public init() {}
}
