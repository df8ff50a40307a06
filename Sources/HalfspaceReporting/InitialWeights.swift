// SPDX-License-Identifier: Apache-2.0
public import HalfspaceLinalg

/// The first layer of a network before training: `count` Gaussian rows that are a function of a
/// seed, with a static half-space report over them.
///
/// Nothing of size `count` needs to be stored: rows are produced on demand. Each row by itself is
/// N(0, I_d). Rows are numbered by `Int`, so that the width may exceed 2^31.
public protocol InitialWeights: Sendable {
  /// Number of rows.
  var count: Int { get }
  /// Number of coordinates of a row.
  var dimension: Int { get }

  /// Writes row `row` (`Matrix.paddedStride(dimension)` floats, padding zero).
  func copyRow(_ row: Int, to destination: UnsafeMutablePointer<Float>)

  /// Reports every initial row whose canonical pre-activation exceeds `threshold`, for queries
  /// `rows` of `queries` (`[*, dimension]`), which are finite: others are an error of the program,
  /// which ends and says where they are. `report` is refilled; rows ascend within a query.
  /// The answer does not depend on `threads`. Adds the work done to `statistics`.
  func report(
    queries: Matrix, rows: Range<Int>, above threshold: Float, threads: Int,
    into report: inout InitialReport, statistics: inout IndexStatistics)

  /// Bytes held.
  var memoryBytes: Int { get }
}
