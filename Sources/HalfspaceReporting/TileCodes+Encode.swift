// SPDX-License-Identifier: Apache-2.0
internal import CHalfspace
internal import HalfspaceLinalg

extension TileCodes {
  /// Encodes the rows at these positions, which have moved, or those of them whose codes no longer stand
  /// for them. O(d) each, in the long run.
  func update(_ moved: UnsafeBufferPointer<Int32>, threads: Int) {
    if TileRoom.pays(for: self) {
      unsafe renew(moved, threads: threads)
    } else {
      unsafe encode(moved, threads: threads)
    }
  }

  /// Calls `body` with each tile that rows which have moved stand in, and those of them that do. Neighbors
  /// in the list that share a tile come together.
  static func forEachTile(
    of moved: UnsafeBufferPointer<Int32>,
    _ body: (_ tile: Int, _ rows: UnsafeBufferPointer<Int32>) -> Void
  ) {
    var begin = 0
    while begin < moved.count {
      let tile = unsafe Int(moved[begin]) / rowsPerTile
      var end = begin + 1
      while end < moved.count, unsafe Int(moved[end]) / rowsPerTile == tile { end += 1 }
      unsafe body(tile, UnsafeBufferPointer(rebasing: moved[begin..<end]))
      begin = end
    }
  }

  /// Encodes rows that have moved, tile by tile.
  private func encode(_ moved: UnsafeBufferPointer<Int32>, threads: Int) {
    // Where rows do not stand as they are, the encoder has scratch.
    let isFree = unsafe order == nil && basis == nil && names == nil
    let parts = isFree ? min(threads, moved.count / Self.movesWorthATask) : 1
    guard parts > 1 else {
      return unsafe Self.forEachTile(of: moved) { unsafe update(tile: $0, $1) }
    }
    let list = unsafe MovedRows(rows: moved, displacements: nil)
    parallelFor(parts, threads: threads) { part in
      let count = unsafe list.rows.count
      let begin = unsafe Self.cut(count * part / parts, of: list.rows)
      let end = unsafe Self.cut(count * (part + 1) / parts, of: list.rows)
      unsafe Self.forEachTile(of: UnsafeBufferPointer(rebasing: list.rows[begin..<end])) {
        unsafe update(tile: $0, $1)
      }
    }
  }

  /// Moved rows that take longer to encode, and to look at, than it takes to hand them over.
  private static let movesWorthATask = 16
  static let looksWorthATask = 256
  static let notesWorthATask = 2048

  /// The first place from `place` on in a list of rows, which ascend, where another tile begins.
  static func cut(_ place: Int, of rows: UnsafeBufferPointer<Int32>) -> Int {
    guard place > 0 else { return 0 }
    var place = place
    while place < rows.count,
      unsafe Int(rows[place]) / rowsPerTile == Int(rows[place - 1]) / rowsPerTile
    {
      place += 1
    }
    return place
  }

  /// A list that the tasks of a parallel loop read.
  @unsafe struct MovedRows: @unchecked Sendable {
    let rows: UnsafeBufferPointer<Int32>
    let displacements: UnsafePointer<Float>?
  }

  /// Notes that the row at a position has moved by at most its displacement: the error of its codes
  /// grows by that, which is all there is to do until its budget is spent. O(1); then O(d).
  func update(position: Int, displacement: Float) {
    let tile = position / Self.rowsPerTile
    let growth = basis == nil ? displacement : displacement * Float(TileBasis.growth)
    let error = unsafe (errors[position] + growth).nextUp
    let norm = unsafe (norms[position] + growth).nextUp
    guard displacement >= 0, unsafe error <= tiles[tile].budget, norm < .infinity else {
      var moved = Int32(truncatingIfNeeded: position)
      unsafe withUnsafePointer(to: &moved) {
        unsafe update(tile: tile, UnsafeBufferPointer(start: $0, count: 1))
      }
      return
    }
    unsafe errors[position] = error
    unsafe norms[position] = norm
    let own = unsafe bounds + 4 * tile
    unsafe own[0] = max(own[0], Double(error))
    unsafe own[1] = max(own[1], Double(norm) + Double(error))
    guard basis != nil else { return }
    let rest = unsafe (rests[position] + growth).nextUp
    unsafe rests[position] = rest
    unsafe own[3] = max(own[3], Double(rest))
  }

