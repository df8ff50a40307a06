// SPDX-License-Identifier: Apache-2.0
internal import CHalfspace
internal import HalfspaceLinalg

/// Reports row by row: all queries meet a row before the next one.
extension TilePass {
  /// Most tiles whose candidates are listed before they are decided: their list stays in the cache, and a row's
  /// number takes 16 bits.
  private static let mostTilesOfPairs = 16
  /// Most queries that are asked row by row.
  static let mostQueriesOfPairs = Int(HS_PAIR_QUERIES)

  /// Appends the pairs of a range of tiles to `pairs`. The queries are encoded as one block.
  func askByRow(_ tiles: Range<Int>, worker: TileWorker, into pairs: inout PairReport) {
    let weights = codes.weights
    let bytes = TileCodes.rowsPerTile * weights.stride * MemoryLayout<Float>.stride
    let size = max(1, min(Self.cachedBytes / max(1, bytes), Self.mostTilesOfPairs, tiles.count))
    let areFew = rows.count <= Int(HS_WORD_QUERIES)
    let most = size * TileCodes.rowsPerTile * rows.count
    worker.prepare(
      pairs: areFew ? 0 : most, shortPairs: areFew ? most : 0, thresholds: size * rows.count)
    // Rows that are in the cache already need no fetching.
    let isFetched = weights.byteCount > Self.cachedBytes
    for begin in stride(from: tiles.lowerBound, to: tiles.upperBound, by: size) {
      let block = begin..<min(tiles.upperBound, begin + size)
      let pruned = unsafe hs_tile_thresholds(
        block.count, nil, rows.count, codes.bounds(from: begin), encoded.numbers(of: 0), bound,
        RoundingMargin.largest, worker.thresholds)
      count(block.count * rows.count, pruned: pruned, read: block.count, worker)
      guard pruned < block.count * rows.count else { continue }
      if areFew {
        decideWord(block, isFetched: isFetched, worker, into: &pairs)
      } else {
        decide(block, isFetched: isFetched, worker, into: &pairs)
      }
    }
  }

  /// Appends the pairs of a block of tiles, of whose thresholds the worker knows.
  private func decide(
    _ block: Range<Int>, isFetched: Bool, _ worker: TileWorker, into pairs: inout PairReport
  ) {
    let (weights, range) = (codes.weights, codes.rows(of: block))
    let found = unsafe hs_tile_filter_pairs(
      range.count, codes.groups, codes.codes(from: block.lowerBound),
      codes.spans(from: block.lowerBound), rows.count, encoded.high(0), encoded.lanes,
      encoded.starts(0), encoded.span, worker.thresholds, Int32(range.lowerBound), weights.stride,
      isFetched ? weights.row(range.lowerBound) : nil, worker.pairRows, worker.pairQueries)
    worker.stage.rechecked += found
    let room = unsafe pairs.reserve(found)
    let fired = unsafe hs_recheck_pairs_f32(
      found, worker.pairRows, worker.pairQueries, weights.stride, weights.pointer,
      queries.row(rows.lowerBound), threshold, room.neurons, room.queries, room.values)
    pairs.commit(fired)
  }

  /// The same of at most a word of queries.
  private func decideWord(
    _ block: Range<Int>, isFetched: Bool, _ worker: TileWorker, into pairs: inout PairReport
  ) {
    let (weights, range) = (codes.weights, codes.rows(of: block))
    let w = unsafe weights.row(range.lowerBound)
    let found = unsafe hs_tile_filter_word(
      range.count, codes.groups, codes.codes(from: block.lowerBound),
      codes.spans(from: block.lowerBound), rows.count, encoded.high(0), encoded.lanes,
      encoded.starts(0), encoded.span, worker.thresholds, weights.stride, isFetched ? w : nil,
      worker.shortRows,
      worker.shortQueries)
    worker.stage.rechecked += found
    let room = unsafe pairs.reserve(found)
    let fired = unsafe hs_recheck_word_f32(
      found, worker.shortRows, worker.shortQueries, Int32(range.lowerBound), weights.stride, w,
      queries.row(rows.lowerBound), threshold, room.neurons, room.queries, room.values)
    pairs.commit(fired)
  }
}
