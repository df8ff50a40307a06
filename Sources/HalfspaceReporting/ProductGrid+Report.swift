// SPDX-License-Identifier: Apache-2.0
public import HalfspaceLinalg

extension ProductGrid {
  /// Reports every row whose canonical pre-activation exceeds `threshold`.
  ///
  /// Queries are taken in blocks. For a block, each group turns into two or three matrix products
  /// (for one query, matrix-vector products) that give all `alpha` and `beta`; then each query is
  /// filtered and decided while the group's vectors are in cache. Tasks of the parallel loop
  /// are blocks, or parts of the groups for one block when there are few blocks; their pairs are
  /// put in order afterwards, so neither `threads` nor the blocks show in the report.
  ///
  /// Queries must be finite; those with an enormous element are decided pair by pair by the
  /// canonical kernel.
  ///
  /// - Complexity: see `ProductGrid`.
  public func report(
    queries: Matrix, rows: Range<Int>, above threshold: Float, threads: Int,
    into report: inout InitialReport, statistics: inout IndexStatistics
  ) {
    door.check(queries: queries, rows: rows, count: count, dimension: dimension)
    report.removeAll()
    let block = queryBlock(expecting: expectedPairs(queries, rows, threshold))
    let blocks = (rows.count + block - 1) / block
    var rechecked = 0
    if threads <= 1 && rows.count == 1 {
      let worker = scratch.take { ProductGridWorker() }
      worker.stage.removeAll()
      rechecked = collect(
        groups: 0..<groupCount, queries, rows, above: threshold, worker: worker, into: &report,
        runs: &worker.stage.runs)
      report.endQuery()
      scratch.give(worker)
    } else if threads <= 1 {
      // Block by block with one worker: a caller's own thread allocates nothing.
      let worker = scratch.take { ProductGridWorker() }
      let stage = worker.stage
      for begin in stride(from: rows.lowerBound, to: rows.upperBound, by: block) {
        let range = begin..<min(rows.upperBound, begin + block)
        stage.removeAll()
        rechecked += collect(
          groups: 0..<groupCount, queries, range, above: threshold, worker: worker,
          into: &stage.pairs, runs: &stage.runs)
        ReportStage.merge(
          CollectionOfOne(stage), queries: range.count, positions: &worker.positions, into: &report)
      }
      scratch.give(worker)
    } else if blocks > 0 {
      // Two tasks per thread even out their ends.
      let parts = min(groupCount, max(1, 2 * threads / blocks))
      let wave = max(1, 4 * threads / parts)
      var positions: [Int] = []
      for start in stride(from: 0, to: blocks, by: wave) {
        let chunk = start..<min(blocks, start + wave)
        let workers = (0..<chunk.count * parts).map { _ in
          scratch.take { ProductGridWorker() }
        }
        parallelFor(workers.count, threads: threads) { task in
          let stage = workers[task].stage
          stage.removeAll()
          let begin = rows.lowerBound + (chunk.lowerBound + task / parts) * block
          let part = task % parts
          stage.rechecked = collect(
            groups: groupCount * part / parts..<groupCount * (part + 1) / parts, queries,
            begin..<min(rows.upperBound, begin + block), above: threshold, worker: workers[task],
            into: &stage.pairs, runs: &stage.runs)
        }
        let stages = workers.map(\.stage)
        for (k, b) in chunk.enumerated() {
          let size = min(rows.count, (b + 1) * block) - b * block
          ReportStage.merge(
            stages[k * parts..<(k + 1) * parts], queries: size, positions: &positions,
            into: &report)
        }
        for worker in workers {
          rechecked += worker.stage.rechecked
          scratch.give(worker)
        }
      }
    }
    let products = rows.count * groupCount * layout.vectorCount
    statistics.queries += rows.count
    statistics.reported += report.count
    statistics.rechecked += rechecked
    statistics.innerProducts += products + rechecked
    statistics.bytesScanned +=
      4 * (rows.count * groupCount * layout.tableFloats + rechecked * partCount * left.stride)
    statistics.nodesVisited += rows.count * groupCount
  }

  /// Pairs per query to be expected from Gaussian rows, judged by the first query.
  private func expectedPairs(_ queries: Matrix, _ rows: Range<Int>, _ threshold: Float) -> Double {
    guard let first = rows.first else { return 0 }
    let norm = unsafe RoundingMargin.norm(stride: queries.stride, queries.row(first))
    guard norm > 0, norm < .infinity else { return 0 }
    return Double(count) * GaussianTail.probability(above: Double(threshold) / norm)
  }

  /// Queries per block: as many as keep the products and the staged pairs in cache.
  private func queryBlock(expecting pairs: Double) -> Int {
    let products =
      Self.cachedProducts / (layout.outerStride + layout.leftStride + layout.rightStride)
    let staged = Int(Double(Self.stagedPairs) / max(1, pairs))
    return max(1, min(Self.largestBlock, products, staged))
  }

  private static let largestBlock = 128
  private static let cachedProducts = 1 << 20
  private static let stagedPairs = 1 << 20
}