  /// Notes how far the rows at these positions, which ascend, have moved at most. O(1) each; then O(d).
  func update(
    positions: UnsafeBufferPointer<Int32>, displacements: UnsafeBufferPointer<Float>, threads: Int
  ) {
    if TileRoom.pays(for: self) {
      return unsafe renew(positions, displacements: displacements.baseAddress, threads: threads)
    }
    guard basis == nil, let moves = displacements.baseAddress, !positions.isEmpty else {
      for k in 0..<positions.count {
        unsafe update(position: Int(positions[k]), displacement: displacements[k])
      }
      return
    }
    reserveOver(positions.count)
    let list = unsafe MovedRows(rows: positions, displacements: moves)
    let found = unsafe parallelFilter(
      positions.count, parts: max(1, min(threads, positions.count / Self.looksWorthATask)),
      room: over.baseAddress!, cut: { unsafe Self.cut($0, of: positions) }
    ) { range, over in
      let budgets = unsafe UnsafeRawPointer(tiles) + MemoryLayout<Tile>.offset(of: \.budget)!
      return unsafe hs_note_moves_f32(
        range.count, list.rows.baseAddress! + range.lowerBound,
        list.displacements! + range.lowerBound, budgets.assumingMemoryBound(to: CChar.self),
        MemoryLayout<Tile>.stride, errors, norms, bounds, over)
    }
    unsafe encode(UnsafeBufferPointer(rebasing: over[..<found]), threads: threads)
  }

  /// Makes room for lists of so many rows, and for what kernels write behind them.
  func reserveOver(_ count: Int) {
    guard unsafe over.count < count else { return }
    unsafe over.deallocate()
    unsafe over = .allocate(capacity: count + count / 4)
  }

  /// Encodes rows of one tile that have moved.
  private func update(tile: Int, _ moved: UnsafeBufferPointer<Int32>) {
    // Where the tile has room, its bounds are for all rows alike.
    guard moved.count < Self.fewestRowsForATile, !hasRooms else {
      return encode(tile: tile, encoder)
    }
    var begin = 0
    while begin < moved.count {
      // Neighbors go together.
      var end = begin + 1
      while end < moved.count, unsafe moved[end] == moved[end - 1] + 1 { end += 1 }
      let first = unsafe Int(moved[begin])
      let positions = first..<(first + end - begin)
      unsafe encode(positions, encoder.load(positions), tile: tile, encoder)
      begin = end
    }
    let (error, norm) = takeBounds(of: tile)
    unsafe tiles[tile].moves += moved.count
    let encoded = unsafe tiles[tile]
    let isWithinBudget =
      error <= max(encoded.error * Self.errorBudget, encoded.budget)
      && norm >= encoded.norm * Self.normBudget
    if !isWithinBudget || encoded.moves >= Self.mostMoves { encode(tile: tile, encoder) }
  }

  /// Encodes all tiles that hold these positions.
  func encode(_ positions: Range<Int>, threads: Int) {
    let first = positions.lowerBound / Self.rowsPerTile
    let end = (positions.upperBound + Self.rowsPerTile - 1) / Self.rowsPerTile
    parallelFor(end - first, grain: Self.rowsPerTile, threads: threads) { range in
      let encoder = newEncoder()
      for tile in range { encode(tile: first + tile, encoder) }
    }
  }

