// SPDX-License-Identifier: Apache-2.0
internal import HalfspaceLinalg

/// What every report asks of its queries.
enum QueryShape {
  /// Traps unless `queries` `[*, dimension]` has the rows asked for.
  static func check(_ queries: Matrix, rows: Range<Int>, count: Int, dimension: Int) {
    precondition(
      queries.columns == dimension,
      "queries of shape [\(queries.rows), \(queries.columns)] for rows of [\(count), \(dimension)]")
    precondition(
      rows.lowerBound >= 0 && rows.upperBound <= queries.rows,
      "queries \(rows) of \(queries.rows)")
  }
}
