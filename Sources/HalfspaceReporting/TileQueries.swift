// SPDX-License-Identifier: Apache-2.0
internal import CHalfspace
internal import HalfspaceLinalg

/// Queries as a filter over tiles reads them: integers, and four numbers each for the thresholds.
///
/// - Note: `Sendable` is unchecked. It is filled before a parallel report, which only reads it.
@safe final class TileQueries: @unchecked Sendable {
  /// Queries and numbers of the last `encode`.
  private(set) var count = 0
  private var groups = 0
  private var capacity = 0
  /// `[count, 4 * groups]` each; `low` only where queries are in two planes.
  @unsafe private var planes = UnsafeMutablePointer<Int8>.allocate(capacity: 0)
  /// X, G, 1 / t and o: `[4, count]` block by block, see `numbers(of:)`.
  @unsafe private var numbers = UnsafeMutablePointer<Double>.allocate(capacity: 0)
  private var numberCapacity = 0

  deinit {
    unsafe planes.deallocate()
    unsafe numbers.deallocate()
  }

  var byteCount: Int { capacity + numberCapacity * MemoryLayout<Double>.stride }

  /// Encodes queries `rows`: in two planes (15 bits), each by itself, or in one plane, in
  /// blocks of `block` queries that share an array of numbers. O(d) each.
  func encode(_ queries: Matrix, _ rows: Range<Int>, inTwoPlanes: Bool, block: Int) {
    count = rows.count
    groups = (queries.columns + 3) / 4
    reserve()
    let range: Int32 = inTwoPlanes ? HS_QUERY_LARGEST_16 : HS_QUERY_LARGEST_8
    let length = 4 * groups
    for q in 0..<count {
      let x = unsafe queries.row(rows.lowerBound + q)
      let (first, size) = (q / block * block, min(block, count - q / block * block))
      let own = unsafe numbers + 4 * first + (q - first)
      let norm = unsafe RoundingMargin.norm(stride: queries.stride, x)
      let largest = unsafe hs_largest_f32(queries.stride, x)
      let high = unsafe planes + q * length
      let low = unsafe inTwoPlanes ? planes + (count + q) * length : nil
      guard
        let scale = TileMargin.scale(
          norm: norm, largest: largest, columns: queries.columns, range: range)
      else {
        // Infinite or no number: the norm alone decides, for all tiles and rows.
        unsafe high.initialize(repeating: 0, count: length)
        unsafe low?.initialize(repeating: 0, count: length)
        unsafe own[0] = norm
        for k in 1..<4 { unsafe own[k * size] = 0 }
        continue
      }
      var sum: Int32 = 0
      let squares = unsafe hs_query_encode_f32(
        groups, queries.stride, x, scale, 1 / scale, high, low, &sum)
      let bounds = TileMargin.bounds(
        norm: norm, residual: TileMargin.root(ofSum: squares, terms: queries.stride),
        stride: queries.stride)
      unsafe own[0] = bounds.norm
      unsafe own[size] = bounds.slack
      unsafe own[2 * size] = 1 / Double(scale)
      unsafe own[3 * size] = 128 * Double(sum)
    }
  }

  /// The first plane from query `q` on.
  @unsafe func high(_ q: Int) -> UnsafePointer<Int8> {
    unsafe UnsafePointer(planes + q * 4 * groups)
  }

  /// The second plane from query `q` on.
  @unsafe func low(_ q: Int) -> UnsafePointer<Int8> {
    unsafe UnsafePointer(planes + (count + q) * 4 * groups)
  }

  /// The numbers of the block that begins with query `q`.
  @unsafe func numbers(of q: Int) -> UnsafePointer<Double> {
    unsafe UnsafePointer(numbers + 4 * q)
  }

  private func reserve() {
    let needed = 2 * count * 4 * groups
    if needed > capacity {
      unsafe planes.deallocate()
      unsafe planes = .allocate(capacity: needed)
      capacity = needed
    }
    if 4 * count > numberCapacity {
      unsafe numbers.deallocate()
      unsafe numbers = .allocate(capacity: 4 * count)
      numberCapacity = 4 * count
    }
  }
}
