// SPDX-License-Identifier: Apache-2.0
internal import CHalfspace
internal import HalfspaceLinalg

/// The rows of a matrix in 8-bit codes, tile by tile, with proven bounds of what the codes leave
/// out.
///
/// ```
/// rows     |....tile 0....|....tile 1....|....   64 rows each
/// codes    k in -127...127, one scale per tile, so that w = scale * k + e
/// errors   e e e e e e e   one upper bound of |e| for each row, set anew when the row moves
/// norms    n n n n n n n   one upper bound of |w| for each row
/// bounds   E = max e, R = max n + E, 1 / scale, S
/// ```
///
/// Tiles hold rows by *position*, which is the row's number unless a partition tree orders the
/// rows, or only some of the matrix's are wanted. With a basis, w stands for the row's coordinates in it, and S bounds the norm of what
/// these leave out of any row (zero without).
///
/// A row that moves is encoded again with its tile's scale: the bound it gets is that of the new
/// codes, so nothing drifts. Short rows are compared with their codes first, which takes less time: the
/// error of a tile has room for what they leave out. Where it is known how far a row went at most, its bound grows
/// by that until it is encoded again, or that is taken from the slack of a short row until it is compared again.
/// Only where a row has outgrown the scale (its codes saturate and E
/// leaves its budget), where all have shrunk, or after many moves, does the tile get a new scale.
///
/// - Note: `Sendable` is unchecked. Reports only read; encoding in parallel writes what belongs
///   to a tile.
@safe final class TileCodes: @unchecked Sendable {
  static let rowsPerTile = Int(HS_TILE_ROWS)
  static let largestCode: Float = 127
  // Smaller scales are of no use: 1 / scale must be finite.
  static let smallestScale: Float = 0x1p-120
  /// E may grow to this multiple of what it was after encoding, before a tile is encoded again.
  static let errorBudget: Float = 1.25
  /// What a row's error may grow by while the row moves, as a part of the deviation of its inner
  /// products with unit queries of any direction. 0.1 raises the candidates by 1.26 where 1 % fire.
  static let driftBudget: Float = 0.1
  /// So far may the largest norm fall.
  static let normBudget: Float = 0.5
  /// From so many moved rows of a tile on, encoding all of it costs no more.
  static let fewestRowsForATile = 48
  /// A tile is encoded again after so many moves, which are then O(d) each.
  static let mostMoves = 16 * rowsPerTile

  let weights: Matrix
  /// Number of rows, and which these are where not all are wanted: a number for each position.
  let count: Int
  @unsafe let names: UnsafeMutablePointer<Int32>?
  /// The order of the rows; nil where they stand as they are.
  let order: PartitionTree?
  /// The directions of the coordinates; nil where they are the row's own.
  let basis: TileBasis?
  /// What the order is of, where it is not the rows themselves: their coordinates in the basis.
  let projection: ProjectedRows?
  let encoder: TileEncoder
  /// Whether queries are short enough for spans to matter: those of 8 bits never are.
  let keepsSpans = hs_query_largest_of_batch() == HS_QUERY_LARGEST_7
  /// Encoded coordinates, and floats from one row of them to the next.
  let columns: Int
  let stride: Int
  /// Groups of four coordinates.
  let groups: Int
  let tileCount: Int
  @unsafe let codes: UnsafeMutablePointer<UInt8>
  /// For each tile E, R, 1 / scale and S, as `hs_tile_thresholds` reads them.
  @unsafe let bounds: UnsafeMutablePointer<Double>
  /// At least the span of each tile, see `hs_tile_span`.
  @unsafe let spans: UnsafeMutablePointer<Int32>
  /// For each row, zeros behind the last.
  @unsafe let errors: UnsafeMutablePointer<Float>
  @unsafe let norms: UnsafeMutablePointer<Float>
  @unsafe let rests: UnsafeMutablePointer<Float>
  /// Where codes have room: how far each row may move until they have to be compared with it; see `TileRoom`.
  @unsafe let slacks: UnsafeMutablePointer<Float>
  @unsafe let tiles: UnsafeMutablePointer<Tile>
  /// Rows whose displacements have used up their budget.
  @unsafe @exclusivity(unchecked) var over = UnsafeMutableBufferPointer<Int32>.allocate(capacity: 0)
  /// What codes of short rows stand for, from the first move on; see `TileRoom`.
  @unsafe let rooms: UnsafeMutablePointer<hs_coded_tile_t>
  @safe @exclusivity(unchecked) var hasRooms = false

  struct Tile {
    /// The largest error and norm right after the tile was encoded.
    var error: Float = 0
    var norm: Float = 0
    /// The error that a row may have before it is encoded again, if it is known to be near.
    var budget: Float = 0
    /// Rows moved since.
    var moves = 0
  }

