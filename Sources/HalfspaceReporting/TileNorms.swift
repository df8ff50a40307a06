// SPDX-License-Identifier: Apache-2.0
internal import CHalfspace
internal import HalfspaceLinalg

/// Upper bounds of the norms of rows, for tiles of 64 rows, kept up as rows move.
///
/// ```
/// rows     |....tile 0....|....tile 1....|....tile 2..|
/// squares   s s s s s s s  canonical <w, w> of each row, taken anew when the row moves
/// largest         S              S             S        S >= every s of its tile
/// bounds          N              N             N        N >= the norm of every row of its tile
/// ```
///
/// A moved row can only raise its tile's `largest` at once; it falls when as many rows have moved as
/// the tile holds and it is taken again. So a move costs one inner product, and norms are computed
/// once per tile and report.
struct TileNorms {
  /// Rows that share a bound.
  static let tile = 64

  /// An upper bound of the norm of every row, by tile; good after `refresh()`.
  private(set) var bounds: [Float]

  private let weights: Matrix
  private var squares: [Float]
  private var largest: [Float]
  private var moves: [Int32]
  private var isStale: [Bool]
  /// Scratch of `update`: positions 0, 1, 2, ..., and the squares of the rows that moved.
  private var positions: [Int32] = [0]
  private var moved: [Float] = []

  /// The norms of `weights` as they are. O(m d).
  init(_ weights: Matrix) {
    self.weights = weights
    let tiles = (weights.rows + Self.tile - 1) / Self.tile
    bounds = .init(repeating: 0, count: tiles)
    squares = .init(repeating: 0, count: weights.rows)
    largest = .init(repeating: 0, count: tiles)
    moves = .init(repeating: 0, count: tiles)
    isStale = .init(repeating: true, count: tiles)
    let all = (0..<Int32(weights.rows)).map { $0 }
    unsafe all.withUnsafeBufferPointer { unsafe update(rows: $0) }
    refresh()
  }

  var byteCount: Int {
    4 * (bounds.count + squares.count + largest.count + moves.count + positions.count)
      + 4 * moved.count + isStale.count
  }

  /// Takes the norms of rows that have moved. O(d) each.
  mutating func update(rows: UnsafeBufferPointer<Int32>) {
    guard let ids = rows.baseAddress, rows.count > 0 else { return }
    while positions.count <= rows.count { positions.append(Int32(positions.count)) }
    if moved.count < rows.count { moved = .init(repeating: 0, count: rows.count) }
    for k in 0..<rows.count {
      let row = unsafe ids[k]
      precondition(row >= 0 && row < weights.rows, "row \(row) of \(weights.rows)")
    }
    // A sampled product of the rows with themselves: one pair for each.
    unsafe hs_sddmm_f32(
      0, rows.count, ids, positions, ids, weights.stride, weights.pointer, weights.pointer, 0,
      &moved)
    let count = rows.count
    unsafe moved.withUnsafeBufferPointer { moved in
      unsafe squares.withUnsafeMutableBufferPointer { squares in
        for k in 0..<count {
          let row = unsafe Int(ids[k])
          let tile = row / Self.tile
          let square = unsafe moved[k]
          unsafe squares[row] = square
          // False for NaN: such a row never fires, and no filter discards its products.
          if square > largest[tile] { largest[tile] = square }
          // Where squares underflow or overflow the bound is taken from the rows, all of them.
          if square == largest[tile] || !RoundingMargin.isFaithful(square: Double(largest[tile])) {
            isStale[tile] = true
          }
          moves[tile] += 1
        }
      }
    }
  }

  /// Makes `bounds` good for the rows as they are.
  mutating func refresh() {
    for tile in moves.indices {
      if moves[tile] >= Self.tile {
        largest[tile] = squares[rows(of: tile)].reduce(0) { $1 > $0 ? $1 : $0 }
        moves[tile] = 0
        isStale[tile] = true
      }
      guard isStale[tile] else { continue }
      bounds[tile] = bound(of: tile)
      isStale[tile] = false
    }
  }

  private func rows(of tile: Int) -> Range<Int> {
    tile * Self.tile..<min(weights.rows, (tile + 1) * Self.tile)
  }

  private func bound(of tile: Int) -> Float {
    let stride = weights.stride
    let norm =
      RoundingMargin.norm(square: Double(largest[tile]), stride: stride)
      ?? rows(of: tile).reduce(0) {
        // NaN, which compares with nothing, is left out here too.
        let norm = unsafe RoundingMargin.norm(stride: stride, weights.row($1))
        return norm > $0 ? norm : $0
      }
    return Float(norm).nextUp
  }
}
