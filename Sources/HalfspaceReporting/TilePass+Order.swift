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
  func searchPays(_ worker: TileWorker) -> Bool {
    guard let order = codes.order else { return false }
    var kept = 0
    let count = min(rows.count, Self.sampled)
    for q in 0..<count {
      let x = unsafe queries.row(rows.lowerBound + q * rows.count / count)
      kept += unsafe order.collectTiles(x, above: threshold, worker.tree).kept
    }
    worker.tree.statistics = IndexStatistics()
    return kept * Self.speedOfProducts <= count * codes.tileCount
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
  /// codes. Tiles all of whose rows fire do not: only their values are wanted.
  func search(_ q: Int, worker: TileWorker, into pairs: inout FiringReport) {
    guard let order = codes.order else { preconditionFailure("rows are in no order") }
    let weights = codes.weights
    let x = unsafe queries.row(rows.lowerBound + q)
    let tree = worker.tree
    let found = unsafe order.collectTiles(x, above: threshold, tree)
    worker.visited += tree.statistics.nodesVisited
    worker.pruned += tree.statistics.nodesPruned
    worker.bytes += tree.statistics.bytesScanned
    tree.statistics = IndexStatistics()
    worker.prepare(tiles: Self.tilesOfOne, queries: 1)
    let room = TileCodes.rowsPerTile * (found.kept + found.accepted) + 16
    tree.ids.reserve(room)
    tree.values.reserve(room)
    var fired = 0
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
        encoded.low(q), worker.thresholds, order.order, 0, weights.stride, weights.pointer,
        worker.candidates)
      worker.stage.rechecked += candidates
      fired += unsafe hs_recheck_f32(
        candidates, worker.candidates, weights.stride, weights.pointer, x, threshold,
        tree.ids.pointer + fired, tree.values.pointer + fired)
    }
    var next = 0
    while next < found.accepted {
      // Neighbors go together: rows are fetched ahead within a list only.
      let first = unsafe Int(tree.accepted.pointer[next])
      var end = first
      while next < found.accepted, unsafe Int(tree.accepted.pointer[next]) == end {
        end += 1
        next += 1
      }
      let positions = codes.rows(of: first..<end)
      worker.valued += positions.count
      fired += unsafe hs_recheck_f32(
        positions.count, order.order + positions.lowerBound, weights.stride, weights.pointer, x,
        threshold, tree.ids.pointer + fired, tree.values.pointer + fired)
    }
    tree.sort(fired, of: weights.rows, into: &pairs)
  }

  /// Appends all queries of `found`, whose pairs come in the order of the tiles, to `report`, by
  /// row number.
  func sort(
    _ found: borrowing FiringReport, worker: TileWorker, into report: inout FiringReport
  ) {
    for q in 0..<found.queryCount {
      let range = found.range(of: q)
      worker.tree.pairs.reserve(2 * range.count)
      let room = unsafe report.reserve(range.count)
      unsafe hs_sort_pairs_f32(
        range.count, codes.weights.rows, found.neurons + range.lowerBound,
        found.values + range.lowerBound, worker.tree.pairs.pointer, room.neurons, room.values)
      report.commit(range.count)
      report.endQuery()
    }
  }
}
