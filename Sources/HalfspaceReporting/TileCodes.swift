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
/// bounds   E = max e, R = max n + E, 1 / scale
/// ```
///
/// A row that moves is encoded again with its tile's scale: the bound it gets is that of the new
/// codes, so nothing drifts. Where it is known how far it went at most, its bound grows by that,
/// until it is encoded again. Only where a row has outgrown the scale (its codes saturate and E
/// leaves its budget), where all have shrunk, or after many moves, does the tile get a new scale.
///
/// - Note: `Sendable` is unchecked. Reports only read; encoding in parallel writes what belongs
///   to a tile.
@safe final class TileCodes: @unchecked Sendable {
  static let rowsPerTile = Int(HS_TILE_ROWS)
  private static let largestCode: Float = 127
  // Smaller scales are of no use: 1 / scale must be finite.
  private static let smallestScale: Float = 0x1p-120
  /// E may grow to this multiple of what it was after encoding, before a tile is encoded again.
  private static let errorBudget: Float = 1.25
  /// What a row's error may grow by while the row moves, as a part of the deviation of its inner
  /// products with unit queries of any direction. 0.1 raises the candidates by 1.26 where 1 % fire.
  private static let driftBudget: Float = 0.1
  /// So far may the largest norm fall.
  private static let normBudget: Float = 0.5
  /// From so many moved rows of a tile on, encoding all of it costs no more.
  private static let fewestRowsForATile = 48
  /// A tile is encoded again after so many moves, which are then O(d) each.
  private static let mostMoves = 16 * rowsPerTile

  let weights: Matrix
  /// Groups of four coordinates.
  let groups: Int
  let tileCount: Int
  @unsafe private let codes: UnsafeMutablePointer<UInt8>
  /// For each tile E, R and 1 / scale, as `hs_tile_thresholds` reads them.
  @unsafe private let bounds: UnsafeMutablePointer<Double>
  /// For each row, zeros behind the last.
  @unsafe private let errors: UnsafeMutablePointer<Float>
  @unsafe private let norms: UnsafeMutablePointer<Float>
  @unsafe private let tiles: UnsafeMutablePointer<Tile>

  private struct Tile {
    var scale: Float = 1
    /// The largest error and norm right after the tile was encoded.
    var error: Float = 0
    var norm: Float = 0
    /// The error that a row may have before it is encoded again, if it is known to be near.
    var budget: Float = 0
    /// Rows moved since.
    var moves = 0
  }

  /// Encodes all rows. O(m d).
  init(_ weights: Matrix, threads: Int) {
    self.weights = weights
    groups = (weights.columns + 3) / 4
    tileCount = (weights.rows + Self.rowsPerTile - 1) / Self.rowsPerTile
    let byteCount = tileCount * Self.rowsPerTile * 4 * groups
    let raw = UnsafeMutableRawPointer.allocate(byteCount: max(1, byteCount), alignment: 64)
    unsafe codes = raw.bindMemory(to: UInt8.self, capacity: max(1, byteCount))
    unsafe bounds = .allocate(capacity: 3 * tileCount)
    unsafe errors = .allocate(capacity: tileCount * Self.rowsPerTile)
    unsafe norms = .allocate(capacity: tileCount * Self.rowsPerTile)
    unsafe tiles = .allocate(capacity: tileCount)
    unsafe bounds.initialize(repeating: 0, count: 3 * tileCount)
    unsafe errors.initialize(repeating: 0, count: tileCount * Self.rowsPerTile)
    unsafe norms.initialize(repeating: 0, count: tileCount * Self.rowsPerTile)
    unsafe tiles.initialize(repeating: Tile(), count: tileCount)
    // Rows behind the last are zero.
    unsafe codes.initialize(repeating: 128, count: max(1, byteCount))
    parallelFor(tileCount, grain: Self.rowsPerTile, threads: threads) { range in
      for tile in range { encode(tile: tile) }
    }
  }

  deinit {
    unsafe codes.deallocate()
    unsafe bounds.deallocate()
    unsafe errors.deallocate()
    unsafe norms.deallocate()
    unsafe tiles.deallocate()
  }

  /// Bytes of the codes of a tile.
  var tileByteCount: Int { Self.rowsPerTile * 4 * groups }

  var byteCount: Int {
    tileCount
      * (tileByteCount + 3 * MemoryLayout<Double>.stride + MemoryLayout<Tile>.stride
        + 2 * Self.rowsPerTile * MemoryLayout<Float>.stride)
  }

  /// The codes from a tile on.
  @unsafe func codes(from tile: Int) -> UnsafePointer<UInt8> {
    unsafe UnsafePointer(codes + tile * tileByteCount)
  }

  /// The bounds from a tile on.
  @unsafe func bounds(from tile: Int) -> UnsafePointer<Double> {
    unsafe UnsafePointer(bounds + 3 * tile)
  }

  /// The rows of consecutive tiles.
  func rows(of tiles: Range<Int>) -> Range<Int> {
    let end = min(weights.rows, tiles.upperBound * Self.rowsPerTile)
    return min(end, tiles.lowerBound * Self.rowsPerTile)..<end
  }

  // MARK: Encoding

