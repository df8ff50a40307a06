// SPDX-License-Identifier: Apache-2.0
internal import CHalfspace
internal import Glibc
internal import HalfspaceLinalg

/// One report of a `CertifiedTileIndex`: what its tasks read.
struct TilePass: Sendable {
  let codes: TileCodes
  let queries: Matrix
  let rows: Range<Int>
  let encoded: TileQueries
  let threshold: Float
  /// The threshold of the certificate.
  let bound: Double
  /// How many candidates a block of queries is expected to have.
  private let density: Int32

  /// Queries that share a block of thresholds.
  static let queriesPerBlock = 128
  /// Bytes of rows that stay in the second-level cache until their candidates are decided, beside
  /// codes, queries and thresholds: half of it, where the system tells its size.
  static let cachedBytes = max(256 << 10, sysconf(Int32(_SC_LEVEL2_CACHE_SIZE)) / 2)
  /// Rows in a block where one query is asked: enough candidates to be decided together.
  static let tilesOfOne = 256
  /// Fewest and most tiles of a block otherwise: a list of candidates has its price.
  private static let tileRange = 4...64
  /// Candidates of a row, and of a tile and a query, from which on they are many, and most.
  private static let manyPerRow = 0.7
  private static let mostPerTile = 2.5

  init(
    _ codes: TileCodes, _ queries: Matrix, _ rows: Range<Int>, _ encoded: TileQueries,
    above threshold: Float, candidateRate: Double
  ) {
    self.codes = codes
    self.queries = queries
    self.rows = rows
    self.encoded = encoded
    self.threshold = threshold
    bound = TileMargin.threshold(threshold, stride: queries.stride)
    density =
      if candidateRate * Double(min(rows.count, Self.queriesPerBlock)) < Self.manyPerRow {
        Int32(HS_FEW_KEPT)
      } else {
        candidateRate * Double(TileCodes.rowsPerTile) < Self.mostPerTile
          ? Int32(HS_MANY_KEPT) : Int32(HS_MOST_KEPT)
      }
  }

  // MARK: One query at a time

  /// Leaves the pairs of a range of tiles in the worker's stage, query by query.
  func askOneByOne(_ tiles: Range<Int>, worker: TileWorker) {
    for q in 0..<rows.count {
      let before = worker.stage.pairs.count
      ask(q, tiles, worker: worker, into: &worker.stage.pairs)
      worker.stage.endRun(query: q, count: worker.stage.pairs.count - before)
    }
  }

  /// Appends the pairs of one query to `pairs`.
  ///
  /// Rows that pass the filter are fetched while it goes on, unless they are in the cache already, and decided
  /// before they are out of it.
  func ask(_ q: Int, _ tiles: Range<Int>, worker: TileWorker, into pairs: inout FiringReport) {
    let weights = codes.weights
    worker.prepare(tiles: min(tiles.count, Self.tilesOfOne), queries: 1)
    let isFetched = weights.byteCount > Self.cachedBytes
    for begin in stride(from: tiles.lowerBound, to: tiles.upperBound, by: Self.tilesOfOne) {
      let block = begin..<min(tiles.upperBound, begin + Self.tilesOfOne)
      let range = codes.rows(of: block)
      let pruned = unsafe hs_tile_thresholds(
        block.count, nil, 1, codes.bounds(from: begin), encoded.numbers(of: q), bound,
        RoundingMargin.largest, worker.thresholds)
      count(block.count, pruned: pruned, read: block.count - pruned, worker)
      let found = unsafe hs_tile_filter_one(
        range.count, block.count, nil, codes.groups, codes.codes(from: begin), encoded.high(q),
        encoded.low(q), worker.thresholds, nil, Int32(range.lowerBound), weights.stride,
        isFetched ? weights.row(range.lowerBound) : nil, worker.candidates)
      unsafe decide(q, worker.candidates, found, worker, into: &pairs)
    }
  }

  // MARK: Blocks of queries

  /// Leaves the pairs of a range of tiles in the worker's stage: block of queries by block, block
  /// of tiles by block, and then query by query.
  func askTogether(_ tiles: Range<Int>, worker: TileWorker) {
    let weights = codes.weights
    let bytes = TileCodes.rowsPerTile * weights.stride * MemoryLayout<Float>.stride
    let fitting = Self.cachedBytes / max(1, bytes)
    let size = min(
      max(fitting, Self.tileRange.lowerBound), Self.tileRange.upperBound, max(1, tiles.count))
    worker.prepare(tiles: size, queries: min(rows.count, Self.queriesPerBlock))
    for first in stride(from: 0, to: rows.count, by: Self.queriesPerBlock) {
      let count = min(rows.count - first, Self.queriesPerBlock)
      for begin in stride(from: tiles.lowerBound, to: tiles.upperBound, by: size) {
        let block = begin..<min(tiles.upperBound, begin + size)
        ask(first..<(first + count), block, worker)
      }
    }
  }

  private func ask(_ asked: Range<Int>, _ block: Range<Int>, _ worker: TileWorker) {
    let weights = codes.weights
    let range = codes.rows(of: block)
    let first = asked.lowerBound
    let pairs = block.count * asked.count
    let pruned = unsafe hs_tile_thresholds(
      block.count, nil, asked.count, codes.bounds(from: block.lowerBound),
      encoded.numbers(of: first),
      bound, RoundingMargin.largest, worker.thresholds)
    count(pairs, pruned: pruned, read: block.count, worker)
    guard pruned < pairs else { return }
    unsafe worker.counts.initialize(repeating: 0, count: asked.count)
    let w = unsafe weights.row(range.lowerBound)
    unsafe hs_tile_filter_batch(
      range.count, codes.groups, codes.codes(from: block.lowerBound),
      codes.spans(from: block.lowerBound), asked.count, encoded.high(first),
      encoded.starts(first), encoded.span, worker.thresholds, Int32(range.lowerBound),
      weights.stride, codes.order == nil ? w : nil, density, worker.slotCapacity,
      worker.counts, worker.candidates)
    for q in asked {
      let found = unsafe Int(worker.counts[q - first])
      guard found > 0 else { continue }
      let list = unsafe worker.candidates + (q - first) * worker.slotCapacity
      if let order = codes.order { unsafe hs_numbers_of_positions(found, order.order, list) }
      let before = worker.stage.pairs.count
      unsafe decide(q, list, found, worker, into: &worker.stage.pairs)
      worker.stage.endRun(query: q, count: worker.stage.pairs.count - before)
    }
  }

  /// Counts pairs of tiles and queries.
  func count(_ pairs: Int, pruned: Int, read tiles: Int, _ worker: TileWorker) {
    worker.visited += pairs
    worker.pruned += pruned
    worker.multiplied += pairs - pruned
    worker.bytes += tiles * codes.tileByteCount
  }

  /// Decides candidates of a query and appends those that fire.
  private func decide(
    _ q: Int, _ candidates: UnsafePointer<Int32>, _ found: Int, _ worker: TileWorker,
    into pairs: inout FiringReport
  ) {
    guard found > 0 else { return }
    let weights = codes.weights
    let room = unsafe pairs.reserve(found)
    let fired = unsafe hs_recheck_f32(
      found, candidates, weights.stride, weights.pointer, queries.row(rows.lowerBound + q),
      threshold, room.neurons, room.values)
    worker.stage.rechecked += found
    pairs.commit(fired)
  }
}
