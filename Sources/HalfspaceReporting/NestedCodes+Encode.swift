// SPDX-License-Identifier: Apache-2.0
internal import CHalfspace
internal import HalfspaceLinalg

extension NestedCodes {
  /// The coarse scale is at least this part of the largest coordinate of a tile: also where its
  /// squares underflow or overflow.
  private static let smallestPart: Float = 0x1p-10

  // MARK: Moves

  /// Encodes rows that have moved, tile by tile. O(d) each, in the long run.
  func update(_ moved: UnsafeBufferPointer<Int32>) {
    unsafe TileCodes.forEachTile(of: moved) { unsafe update(tile: $0, $1) }
  }

  /// Notes that a row has moved by at most its displacement: the errors of its codes grow by that,
  /// which is all there is to do until its budget is spent. O(1); then O(d).
  func update(row: Int, displacement: Float) {
    let tile = row / Self.rowsPerTile
    let drift = unsafe (drifts[row] + displacement).nextUp
    guard displacement >= 0, unsafe drift <= tiles[tile].budget, unsafe norms[row] < .infinity,
      takeMarks(of: row, drift: drift, tile: tile)
    else {
      var moved = Int32(truncatingIfNeeded: row)
      unsafe withUnsafePointer(to: &moved) {
        unsafe update(tile: tile, UnsafeBufferPointer(start: $0, count: 1))
      }
      return
    }
    unsafe drifts[row] = drift
    let radius = unsafe max(bounds[4 * tile + 1], reach(of: row))
    unsafe bounds[4 * tile + 1] = radius
    unsafe fineBounds[4 * tile + 1] = radius
  }

  /// Encodes rows of one tile that have moved.
  private func update(tile: Int, _ moved: UnsafeBufferPointer<Int32>) {
    guard moved.count < TileCodes.fewestRowsForATile else { return encode(tile: tile) }
    var begin = 0
    while begin < moved.count {
      // Neighbors go together.
      var end = begin + 1
      while end < moved.count, unsafe moved[end] == moved[end - 1] + 1 { end += 1 }
      let first = unsafe Int(moved[begin])
      encode(first..<(first + end - begin), tile: tile)
      begin = end
    }
    unsafe tiles[tile].moves += moved.count
    let norm = takeBounds(of: tile)
    let encoded = unsafe tiles[tile]
    let haveMarks = unsafe moved.allSatisfy { takeMarks(of: Int($0), drift: 0, tile: tile) }
    let isWithinBudget =
      norm <= encoded.norm * TileCodes.errorBudget && norm >= encoded.norm * TileCodes.normBudget
      && encoded.moves < TileCodes.mostMoves
    if !haveMarks || !isWithinBudget { encode(tile: tile) }
  }

  // MARK: Encoding

  /// Chooses a tile's scales and encodes its rows.
  func encode(tile: Int) {
    let positions = rows(of: tile..<(tile + 1))
    takeScales(of: tile, positions)
    encode(positions, tile: tile)
    let first = tile * Self.rowsPerTile
    let unit = NestedMargin.unit(largestError: unsafe hs_largest_bound_f32(coarseErrors + first))
    unsafe margins[tile] = NestedMargin.margin(unit: unit, scale: tiles[tile].scale)
    unsafe tiles[tile].unit = unit
    unsafe tiles[tile].fineUnit = NestedMargin.unit(
      largestError: hs_largest_bound_f32(fineErrors + first))
    let norm = takeBounds(of: tile)
    unsafe tiles[tile].norm = norm
    unsafe tiles[tile].budget =
      TileCodes.driftBudget * norm / Float(max(1, weights.columns)).squareRoot()
    unsafe tiles[tile].moves = 0
    // Rows have marks unless their errors are infinite; then all of the tile are kept.
    for row in positions { _ = takeMarks(of: row, drift: 0, tile: tile) }
  }