  /// Encodes rows that have moved. O(d) each, in the long run.
  func update(rows moved: UnsafeBufferPointer<Int32>) {
    var begin = 0
    while begin < moved.count {
      let tile = unsafe checked(moved[begin]) / Self.rowsPerTile
      var end = begin + 1
      while end < moved.count, unsafe checked(moved[end]) / Self.rowsPerTile == tile { end += 1 }
      unsafe update(tile: tile, rows: UnsafeBufferPointer(rebasing: moved[begin..<end]))
      begin = end
    }
  }

  /// Notes that rows have moved, each by at most its displacement: the error of its codes grows by
  /// that, which is all there is to do until its budget is spent. O(1) each; then O(d).
  func update(
    rows moved: UnsafeBufferPointer<Int32>, displacements: UnsafeBufferPointer<Float>
  ) {
    for k in 0..<moved.count {
      let row = unsafe checked(moved[k])
      let tile = row / Self.rowsPerTile
      let displacement = unsafe displacements[k]
      let error = unsafe (errors[row] + displacement).nextUp
      let norm = unsafe (norms[row] + displacement).nextUp
      if unsafe displacement >= 0 && error <= tiles[tile].budget && norm < .infinity {
        unsafe errors[row] = error
        unsafe norms[row] = norm
        let own = unsafe bounds + 3 * tile
        unsafe own[0] = max(own[0], Double(error))
        unsafe own[1] = max(own[1], Double(norm) + Double(error))
      } else {
        unsafe update(tile: tile, rows: UnsafeBufferPointer(rebasing: moved[k..<(k + 1)]))
      }
    }
  }

  private func checked(_ row: Int32) -> Int {
    precondition(row >= 0 && row < weights.rows, "row \(row) of \(weights.rows)")
    return Int(row)
  }

  /// Encodes rows of one tile that have moved.
  private func update(tile: Int, rows moved: UnsafeBufferPointer<Int32>) {
    guard moved.count < Self.fewestRowsForATile else { return encode(tile: tile) }
    var begin = 0
    while begin < moved.count {
      // Neighbors go together.
      var end = begin + 1
      while end < moved.count, unsafe moved[end] == moved[end - 1] + 1 { end += 1 }
      let first = unsafe Int(moved[begin])
      encode(first..<(first + end - begin), tile: tile)
      begin = end
    }
    let (error, norm) = takeBounds(of: tile)
    unsafe tiles[tile].moves += moved.count
    let encoded = unsafe tiles[tile]
    let isWithinBudget =
      error <= max(encoded.error * Self.errorBudget, encoded.budget)
      && norm >= encoded.norm * Self.normBudget
    if !isWithinBudget || encoded.moves >= Self.mostMoves { encode(tile: tile) }
  }

  /// Chooses a tile's scale and encodes its rows.
  private func encode(tile: Int) {
    let rows = rows(of: tile..<(tile + 1))
    let largest = unsafe hs_largest_f32(rows.count * weights.stride, weights.row(rows.lowerBound))
    unsafe tiles[tile].scale = max(largest / Self.largestCode, Self.smallestScale)
    encode(rows, tile: tile)
    let (error, norm) = takeBounds(of: tile)
    unsafe tiles[tile].error = error
    unsafe tiles[tile].norm = norm
    let spread = norm / Float(max(1, weights.columns)).squareRoot()
    unsafe tiles[tile].budget = error + Self.driftBudget * spread
    unsafe tiles[tile].moves = 0
  }

  /// Encodes rows of a tile with its scale and bounds what is left out, each by itself.
  private func encode(_ rows: Range<Int>, tile: Int) {
    let scale = unsafe tiles[tile].scale
    let first = rows.lowerBound
    unsafe withUnsafeTemporaryAllocation(of: Double.self, capacity: 2 * Self.rowsPerTile) {
      let residuals = $0.baseAddress!
      let squares = unsafe residuals + Self.rowsPerTile
      unsafe hs_tile_encode_f32(
        rows.count, groups, weights.stride, weights.row(first), scale, 1 / scale,
        first - tile * Self.rowsPerTile, codes + tile * tileByteCount, residuals, squares)
      for k in 0..<rows.count {
        let error = unsafe TileMargin.root(ofSum: residuals[k], terms: weights.stride)
        let norm = unsafe TileMargin.root(ofSum: squares[k], terms: weights.stride)
        // A row with a NaN never fires and needs no bound.
        unsafe errors[first + k] = norm.isNaN ? 0 : Float(error).nextUp
        unsafe norms[first + k] = norm.isNaN ? 0 : Float(norm).nextUp
      }
    }
  }

  /// Collects the bounds of a tile's rows.
  private func takeBounds(of tile: Int) -> (error: Float, norm: Float) {
    let first = tile * Self.rowsPerTile
    var error: Float = 0
    var norm: Float = 0
    for row in first..<(first + Self.rowsPerTile) {
      unsafe error = max(error, errors[row])
      unsafe norm = max(norm, norms[row])
    }
    unsafe bounds[3 * tile] = Double(error)
    // Of |w| and of |w - e| alike.
    unsafe bounds[3 * tile + 1] = Double(norm) + Double(error)
    unsafe bounds[3 * tile + 2] = 1 / Double(tiles[tile].scale)
    return (error, norm)
  }
}
