// SPDX-License-Identifier: Apache-2.0
internal import CHalfspace
internal import HalfspaceLinalg

/// One report of a `BruteForceIndex`: what its tasks read.
struct BruteForcePass: Sendable {
  private let weights: Matrix
  private let queries: Matrix
  private let rows: Range<Int>
  private let threshold: Float
  /// Upper bounds of the norms of the queries `rows`, and of the rows in each tile.
  private let norms: [Double]
  private let bounds: [Float]

  init(
    _ weights: Matrix, _ queries: Matrix, _ rows: Range<Int>, _ threshold: Float, norms: [Double],
    bounds: [Float]
  ) {
    self.weights = weights
    self.queries = queries
    self.rows = rows
    self.threshold = threshold
    self.norms = norms
    self.bounds = bounds
  }

  /// Tiles of rows; parts of a pass are ranges of them.
  var tileCount: Int { (weights.rows + BruteForceIndex.tile - 1) / BruteForceIndex.tile }

  private func rowRange(_ tiles: Range<Int>) -> Range<Int> {
    let end = min(weights.rows, tiles.upperBound * BruteForceIndex.tile)
    return min(end, tiles.lowerBound * BruteForceIndex.tile)..<end
  }

  // MARK: Scan

  /// Reports all rows for all queries.
  func scan(into report: inout FiringReport) {
    for row in rows {
      _ = scan(0..<weights.rows, query: row, into: &report)
      report.endQuery()
    }
  }

  /// Leaves the pairs of a range of tiles in `stage`, query by query.
  func scan(_ tiles: Range<Int>, stage: ReportStage<Int32>) {
    let range = rowRange(tiles)
    for (q, row) in rows.enumerated() {
      stage.endRun(query: q, count: scan(range, query: row, into: &stage.pairs))
    }
  }

  private func scan(_ range: Range<Int>, query: Int, into pairs: inout FiringReport) -> Int {
    let room = unsafe pairs.reserve(range.count)
    let fired = unsafe hs_scan_report_f32(
      range.count, weights.stride, weights.row(range.lowerBound), queries.row(query), threshold,
      Int32(range.lowerBound), room.neurons, room.values)
    pairs.commit(fired)
    return fired
  }

  // MARK: Product

  /// Rows and queries of one matrix product: the products stay in the second-level cache.
  private static let tilesPerBlock = 32
  private static let queriesPerChunk = 128

  /// How often a pass of products reads the rows.
  static func chunkCount(queries: Int) -> Int {
    (queries + queriesPerChunk - 1) / queriesPerChunk
  }

  /// Leaves the pairs of a range of tiles in the worker's stage: chunk of queries by chunk, and
  /// then query by query.
  ///
  /// Blocks of rows are multiplied and filtered one after the other; what passes is gathered for
  /// each query over all blocks, because deciding a few candidates costs as much as deciding
  /// sixteen.
  func multiply(_ tiles: Range<Int>, worker: BruteForceWorker) {
    // Above infinity there is nothing, and nothing compares with NaN.
    guard threshold < .infinity, !tiles.isEmpty else { return }
    worker.prepare(
      queries: min(rows.count, Self.queriesPerChunk),
      rows: min(tiles.count, Self.tilesPerBlock) * BruteForceIndex.tile)
    let cutoff = ProductCutoff(
      threshold: threshold, dimension: weights.columns, stride: weights.stride)
    for begin in stride(from: 0, to: rows.count, by: Self.queriesPerChunk) {
      let chunk = begin..<min(rows.count, begin + Self.queriesPerChunk)
      for tile in stride(from: tiles.lowerBound, to: tiles.upperBound, by: Self.tilesPerBlock) {
        let block = tile..<min(tiles.upperBound, tile + Self.tilesPerBlock)
        filter(chunk, rowRange(block), bound: bounds[block].max()!, cutoff, worker)
      }
      for q in chunk { decide(query: q, slot: q - begin, worker) }
    }
  }

  /// Multiplies a chunk of queries by a block of rows and keeps what the cutoffs do not discard.
  private func filter(
    _ chunk: Range<Int>, _ block: Range<Int>, bound: Float, _ cutoff: ProductCutoff,
    _ worker: BruteForceWorker
  ) {
    let products = worker.products
    let x = unsafe queries.row(rows.lowerBound + chunk.lowerBound)
    let w = unsafe weights.row(block.lowerBound)
    unsafe hs_gemm_f32(
      0, 1, chunk.count, block.count, weights.columns, 1, x, queries.stride, w, weights.stride, 0,
      products.pointer, products.stride)
    for q in chunk where !norms[q].isNaN {
      let slot = q - chunk.lowerBound
      if worker.room(slot) < block.count { decide(query: q, slot: slot, worker) }
      let found = unsafe hs_filter_f32(
        block.count, products.row(slot),
        cutoff.value(rowNorm: Double(bound), queryNorm: norms[q]), Int32(block.lowerBound),
        worker.end(slot))
      worker.counts[slot] += found
    }
  }

  /// Decides the candidates gathered for a query and appends a run of those that fire.
  private func decide(query q: Int, slot: Int, _ worker: BruteForceWorker) {
    let found = worker.counts[slot]
    guard found > 0 else { return }
    let stage = worker.stage
    let room = unsafe stage.pairs.reserve(found)
    let fired = unsafe hs_recheck_f32(
      found, worker.candidates(slot), weights.stride, weights.pointer,
      queries.row(rows.lowerBound + q), threshold, room.neurons, room.values)
    stage.rechecked += found
    stage.pairs.commit(fired)
    stage.endRun(query: q, count: fired)
    worker.counts[slot] = 0
  }
}