  /// Chooses a tile's scale and encodes its rows.
  func encode(tile: Int, _ encoder: TileEncoder) {
    let positions = rows(of: tile..<(tile + 1))
    let rows = unsafe encoder.load(positions)
    let largest = unsafe hs_largest_f32(positions.count * stride, rows)
    let headroom = hasRooms ? TileRoom.headroom : 1
    unsafe rooms[tile].scale = max(largest / Self.largestCode * headroom, Self.smallestScale)
    unsafe spans[tile] = keepsSpans ? 0 : .max
    unsafe encode(positions, rows, tile: tile, encoder)
    takeBudget(of: tile)
    unsafe tiles[tile].moves = 0
    if hasRooms { makeRoom(inTile: tile) }
  }

  /// Takes the bounds of a tile that has just been encoded for what its rows may grow from.
  func takeBudget(of tile: Int) {
    let (error, norm) = takeBounds(of: tile)
    unsafe tiles[tile].error = error
    unsafe tiles[tile].norm = norm
    unsafe tiles[tile].budget = error + Self.driftBudget * spread(of: tile)
  }

  /// The deviation of the products of a tile's longest row with unit queries of any direction.
  func spread(of tile: Int) -> Float {
    unsafe tiles[tile].norm / Float(max(1, columns)).squareRoot()
  }

  /// Encodes rows of a tile, given their coordinates, with its scale and bounds what is left
  /// out, each by itself.
  private func encode(
    _ positions: Range<Int>, _ rows: UnsafePointer<Float>, tile: Int, _ encoder: TileEncoder
  ) {
    let scale = unsafe rooms[tile].scale
    let first = positions.lowerBound
    unsafe withUnsafeTemporaryAllocation(of: Double.self, capacity: 2 * Self.rowsPerTile) {
      let residuals = $0.baseAddress!
      let squares = unsafe residuals + Self.rowsPerTile
      unsafe hs_tile_encode_f32(
        positions.count, groups, stride, rows, scale, 1 / scale, first - tile * Self.rowsPerTile,
        codes + tile * tileByteCount, residuals, squares)
      if keepsSpans {
        let span = unsafe hs_tile_span(
          groups, codes + tile * tileByteCount, first - tile * Self.rowsPerTile, positions.count)
        unsafe spans[tile] = max(spans[tile], span)
      }
      for k in 0..<positions.count {
        var error = unsafe TileMargin.root(ofSum: residuals[k], terms: stride)
        var norm = unsafe TileMargin.root(ofSum: squares[k], terms: stride)
        if let basis {
          let row = unsafe encoder.row(at: first + k)
          let whole = unsafe RoundingMargin.norm(stride: weights.stride, row)
          let rounding = basis.error(norm: whole)
          let lowest = max(0, norm * (1 - 0x1p-30) - rounding)
          error += rounding
          norm += rounding
          let isFinite = whole.isFinite && norm.isFinite && error.isFinite
          let rest = isFinite ? basis.rest(norm: whole, coordinates: lowest...norm) : .infinity
          if !isFinite { (error, norm) = (.infinity, whole.isNaN ? .nan : .infinity) }
          unsafe rests[first + k] = norm.isNaN ? 0 : Float(rest).nextUp
        }
        // A row with a NaN never fires and needs no bound.
        unsafe errors[first + k] = norm.isNaN ? 0 : Float(error).nextUp
        unsafe norms[first + k] = norm.isNaN ? 0 : Float(norm).nextUp
      }
    }
  }

  /// Collects the bounds of a tile's rows.
  private func takeBounds(of tile: Int) -> (error: Float, norm: Float) {
    let first = tile * Self.rowsPerTile
    let error = unsafe hs_largest_bound_f32(errors + first)
    let norm = unsafe hs_largest_bound_f32(norms + first)
    unsafe bounds[4 * tile] = Double(error)
    // Of |w| and of |w - e| alike.
    unsafe bounds[4 * tile + 1] = Double(norm) + Double(error)
    unsafe bounds[4 * tile + 2] = 1 / Double(rooms[tile].scale)
    unsafe bounds[4 * tile + 3] = basis == nil ? 0 : Double(hs_largest_bound_f32(rests + first))
    return (error, norm)
  }
}
