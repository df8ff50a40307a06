// SPDX-License-Identifier: Apache-2.0
internal import CHalfspace
internal import HalfspaceLinalg

// One query, as training with batches of one row asks: a microsecond, of which nothing is spent on parts,
// blocks of queries, or putting pairs in order.

extension CertifiedTileIndex {
  /// Whether a report of one query is made by the calling thread alone, with rows as they stand.
  var asksOneAlone: Bool { codes.order == nil && partCount(tilesFor: 1) == 1 }

  /// Leaves the pairs of query `row` of `queries`, grouped, in `found`, as one part.
  func answerOne(
    _ queries: Matrix, _ row: Int, above threshold: Float, into found: PairParts
  ) {
    found.divide(count, into: 1)
    work.queries += 1
    let part = unsafe found[0]
    unsafe part.pointee.pairs.removeAll()
    guard threshold < .infinity, count > 0 else { return unsafe part.pointee.pairs.group() }
    unsafe askOne(queries, row, above: threshold, into: &part.pointee.pairs)
  }

  /// Reports query `row` of `queries`: its pairs, grouped.
  private func askOne(
    _ queries: Matrix, _ row: Int, above threshold: Float, into pairs: inout PairReport
  ) {
    encoded.encode(
      queries, row..<(row + 1), basis: codes.basis, inTwoPlanes: true, block: 1)
    let worker = workers[0]
    worker.prepare(tiles: min(codes.tileCount, TilePass.tilesOfOne), queries: 1)
    let bound = TileMargin.threshold(threshold, stride: queries.stride)
    let x = unsafe queries.row(row)
    var done = TileWork()
    for begin in stride(from: 0, to: codes.tileCount, by: TilePass.tilesOfOne) {
      let block = begin..<min(codes.tileCount, begin + TilePass.tilesOfOne)
      let range = codes.rows(of: block)
      let pruned = unsafe hs_tile_thresholds(
        block.count, nil, 1, codes.bounds(from: begin), encoded.numbers(of: 0), bound,
        RoundingMargin.largest, worker.thresholds)
      let found = unsafe hs_tile_filter_one(
        range.count, block.count, nil, codes.groups, codes.codes(from: begin), encoded.high(0),
        encoded.low(0), worker.thresholds, nil, Int32(range.lowerBound), weights.stride,
        weights.byteCount > TilePass.cachedBytes ? weights.row(range.lowerBound) : nil,
        worker.candidates)
      done.add(pairs: block.count, pruned: pruned, bytes: codes.tileByteCount)
      done.rechecked += found
      let room = unsafe pairs.reserve(found)
      let fired = unsafe hs_recheck_f32(
        found, worker.candidates, weights.stride, weights.pointer, x, threshold, room.neurons,
        room.values)
      unsafe room.queries.update(repeating: 0, count: fired)
      pairs.commit(fired)
    }
    pairs.group()
    count(done, queries: 1, reported: pairs.count)
  }
}
