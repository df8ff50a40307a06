// SPDX-License-Identifier: Apache-2.0
internal import CHalfspace
internal import HalfspaceLinalg

// Rows that lie near a subspace of few dimensions are put in order, and searched, by their
// coordinates in it: a node is tested in `k` numbers instead of `d`. This file derives how far the
// threshold of such a search lies from that of the report. Notation is that of `TileMargin`, point 3.
//
// The tree stands over v' = fl(B w), computed by a kernel, |v' - v| <= E with v = B w. A node that
// it discards at the threshold b" has <v', y> <= b" in exact arithmetic (`NodeMargin`: its bounds
// are those of the exact product, with room for another rounding besides). With v' for s k, and no
// codes,
//
//     z = <v', y> + <v - v', y> + <v, B g> + <w - B' v, g>,
//     c <= z + gamma |w| |x| + stride 2^-149   and   |w| <= (1 + D) R + S,
//
// so b" = b - (E X + R G + S H) - stride 2^-149 implies c <= b, with the G and H of the encoded
// query: they cover its codes besides, which does no harm. The mirror image accepts a node. All of
// R, S and E are the largest over the rows, so that nothing in a node depends on which rows it has;
// rows that are not finite have coordinates that are no numbers, and are never discarded
// or accepted unseen.

/// The rows of a matrix by their coordinates in a subspace near which they lie.
///
/// - Note: `Sendable` is unchecked. Reports only read; whoever moves rows is alone.
@safe final class ProjectedRows: @unchecked Sendable {
  /// The directions, `[k, d]`.
  let basis: TileBasis
  /// `[m, k]`.
  let coordinates: Matrix
  /// The largest norm of a row, of its coordinates' errors, and of what they leave out.
  private var norm = 0.0
  private var error = 0.0
  private var rest = 0.0
  private let weights: Matrix

  /// What the coordinates may leave out of the longest rest, as a part of the deviation of inner
  /// products with unit queries.
  private static let largestRest = 0.1

  /// The coordinates of all rows; nil unless the rows lie near a subspace. O(m d k).
  init?(_ weights: Matrix, threads: Int) {
    guard let basis = TileBasis.forRows(weights) else { return nil }
    self.basis = basis
    self.weights = weights
    let coordinates = Matrix(rows: weights.rows, columns: basis.count)
    parallelFor(weights.rows, grain: 64, threads: threads) { range in
      unsafe hs_preactivations_f32(
        range.count, basis.count, weights.stride, weights.row(range.lowerBound),
        basis.matrix.pointer, coordinates.row(range.lowerBound), coordinates.stride)
    }
    self.coordinates = coordinates
    var squares = 0.0
    for row in 0..<weights.rows {
      let own = include(row)
      squares += own * own
    }
    let deviation = (squares / Double(weights.rows * weights.columns)).squareRoot()
    // Not a number where rows are not.
    guard rest <= Self.largestRest * deviation else { return nil }
  }

  var byteCount: Int { coordinates.byteCount + basis.matrix.byteCount }

  /// Takes the coordinates of a row that has moved. O(d k).
  func move(_ row: Int) {
    unsafe hs_preactivations_f32(
      1, basis.count, weights.stride, weights.row(row), basis.matrix.pointer,
      coordinates.row(row), coordinates.stride)
    include(row)
  }

  /// Raises the bounds to those of a row. Returns its norm.
  @discardableResult
  private func include(_ row: Int) -> Double {
    let whole = unsafe RoundingMargin.norm(stride: weights.stride, weights.row(row))
    let own = unsafe coordinates.row(row)
    var square = 0.0
    for j in 0..<basis.count {
      let coordinate = unsafe Double(own[j])
      square += coordinate * coordinate
    }
    let length = TileMargin.root(ofSum: square, terms: coordinates.stride)
    let rounding = basis.error(norm: whole)
    guard whole.isFinite, length.isFinite, rounding.isFinite else {
      for j in 0..<basis.count { unsafe own[j] = .nan }
      return whole
    }
    let lowest = max(0, length * (1 - 0x1p-30) - rounding)
    norm = max(norm, whole)
    error = max(error, rounding)
    rest = max(rest, basis.rest(norm: whole, coordinates: lowest...length + rounding))
    return whole
  }

  /// How far a search by coordinates must stay from the threshold, for a query's numbers as
  /// `TileQueries` has them; and bounds of the norms of rows and query whose products are taken.
  func slack(
    _ numbers: UnsafePointer<Double>
  ) -> (slack: Double, rowNorm: Double, queryNorm: Double) {
    let (x, g) = unsafe (numbers[0], numbers[1])
    let (h, y) = unsafe (numbers[4], numbers[5])
    let r = norm * TileBasis.growth + error
    let sum = error * x + r * g + rest * h
    return (
      sum * (1 + 0x1p-40) + 2 * Double(weights.stride) * RoundingMargin.underflow, r, max(x, y)
    )
  }
}
