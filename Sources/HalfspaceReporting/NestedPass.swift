// SPDX-License-Identifier: Apache-2.0
internal import CHalfspace
internal import HalfspaceLinalg

/// One query's report of a `NestedTileIndex`: what its tasks read.
struct NestedPass: Sendable {
  let codes: NestedCodes
  let query: NestedQuery
  /// The query as it is: a row of `queries`.
  let queries: Matrix
  let row: Int
  let threshold: Float
  /// The threshold of the certificate.
  private let bound: Double

  init(
    _ codes: NestedCodes, _ query: NestedQuery, _ queries: Matrix, row: Int, above threshold: Float
  ) {
    self.codes = codes
    self.query = query
    self.queries = queries
    self.row = row
    self.threshold = threshold
    bound = TileMargin.threshold(threshold, stride: queries.stride)
  }

  /// Appends the pairs of a range of tiles to `pairs`.
  ///
  /// Block by block, first all coarse codes, in order, then the fine codes of what they leave, then
  /// rows: memory is asked for one kind at a time. What is fetched early beside a stream that keeps
  /// memory busy does not come in time. Blocks are large enough for each to get going.
  func ask(_ tiles: Range<Int>, worker: NestedWorker, into pairs: inout FiringReport) {
    let weights = codes.weights
    let x = unsafe queries.row(row)
    for begin in stride(from: tiles.lowerBound, to: tiles.upperBound, by: NestedWorker.tiles) {
      let block = begin..<min(tiles.upperBound, begin + NestedWorker.tiles)
      let range = codes.rows(of: block)
      let pruned = unsafe hs_tile_thresholds(
        block.count, nil, 1, codes.bounds + 4 * begin, query.numbers, bound,
        RoundingMargin.largest, worker.thresholds)
      worker.visited += block.count
      worker.pruned += pruned
      worker.bytes += (block.count - pruned) * codes.tileByteCount
      guard pruned < block.count else { continue }
      let kept = unsafe hs_nested_coarse(
        range.count, block.count, codes.bits, codes.groups, codes.coarse(from: begin),
        codes.marks + range.lowerBound, codes.margins + begin, query.factor, query.high, query.low,
        worker.thresholds, Int32(range.lowerBound), worker.rows, worker.sums)
      worker.finelyChecked += kept
      guard kept > 0 else { continue }
      let found = unsafe withUnsafePointer(to: query.fine) {
        unsafe hs_nested_fine(
          kept, worker.rows, worker.sums, codes.bits, codes.groups, codes.fineStride, codes.fine,
          codes.fineMarks, query.high, query.low, $0, bound, begin, block.count, codes.fineBounds,
          worker.thresholds)
      }
      guard found > 0 else { continue }
      let room = unsafe pairs.reserve(found)
      let fired = unsafe hs_recheck_f32(
        found, worker.rows, weights.stride, weights.pointer, x, threshold, room.neurons,
        room.values)
      worker.stage.rechecked += found
      pairs.commit(fired)
    }
  }
}

/// Scratch of one task of a report.
///
/// - Note: `Sendable` is unchecked; a worker belongs to one task at a time.
@safe final class NestedWorker: @unchecked Sendable {
  /// Tiles of a block.
  static let tiles = Int(HS_NESTED_TILES)
  private static let capacity = tiles * NestedCodes.rowsPerTile + Int(HS_LANES)

  let stage = ReportStage<Int32>()
  /// Tiles looked at and left out as a whole since `removeAll()`, bytes of coarse codes read, and
  /// rows whose fine codes were.
  var visited = 0
  var pruned = 0
  var bytes = 0
  var finelyChecked = 0
  /// Thresholds of a block of tiles; rows that are left, and their sums of coarse codes.
  @unsafe let thresholds = UnsafeMutablePointer<Int32>.allocate(capacity: tiles)
  @unsafe let rows = UnsafeMutablePointer<Int32>.allocate(capacity: capacity)
  @unsafe let sums = UnsafeMutablePointer<Int32>.allocate(capacity: capacity)

  deinit {
    unsafe thresholds.deallocate()
    unsafe rows.deallocate()
    unsafe sums.deallocate()
  }

  /// Bytes held, without the pairs.
  var byteCount: Int { 4 * (Self.tiles + 2 * Self.capacity) }

  /// Forgets everything, keeps the room.
  func removeAll() {
    stage.removeAll()
    visited = 0
    pruned = 0
    bytes = 0
    finelyChecked = 0
  }
}
