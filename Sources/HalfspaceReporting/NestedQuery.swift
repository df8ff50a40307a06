// SPDX-License-Identifier: Apache-2.0
internal import CHalfspace
internal import HalfspaceLinalg

/// A query as the filters of nested codes read it: integers of 15 bits in two planes, and numbers for
/// their thresholds.
///
/// - Note: `Sendable` is unchecked. It is filled before a parallel report, which only reads it.
@safe final class NestedQuery: @unchecked Sendable {
  private let groups: Int
  private let length: Int
  /// Both planes, zeros behind the coordinates.
  @unsafe private let planes: UnsafeMutablePointer<Int8>
  /// X, G, 1 / t, o, 0 and Y of the coarse codes, as `hs_tile_thresholds` reads them.
  @unsafe let numbers = UnsafeMutablePointer<Double>.allocate(capacity: 6)
  /// For `hs_nested_fine`, and the factor of margins.
  private(set) var fine = hs_nested_query_t()
  private(set) var factor: Float = 0

  /// Room for queries of so many coordinates.
  init(columns: Int) {
    groups = (columns + 3) / 4
    let padding = Int(HS_NESTED_PADDING)
    length = max(1, (4 * groups + padding - 1) / padding) * padding
    unsafe planes = .allocate(capacity: 2 * length)
    unsafe planes.initialize(repeating: 0, count: 2 * length)
  }

  deinit {
    unsafe planes.deallocate()
    unsafe numbers.deallocate()
  }

  var byteCount: Int { 2 * length + 6 * MemoryLayout<Double>.stride }

  @unsafe var high: UnsafePointer<Int8> { unsafe UnsafePointer(planes) }
  @unsafe var low: UnsafePointer<Int8> { unsafe UnsafePointer(planes + length) }

  /// Encodes row `row` of `queries` for coarse codes of so many bits. O(d).
  func encode(_ queries: Matrix, row: Int, bits: Int32) {
    let x = unsafe queries.row(row)
    let norm = unsafe RoundingMargin.norm(stride: queries.stride, x)
    let largest = unsafe hs_largest_f32(queries.stride, x)
    guard
      norm.isFinite,
      let scale = TileMargin.scale(
        norm: norm, largest: largest, columns: queries.columns, range: HS_QUERY_LARGEST_16)
    else {
      // Infinite or no number: the reach alone decides, for all tiles and rows.
      unsafe planes.initialize(repeating: 0, count: 2 * length)
      unsafe numbers.initialize(repeating: 0, count: 6)
      unsafe numbers[5] = norm.isFinite ? .infinity : norm
      (fine, factor) = (hs_nested_query_t(), 0)
      return
    }
    var sum: Int32 = 0
    let squares = unsafe hs_query_encode_f32(
      groups, queries.stride, x, scale, 1 / scale, planes, planes + length, &sum)
    let own = TileMargin.Numbers(
      norm: norm, residual: TileMargin.root(ofSum: squares, terms: queries.stride),
      stride: queries.stride)
    fine = NestedMargin.query(own, scale: scale, sum: sum, bits: bits)
    let inverse = 1 / Double(scale)
    factor = NestedMargin.factor(norm: own.norm, inverse: inverse)
    unsafe numbers[0] = own.norm
    unsafe numbers[1] = own.slack
    unsafe numbers[2] = inverse
    unsafe numbers[3] = fine.coarse_offset
    unsafe numbers[4] = 0
    unsafe numbers[5] = own.reach
  }
}