  /// The scales that suit the rows of a tile; any are right.
  private func takeScales(of tile: Int, _ positions: Range<Int>) {
    let rows = unsafe weights.row(positions.lowerBound)
    let largest = unsafe hs_largest_f32(positions.count * weights.stride, rows)
    var squares = 0.0
    for row in positions {
      let square = unsafe hs_dot_f32(weights.stride, weights.row(row), weights.row(row))
      if square.isFinite { squares += Double(square) }
    }
    let mean = squares / Double(max(1, positions.count * weights.columns))
    let deviation = bits == 4 ? HS_NESTED_DEVIATION_4 : HS_NESTED_DEVIATION_6
    let scale = max(
      Float(mean.squareRoot()) / deviation, largest * Self.smallestPart, TileCodes.smallestScale)
    let fineScale =
      bits == 4
      ? max(HS_NESTED_STEP_4 * scale, largest - HS_NESTED_TOP_4 * scale) / HS_NESTED_LARGEST_8
      : HS_NESTED_REACH_6 * scale / HS_NESTED_LARGEST_4
    unsafe tiles[tile].scale = scale
    unsafe tiles[tile].fineScale = max(fineScale, TileCodes.smallestScale)
  }

  /// Encodes rows of a tile with its scales and bounds what is left out, each by itself.
  private func encode(_ positions: Range<Int>, tile: Int) {
    guard !positions.isEmpty else { return }
    let (scale, fineScale) = unsafe (tiles[tile].scale, tiles[tile].fineScale)
    let (first, stride) = (positions.lowerBound, weights.stride)
    unsafe withUnsafeTemporaryAllocation(of: Double.self, capacity: 3 * Self.rowsPerTile) {
      let residuals = $0.baseAddress!
      let fineResiduals = unsafe residuals + Self.rowsPerTile
      let squares = unsafe fineResiduals + Self.rowsPerTile
      unsafe hs_nested_encode_f32(
        positions.count, bits, groups, stride, weights.row(first), scale, 1 / scale, fineScale,
        1 / fineScale, first - tile * Self.rowsPerTile, coarse + tile * tileByteCount, fineStride,
        fine + first * fineStride, residuals, fineResiduals, squares)
      for k in 0..<positions.count {
        let norm = unsafe TileMargin.root(ofSum: squares[k], terms: stride)
        let error = unsafe TileMargin.root(ofSum: residuals[k], terms: stride)
        // What the levels leave out has been rounded before the fine codes came off.
        let fineError =
          unsafe TileMargin.root(ofSum: fineResiduals[k], terms: stride) + error * 0x1p-50
        // A row with a NaN never fires and needs no bound.
        unsafe coarseErrors[first + k] = norm.isNaN ? 0 : Float(error).nextUp
        unsafe fineErrors[first + k] = norm.isNaN ? 0 : Float(fineError).nextUp
        unsafe norms[first + k] = norm.isNaN ? 0 : Float(norm).nextUp
        unsafe drifts[first + k] = 0
      }
    }
  }

  /// An upper bound of the norm of a row, and of what its codes make of it.
  private func reach(of row: Int) -> Double {
    unsafe Double(norms[row]) + Double(max(coarseErrors[row], fineErrors[row]))
      + 2 * Double(drifts[row])
  }

  /// Collects the bounds of a tile's rows, but for marks. Returns the largest norm.
  private func takeBounds(of tile: Int) -> Float {
    let radius = rows(of: tile..<(tile + 1)).reduce(0) { max($0, reach(of: $1)) }
    let own = unsafe bounds + 4 * tile
    unsafe own[1] = radius
    unsafe own[2] = 1 / Double(tiles[tile].scale)
    let fineOwn = unsafe fineBounds + 4 * tile
    unsafe fineOwn[0] = Double(tiles[tile].fineUnit)
    unsafe fineOwn[1] = radius
    unsafe fineOwn[2] = Double(tiles[tile].scale)
    unsafe fineOwn[3] = Double(tiles[tile].fineScale)
    return unsafe hs_largest_bound_f32(norms + tile * Self.rowsPerTile)
  }

  /// Gives a row that has gone so far the marks of its errors. Returns whether there are such.
  private func takeMarks(of row: Int, drift: Float, tile: Int) -> Bool {
    let error = unsafe (coarseErrors[row] + drift).nextUp
    let fineError = unsafe (fineErrors[row] + drift).nextUp
    guard let mark = unsafe NestedMargin.mark(error: error, unit: tiles[tile].unit),
      let fineMark = unsafe NestedMargin.mark(error: fineError, unit: tiles[tile].fineUnit)
    else { return false }
    unsafe marks[row] = mark
    unsafe fineMarks[row] = fineMark
    return true
  }
}
