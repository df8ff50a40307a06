// SPDX-License-Identifier: Apache-2.0
internal import CHalfspace
internal import HalfspaceLinalg

/// Reports over rows that a partition tree has put in order.
extension TilePass {
  /// Queries whose share of tiles is looked at to choose between two ways of answering a batch.
  private static let sampled = 4
  /// A product of many queries with all tiles is about so many times as fast for each pair as one
  /// query's with the tiles that its search leaves.
  private static let speedOfProducts = 8

  /// Whether a search of the tree leaves so few tiles to the queries that they are best
  /// asked one by one.
  func searchPays(_ worker: TileWorker, encoding encoded: TileQueries) -> Bool {
    guard codes.order != nil else { return false }
    var kept = 0
    let count = min(rows.count, Self.sampled)
    for q in 0..<count {
      let row = rows.lowerBound + q * rows.count / count
      if codes.projection != nil {
        encoded.encode(
          queries, row..<(row + 1), basis: codes.basis, inTwoPlanes: true, block: 1)
      }
      kept += unsafe collectTiles(queries.row(row), encodedAs: 0, worker).kept
    }
    worker.tree.statistics = IndexStatistics()
    return kept * Self.speedOfProducts <= count * codes.tileCount
  }

  /// Lists the tiles that a query keeps and accepts in the worker. Without a projection of the rows
  /// nothing is asked of what is encoded.
  private func collectTiles(
    _ x: UnsafePointer<Float>, encodedAs q: Int, _ worker: TileWorker
  ) -> (kept: Int, accepted: Int) {
    guard let order = codes.order else { preconditionFailure("rows are in no order") }
    guard let projection = codes.projection else {
      return unsafe order.collectTiles(x, above: threshold, worker.tree)
    }
    return unsafe order.collectTiles(
      encoded.coordinates(of: q), encoded.numbers(of: q), in: projection, above: threshold,
      worker.tree)
  }

  /// Leaves the pairs of these queries in the worker's stage.
  func search(_ asked: Range<Int>, worker: TileWorker) {
    for q in asked {
      let before = worker.stage.pairs.count
      search(q, worker: worker, into: &worker.stage.pairs)
      worker.stage.endRun(query: q, count: worker.stage.pairs.count - before)
    }
  }

  /// Appends the pairs of one query to `pairs`, by row number.
  ///
  /// The tree lists the tiles that may hold a row that fires; those go through the filter of
  /// codes. Tiles all of whose rows fire do not: only their values are wanted. Rows are put in the
  /// order of their numbers before they are decided: then what fires is in order, and rows are
  /// fetched in the order in which they lie in memory.
  func search(_ q: Int, worker: TileWorker, into pairs: inout FiringReport) {
    guard let order = codes.order else { preconditionFailure("rows are in no order") }
    let weights = codes.weights
    let x = unsafe queries.row(rows.lowerBound + q)
    let tree = worker.tree
    let found = unsafe collectTiles(x, encodedAs: q, worker)
    worker.visited += tree.statistics.nodesVisited
    worker.pruned += tree.statistics.nodesPruned
    worker.bytes += tree.statistics.bytesScanned
    tree.statistics = IndexStatistics()
    worker.prepare(tiles: Self.tilesOfOne, queries: 1)
    tree.ids.reserve(TileCodes.rowsPerTile * (found.kept + found.accepted) + 16)
    var listed = 0
    for begin in stride(from: 0, to: found.kept, by: Self.tilesOfOne) {
      let count = min(Self.tilesOfOne, found.kept - begin)
      let list = unsafe tree.tiles.pointer + begin
      let pruned = unsafe hs_tile_thresholds(
        count, list, 1, codes.bounds(from: 0), encoded.numbers(of: q), bound,
        RoundingMargin.largest, worker.thresholds)
      worker.pruned += pruned
      worker.multiplied += count - pruned
      worker.bytes += (count - pruned) * codes.tileByteCount
      let candidates = unsafe hs_tile_filter_one(
        weights.rows, count, list, codes.groups, codes.codes(from: 0), encoded.high(q),
        encoded.low(q), worker.thresholds, order.order, 0, weights.stride, nil,
        tree.ids.pointer + listed)
      worker.stage.rechecked += candidates
      listed += candidates
    }
    for k in 0..<found.accepted {
      let tile = unsafe Int(tree.accepted.pointer[k])
      let positions = codes.rows(of: tile..<(tile + 1))
      worker.valued += positions.count
      unsafe (tree.ids.pointer + listed).update(
        from: order.order + positions.lowerBound, count: positions.count)
      listed += positions.count
    }
    let sorted = unsafe tree.sortedIDs(listed, of: weights.rows)
    let room = unsafe pairs.reserve(listed)
    pairs.commit(
      unsafe hs_recheck_f32(
        listed, sorted, weights.stride, weights.pointer, x, threshold, room.neurons, room.values))
  }

  /// Appends all queries of `found`, whose pairs come in the order of the tiles, to `report`, by
  /// row number.
  func sort(
    _ found: borrowing FiringReport, worker: TileWorker, into report: inout FiringReport
  ) {
    for q in 0..<found.queryCount {
      let range = found.range(of: q)
      worker.tree.pairs.reserve(hs_sort_pairs_words(range.count))
      // Sixteen pairs are stored at a time.
      let room = unsafe report.reserve(range.count + Int(HS_LANES))
      unsafe hs_sort_pairs_f32(
        range.count, codes.weights.rows, found.neurons + range.lowerBound,
        found.values + range.lowerBound, worker.tree.pairs.pointer, room.neurons, room.values)
      report.commit(range.count)
      report.endQuery()
    }
  }
}
