// SPDX-License-Identifier: Apache-2.0
internal import CHalfspace
internal import HalfspaceLinalg

// When the codes of a row that has moved still stand for it.
//
// A tile with room has a bound E above the errors of its rows as they were encoded. While rows w move,
// their codes s k stay as long as |w - s k| <= E, which is what thresholds assume (`TileMargin`), and takes a
// third of the time that encoding takes. The error to begin with is as good as perpendicular to where a row goes:
// E is the root of the sum of both squares. Rows in training go to and fro, and come back within E.
//
// 1. The kernel computes e = fma(-k, s, w), which is off by at most a part u of w - s k, and the
//    canonical square of e: as good as that of a difference, so that `DriftBudget` tells what computed
//    square says |w - s k| <= E.
// 2. Then |w| <= |s k| + E and |s k| <= |v| + E for the row v that was encoded, for which |v - s k| <= E
//    held as well. So R = |v| + 3 E is at least |w| and |s k|: a norm is kept as |v| + 2 E, and the bound
//    of a tile is the largest norm plus E.
// 3. A row with a NaN or an infinity never passes; its tile is encoded then, as if there were no room.
// 4. A row that was |w - s k| from its codes may move by what E leaves before it has to be compared again: its
//    slack, from which known moves are taken. The norm is at most 1 + 2^-18 times the root of the computed square,
//    and 2^-60, as it is of norms that are renewed; E is taken worse by the latter and by the part 2^-20, more
//    than the subtraction rounds. Where rows are so large that a move might take them to infinity, there is no
//    slack. A NaN, in it or in a move, is less than nothing.

enum TileRoom {
  /// The room of a tile's rows to move in, as a part of the deviation of its longest row's products with unit
  /// queries of any direction. It raises the candidates by 1.1 where 3 % of the rows fire; where letters are learned,
  /// less room takes as long in renewals as it saves.
  static let radius: Float = 0.035
  /// How far codes of tiles with room reach beyond the largest number of a tile: rows that grow need no other scale
  /// soon.
  static let headroom: Float = 1.0625
  /// Columns of the longest rows that are encoded faster than others are fetched.
  private static let mostColumns = 32
  /// Covers the rounding of norms where they are tiny.
  static let smallestNorm: Float = 0x1p-60
  /// Rows of tiles with smaller scales are far from infinity.
  static let largestScale: Float = 0x1p100

  /// Whether comparing rows is faster than encoding them. Rows in the order of a tree move in it, and
  /// coordinates in a basis are not those that are stored.
  static func pays(for codes: TileCodes) -> Bool {
    codes.order == nil && codes.basis == nil && codes.weights.columns <= mostColumns
      && codes.weights.columns > 0
  }
}

extension TileCodes {
  /// Encodes those of the rows, which have moved, whose codes no longer stand for them. Where it is known how far
  /// rows have moved at most, only those are looked at whose slack that uses up.
  func renew(
    _ moved: UnsafeBufferPointer<Int32>, displacements: UnsafePointer<Float>? = nil, threads: Int
  ) {
    guard !moved.isEmpty else { return }
    if !hasRooms {
      hasRooms = true
      for tile in 0..<tileCount { makeRoom(inTile: tile) }
    }
    reserveOver(3 * moved.count)
    let suspects = unsafe over.baseAddress! + 2 * moved.count
    var list = unsafe MovedRows(rows: moved, displacements: displacements)
    if unsafe displacements != nil {
      let count = unsafe parallelFilter(
        moved.count, parts: max(1, min(threads, moved.count / Self.notesWorthATask)), room: suspects
      ) { [list] range, spent in
        unsafe hs_spend_slack_f32(
          range.count, list.rows.baseAddress! + range.lowerBound,
          list.displacements! + range.lowerBound, slacks, spent)
      }
      guard count > 0 else { return }
      unsafe list = MovedRows(
        rows: UnsafeBufferPointer(start: suspects, count: count), displacements: nil)
    }
    unsafe encodeBeyond(list, threads: threads)
  }

  /// Compares rows with their codes and encodes those for which these do not stand.
  private func encodeBeyond(_ list: MovedRows, threads: Int) {
    let count = unsafe list.rows.count
    let beyond = unsafe over.baseAddress!
    let found = unsafe parallelFilter(
      count, parts: max(1, min(threads, count / Self.looksWorthATask)), room: beyond
    ) { range, beyond in
      unsafe hs_codes_beyond_f32(
        range.count, list.rows.baseAddress! + range.lowerBound, names, stride, weights.pointer,
        groups, codes, rooms, slacks, beyond)
    }
    guard found > 0 else { return }
    let outgrown = unsafe beyond + found
    let grown = unsafe hs_renew_codes_f32(
      found, beyond, names, stride, weights.pointer, groups, rooms, codes, norms, slacks, bounds,
      outgrown)
    if keepsSpans { unsafe widenSpans(UnsafeBufferPointer(start: beyond, count: found)) }
    unsafe Self.forEachTile(of: UnsafeBufferPointer(start: outgrown, count: grown)) { tile, _ in
      encode(tile: tile, encoder)
    }
  }

  /// Makes the spans of tiles at least those of these rows, which have been encoded.
  private func widenSpans(_ rows: UnsafeBufferPointer<Int32>) {
    for k in 0..<rows.count {
      let (tile, slot) = unsafe Int(rows[k]).quotientAndRemainder(dividingBy: Self.rowsPerTile)
      let span = unsafe hs_tile_span(groups, codes + tile * tileByteCount, slot, 1)
      unsafe spans[tile] = max(spans[tile], span)
    }
  }

  /// Gives the rows of a tile, which have errors and norms, room to move in.
  func makeRoom(inTile tile: Int) {
    let error = unsafe hs_largest_bound_f32(errors + tile * Self.rowsPerTile)
    let way = Double(TileRoom.radius * spread(of: tile))
    let bound = (Double(error) * Double(error) + way * way).squareRoot()
    let most = Float(bound * (1 + 0x1p-40)).nextUp
    let room = (2 * most + TileRoom.smallestNorm).nextUp
    unsafe rooms[tile].limit = DriftBudget(stride: stride).squareLimit(distance: Double(most))
    unsafe rooms[tile].reach = reach(most, inTile: tile)
    unsafe rooms[tile].room = room
    unsafe rooms[tile].renewals = Int32(Self.mostMoves)
    for k in rows(of: tile..<(tile + 1)) {
      unsafe slacks[k] = (rooms[tile].reach - errors[k]).nextDown
      unsafe errors[k] = max(errors[k], most)
      unsafe norms[k] = (norms[k] + room).nextUp
    }
    takeBudget(of: tile)
    unsafe rooms[tile].small = tiles[tile].norm * Self.normBudget
  }

  /// What is left of an error of `most` by roundings; less than zero where rows are so large that a move might
  /// overflow.
  private func reach(_ most: Float, inTile tile: Int) -> Float {
    guard unsafe rooms[tile].scale < TileRoom.largestScale else { return -1 }
    return most * (1 - 0x1p-20) - TileRoom.smallestNorm
  }
}