  /// Encodes all rows, or those with these numbers, which ascend and which no order brings together. O(m d).
  init(
    _ weights: Matrix, numbers: [Int32]? = nil, order: PartitionTree?, basis: TileBasis?,
    projection: ProjectedRows? = nil, threads: Int
  ) {
    precondition(numbers == nil || order == nil, "\(numbers?.count ?? 0) rows in an order of all")
    self.weights = weights
    count = numbers?.count ?? weights.rows
    tileCount = (count + Self.rowsPerTile - 1) / Self.rowsPerTile
    if let numbers {
      let names = UnsafeMutablePointer<Int32>.allocate(capacity: tileCount * Self.rowsPerTile)
      // Kernels read numbers of whole tiles.
      unsafe names.initialize(repeating: 0, count: tileCount * Self.rowsPerTile)
      unsafe names.update(from: numbers, count: numbers.count)
      unsafe self.names = names
    } else {
      unsafe names = nil
    }
    self.order = order
    self.basis = basis
    self.projection = projection
    unsafe encoder = TileEncoder(weights, names: names, order: order, basis: basis)
    columns = basis?.count ?? weights.columns
    stride = Matrix.paddedStride(columns)
    groups = (columns + 3) / 4
    let byteCount = tileCount * Self.rowsPerTile * 4 * groups
    let raw = unsafe AlignedMemory.allocate(byteCount: byteCount)
    unsafe codes = raw.bindMemory(to: UInt8.self, capacity: max(1, byteCount))
    unsafe bounds = AlignedMemory.allocate(Double.self, capacity: 4 * tileCount)
    unsafe spans = .allocate(capacity: tileCount)
    unsafe spans.initialize(repeating: 0, count: tileCount)
    unsafe errors = AlignedMemory.allocate(
      Float.self, capacity: tileCount * Self.rowsPerTile)
    unsafe norms = AlignedMemory.allocate(
      Float.self, capacity: tileCount * Self.rowsPerTile)
    let restCount = basis == nil ? 0 : tileCount * Self.rowsPerTile
    unsafe rests = .allocate(capacity: restCount)
    unsafe slacks = AlignedMemory.allocate(Float.self, capacity: tileCount * Self.rowsPerTile)
    unsafe tiles = .allocate(capacity: tileCount)
    unsafe rooms = .allocate(capacity: tileCount)
    unsafe rooms.initialize(repeating: hs_coded_tile_t(), count: tileCount)
    unsafe bounds.initialize(repeating: 0, count: 4 * tileCount)
    unsafe errors.initialize(repeating: 0, count: tileCount * Self.rowsPerTile)
    unsafe norms.initialize(repeating: 0, count: tileCount * Self.rowsPerTile)
    unsafe rests.initialize(repeating: 0, count: restCount)
    unsafe slacks.initialize(repeating: 0, count: tileCount * Self.rowsPerTile)
    unsafe tiles.initialize(repeating: Tile(), count: tileCount)
    // Rows behind the last are zero.
    unsafe codes.initialize(repeating: 128, count: max(1, byteCount))
    parallelFor(tileCount, grain: Self.rowsPerTile, threads: threads) { range in
      let encoder = newEncoder()
      for tile in range { encode(tile: tile, encoder) }
    }
  }

  /// Scratch of one task that encodes rows.
  func newEncoder() -> TileEncoder {
    unsafe TileEncoder(weights, names: names, order: order, basis: basis)
  }

  deinit {
    unsafe names?.deallocate()
    unsafe codes.deallocate()
    unsafe bounds.deallocate()
    unsafe spans.deallocate()
    unsafe errors.deallocate()
    unsafe norms.deallocate()
    unsafe rests.deallocate()
    unsafe slacks.deallocate()
    unsafe tiles.deallocate()
    unsafe rooms.deallocate()
    unsafe over.deallocate()
  }

  /// Bytes of the codes of a tile.
  var tileByteCount: Int { Self.rowsPerTile * 4 * groups }

  var byteCount: Int {
    let perTile =
      unsafe tileByteCount + 4 * MemoryLayout<Double>.stride + MemoryLayout<Int32>.stride
      + MemoryLayout<Tile>.stride + MemoryLayout<hs_coded_tile_t>.stride
      + (basis == nil ? 3 : 4) * Self.rowsPerTile * MemoryLayout<Float>.stride
      + (names == nil ? 0 : Self.rowsPerTile * MemoryLayout<Int32>.stride)
    return unsafe tileCount * perTile + encoder.byteCount + (basis?.matrix.byteCount ?? 0)
      + 4 * over.count + (projection?.coordinates.byteCount ?? 0)
  }

  /// The codes from a tile on.
  @unsafe func codes(from tile: Int) -> UnsafePointer<UInt8> {
    unsafe UnsafePointer(codes + tile * tileByteCount)
  }

  /// The bounds from a tile on.
  @unsafe func bounds(from tile: Int) -> UnsafePointer<Double> {
    unsafe UnsafePointer(bounds + 4 * tile)
  }

  /// The spans from a tile on.
  @unsafe func spans(from tile: Int) -> UnsafePointer<Int32> {
    unsafe UnsafePointer(spans + tile)
  }

  /// The positions of consecutive tiles.
  func rows(of tiles: Range<Int>) -> Range<Int> {
    let end = min(count, tiles.upperBound * Self.rowsPerTile)
    return min(end, tiles.lowerBound * Self.rowsPerTile)..<end
  }
}
