// SPDX-License-Identifier: Apache-2.0
internal import CHalfspace
internal import HalfspaceLinalg

/// Where the rows of a matrix were when they were encoded, and how far each may be from there before
/// its codes no longer stand for it.
///
/// Sixteen short rows are compared with where they were in the time that it takes to encode one, and
/// rows in training go to and fro: their distance from a place grows far slower than their path.
///
/// - Note: `Sendable` is unchecked. Rows are settled tile by tile; one task asks who has left.
@safe final class TileNeighborhoods: @unchecked Sendable {
  /// The radius of a neighborhood, as a part of the deviation of a row's products with unit queries
  /// of any direction. 0.05 raises the candidates by 1.18 where one row in 2000 fires.
  static let radius: Float = 0.05
  /// Columns of the longest rows that are encoded faster than others are fetched.
  private static let mostColumns = 32

  private let weights: Matrix
  private let places: Matrix
  /// The largest allowed computed square of each row's displacement.
  @unsafe private let limits: UnsafeMutablePointer<Float>
  private let budget: DriftBudget
  @unsafe private var left: UnsafeMutableBufferPointer<Int32>

  /// No neighborhoods yet for the rows of `weights`. O(m d).
  init(_ weights: Matrix) {
    self.weights = weights
    places = weights.emptyTwin()
    unsafe limits = .allocate(capacity: weights.rows)
    unsafe limits.initialize(repeating: -1, count: weights.rows)
    budget = DriftBudget(stride: weights.stride)
    unsafe left = .allocate(capacity: 0)
  }

  deinit {
    unsafe limits.deallocate()
    unsafe left.deallocate()
  }

  /// Whether comparing rows is faster than encoding them. Rows in the order of a tree move in it, and
  /// coordinates in a basis are not those that are stored.
  static func pay(for codes: TileCodes) -> Bool {
    codes.order == nil && codes.basis == nil && codes.weights.columns <= mostColumns
      && codes.weights.columns > 0
  }

  var byteCount: Int {
    unsafe places.byteCount + 4 * (weights.rows + left.count)
  }

  /// Takes the present places of rows, within `radius` of which they may stay.
  func settle(_ rows: Range<Int>, radius: Float) {
    guard !rows.isEmpty else { return }
    unsafe places.row(rows.lowerBound).update(
      from: weights.row(rows.lowerBound), count: rows.count * weights.stride)
    let limit = radius > 0 ? budget.squareLimit(distance: Double(radius)) : -1
    unsafe (limits + rows.lowerBound).update(repeating: limit, count: rows.count)
  }

  /// Those of the rows that have left their neighborhoods. What is not a number always has.
  @unsafe func leavers(
    among rows: UnsafeBufferPointer<Int32>, threads: Int
  ) -> UnsafeBufferPointer<Int32> {
    guard !rows.isEmpty else { return unsafe rows }
    if unsafe left.count < rows.count {
      unsafe left.deallocate()
      unsafe left = .allocate(capacity: rows.count + rows.count / 4)
    }
    let list = unsafe TileCodes.MovedRows(rows: rows, displacements: nil)
    let found = unsafe parallelFilter(
      rows.count, parts: max(1, min(threads, rows.count / TileCodes.looksWorthATask)),
      room: left.baseAddress!
    ) { range, left in
      unsafe hs_moved_beyond_f32(
        range.count, list.rows.baseAddress! + range.lowerBound, weights.stride, weights.pointer,
        places.pointer, limits, left)
    }
    return unsafe UnsafeBufferPointer(rebasing: left[..<found])
  }
}
