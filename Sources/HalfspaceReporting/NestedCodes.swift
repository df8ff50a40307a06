// SPDX-License-Identifier: Apache-2.0
internal import CHalfspace
internal import HalfspaceLinalg

/// The rows of a matrix in codes of two planes, tile by tile, with proven bounds of what either
/// leaves out.
///
/// ```
/// rows     |....tile 0....|....tile 1....|....   64 rows each
/// coarse   4 or 6 bits a coordinate, one stream for each tile: w = S v + e, v a level
/// fine     8 or 4 bits a coordinate, row by row: w = S v + s k + f, |k| <= 127 or 7
/// marks    | | | | | | |   two bytes for each row: |e| <= mark U, |f| <= mark V
/// bounds   R >= |w| + |e|, |w| + |f|;  U / S;  V, S and s
/// ```
///
/// Errors differ: a row with one large coordinate leaves out far more than others, and it alone pays
/// for that. Fine codes of 8 bits reach as far as the largest of what the levels of a tile leave out;
/// those of 4, for long rows, where bytes count for more, only as far as nearly all of it.
///
/// As in `TileCodes`, a row that moves is encoded again with its tile's scales, or, where it is known
/// how far it went at most, its errors grow by that until it has left its budget. Where rows have
/// outgrown the scales, where all have shrunk, or after many moves, the tile gets new ones.
///
/// - Note: `Sendable` is unchecked. Reports only read; encoding in parallel writes what belongs
///   to a tile.
@safe final class NestedCodes: @unchecked Sendable {
  static let rowsPerTile = TileCodes.rowsPerTile
  /// Up to this many columns 4 bits cost least: `columns / 2` bytes and the fine codes of the tail
  /// behind `b - 0.0975 sqrt(columns)` against `3 / 4 columns` and that behind
  /// `b - 0.0283 sqrt(columns)`, for normal rows of which 1 % fire.
  private static let mostColumnsOf4Bits = 192
  /// Fine codes of a row up to this many bytes share a cache line with others'.
  private static let shortRow = 32

  let weights: Matrix
  /// Bits of a coarse code.
  let bits: Int32
  /// Groups of four coordinates.
  let groups: Int
  let tileCount: Int
  /// Bytes from the fine codes of one row to the next.
  let fineStride: Int
  @unsafe let coarse: UnsafeMutablePointer<UInt8>
  @unsafe let fine: UnsafeMutablePointer<UInt8>
  @unsafe let marks: UnsafeMutablePointer<UInt8>
  @unsafe let fineMarks: UnsafeMutablePointer<UInt8>
  /// For each tile an upper bound of U / S.
  @unsafe let margins: UnsafeMutablePointer<Float>
  /// For each tile 0, R, 1 / S and 0, as `hs_tile_thresholds` reads them; V, R, S and s.
  @unsafe let bounds: UnsafeMutablePointer<Double>
  @unsafe let fineBounds: UnsafeMutablePointer<Double>
  /// For each row, zeros behind the last: upper bounds of |e|, |f| and |w| when it was encoded, and of
  /// how far it has gone since.
  @unsafe let coarseErrors: UnsafeMutablePointer<Float>
  @unsafe let fineErrors: UnsafeMutablePointer<Float>
  @unsafe let norms: UnsafeMutablePointer<Float>
  @unsafe let drifts: UnsafeMutablePointer<Float>
  @unsafe let tiles: UnsafeMutablePointer<Tile>

  struct Tile {
    var scale: Float = 1
    var fineScale: Float = 1
    /// The units of marks.
    var unit: Float = 0
    var fineUnit: Float = 0
    /// The largest norm right after the tile was encoded.
    var norm: Float = 0
    /// How far a row may go before it is encoded again.
    var budget: Float = 0
    /// Rows moved since.
    var moves = 0
  }

