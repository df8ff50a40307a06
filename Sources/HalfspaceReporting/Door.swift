// SPDX-License-Identifier: Apache-2.0
internal import HalfspaceLinalg

/// What an index does with rows and queries that hold NaN or infinity.
package enum NonFiniteNumbers: Sendable {
  /// It traps and says where they are: an error of the program that brings them.
  case refused
  /// It decides them as arithmetic does: NaN is above nothing. For the rows of a training that
  /// diverges, which ends with an error of its own.
  case decided
  /// The same, and nothing is looked at: all has come through the door of another index, or from reports.
  case admitted
}

/// Where rows and queries enter an index, and what they are asked for.
struct Door: Sendable {
  let numbers: NonFiniteNumbers

  init(_ numbers: NonFiniteNumbers) { self.numbers = numbers }

  /// Traps unless all rows may enter. O(m d), as fast as they can be read.
  func check(rows weights: Matrix) {
    checkNumbers(weights, 0..<weights.rows, "row")
  }

  /// Traps unless these rows may enter, which have moved. O(d) each.
  func check(moved rows: UnsafeBufferPointer<Int32>, of weights: Matrix) {
    if numbers == .admitted { return }
    // Nearly always all is well, which takes no branch to see.
    let limit = UInt32(clamping: weights.rows)
    var isOdd = numbers == .refused
    for k in 0..<rows.count { isOdd = unsafe isOdd || UInt32(bitPattern: rows[k]) >= limit }
    if !isOdd { return }
    for k in 0..<rows.count {
      let row = unsafe checked(rows[k], of: weights)
      checkNumbers(weights, row..<(row + 1), "row")
    }
  }

  /// The same where it is known how far they have gone at most: what has stayed near numbers is
  /// one. O(1) each, some at a time; O(d) where the distance says nothing.
  func check(
    moved rows: UnsafeBufferPointer<Int32>, displacements: UnsafeBufferPointer<Float>,
    of weights: Matrix
  ) {
    precondition(
      rows.count == displacements.count,
      "\(rows.count) moved rows with \(displacements.count) displacements")
    if numbers == .admitted { return }
    // Nearly always all is well, which takes no branch to see.
    let limit = UInt32(clamping: weights.rows)
    var isOdd = false
    for k in 0..<rows.count {
      let isRow = unsafe UInt32(bitPattern: rows[k]) < limit
      let isNear = unsafe displacements[k] <= Self.far
      isOdd = isOdd || !isRow || !isNear
    }
    if !isOdd { return }
    for k in 0..<rows.count {
      let row = unsafe checked(rows[k], of: weights)
      if unsafe displacements[k] <= Self.far { continue }
      checkNumbers(weights, row..<(row + 1), "row")
    }
  }

  /// A displacement that takes no row of less than half the largest number to infinity.
  private static let far = Float.greatestFiniteMagnitude / 4

  /// Traps unless `queries` `[*, dimension]` has the rows asked for, and these may enter. O(d) each.
  func check(queries: Matrix, rows: Range<Int>, count: Int, dimension: Int) {
    if numbers == .admitted { return }
    precondition(
      queries.columns == dimension,
      "queries of shape [\(queries.rows), \(queries.columns)] for rows of [\(count), \(dimension)]")
    precondition(
      rows.lowerBound >= 0 && rows.upperBound <= queries.rows,
      "queries \(rows) of \(queries.rows)")
    checkNumbers(queries, rows, "query")
  }

  private func checked(_ row: Int32, of weights: Matrix) -> Int {
    precondition(row >= 0 && row < weights.rows, "row \(row) of \(weights.rows)")
    return Int(row)
  }

  private func checkNumbers(_ matrix: Matrix, _ rows: Range<Int>, _ what: String) {
    guard numbers == .refused, let place = matrix.firstNonFinite(inRows: rows) else { return }
    preconditionFailure(
      "\(what) \(place.row) of [\(matrix.rows), \(matrix.columns)] is not finite: "
        + "\(matrix[place.row, place.column]) in column \(place.column)")
  }
}