  /// Encodes all rows. O(m d).
  init(_ weights: Matrix, threads: Int) {
    self.weights = weights
    let columns = weights.columns
    bits = columns <= Self.mostColumnsOf4Bits ? 4 : 6
    groups = (columns + 3) / 4
    tileCount = (weights.rows + Self.rowsPerTile - 1) / Self.rowsPerTile
    fineStride =
      bits == 6
      ? (4 * groups + 127) / 128 * 64
      : 4 * groups <= Self.shortRow ? (4 * groups <= 16 ? 16 : 32) : (4 * groups + 63) / 64 * 64
    let rows = tileCount * Self.rowsPerTile
    let bytes = tileCount * groups * hs_nested_group_bytes(bits)
    unsafe coarse = Self.zeros(bytes)
    unsafe fine = Self.zeros(rows * fineStride + Int(HS_NESTED_PADDING))
    unsafe marks = Self.zeros(rows)
    unsafe fineMarks = Self.zeros(rows)
    unsafe margins = .allocate(capacity: tileCount)
    unsafe margins.initialize(repeating: 0, count: tileCount)
    unsafe bounds = .allocate(capacity: 4 * tileCount)
    unsafe bounds.initialize(repeating: 0, count: 4 * tileCount)
    unsafe fineBounds = .allocate(capacity: 4 * tileCount)
    unsafe fineBounds.initialize(repeating: 0, count: 4 * tileCount)
    unsafe coarseErrors = .allocate(capacity: rows)
    unsafe coarseErrors.initialize(repeating: 0, count: rows)
    unsafe fineErrors = .allocate(capacity: rows)
    unsafe fineErrors.initialize(repeating: 0, count: rows)
    unsafe norms = .allocate(capacity: rows)
    unsafe norms.initialize(repeating: 0, count: rows)
    unsafe drifts = .allocate(capacity: rows)
    unsafe drifts.initialize(repeating: 0, count: rows)
    unsafe tiles = .allocate(capacity: tileCount)
    unsafe tiles.initialize(repeating: Tile(), count: tileCount)
    parallelFor(tileCount, grain: Self.rowsPerTile, threads: threads) { range in
      for tile in range { encode(tile: tile) }
    }
  }

  @unsafe private static func zeros(_ count: Int) -> UnsafeMutablePointer<UInt8> {
    let raw = unsafe AlignedMemory.allocate(byteCount: count)
    let bytes = unsafe raw.bindMemory(to: UInt8.self, capacity: max(1, count))
    unsafe bytes.initialize(repeating: 0, count: max(1, count))
    return unsafe bytes
  }

  deinit {
    unsafe coarse.deallocate()
    unsafe fine.deallocate()
    unsafe marks.deallocate()
    unsafe fineMarks.deallocate()
    unsafe margins.deallocate()
    unsafe bounds.deallocate()
    unsafe fineBounds.deallocate()
    unsafe coarseErrors.deallocate()
    unsafe fineErrors.deallocate()
    unsafe norms.deallocate()
    unsafe drifts.deallocate()
    unsafe tiles.deallocate()
  }

  /// Bytes of the coarse codes of a tile.
  var tileByteCount: Int { groups * hs_nested_group_bytes(bits) }

  var byteCount: Int {
    let perRow = fineStride + 2 + 4 * MemoryLayout<Float>.stride
    let perTile =
      tileByteCount + Self.rowsPerTile * perRow + 8 * MemoryLayout<Double>.stride
      + MemoryLayout<Float>.stride + MemoryLayout<Tile>.stride
    return tileCount * perTile + Int(HS_NESTED_PADDING)
  }

  /// The coarse codes from a tile on.
  @unsafe func coarse(from tile: Int) -> UnsafePointer<UInt8> {
    unsafe UnsafePointer(coarse + tile * tileByteCount)
  }

  /// The rows of consecutive tiles.
  func rows(of tiles: Range<Int>) -> Range<Int> {
    let end = min(weights.rows, tiles.upperBound * Self.rowsPerTile)
    return min(end, tiles.lowerBound * Self.rowsPerTile)..<end
  }
}
