// SPDX-License-Identifier: Apache-2.0
internal import CHalfspace
public import HalfspaceLinalg

extension ProductGrid {
  /// Reports every row whose canonical pre-activation exceeds `threshold`.
  ///
  /// Queries are taken in blocks. For a block, each group turns into two matrix products (for a
  /// few queries, matrix-vector products) that give all `alpha` and `beta`; then each query is
  /// filtered and decided while the group's vectors are in cache. Tasks of the parallel loop
  /// are blocks, or parts of the groups for one block when there are few blocks; their pairs are
  /// put in order afterwards, so neither `threads` nor the blocks show in the report.
  ///
  /// Queries with a NaN report nothing, those with an infinite or enormous element are decided
  /// pair by pair by the canonical kernel.
  ///
  /// - Complexity: `G (s1 + s2) d / 2 + m / 16 + k d` per query at most, see `ProductGrid`.
  public func report(
    queries: Matrix, rows: Range<Int>, above threshold: Float, threads: Int,
    into report: inout InitialReport, statistics: inout IndexStatistics
  ) {
    QueryShape.check(queries, rows: rows, count: count, dimension: dimension)
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
    } else if blocks > 0 {
      // Two tasks per thread even out their ends.
      let parts = threads <= 1 ? 1 : min(groupCount, max(1, 2 * threads / blocks))
      let wave = threads <= 1 ? 1 : max(1, 4 * threads / parts)
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
    let halves = rows.count * groupCount * (layout.leftCount + layout.rightCount)
    statistics.queries += rows.count
    statistics.reported += report.count
    statistics.rechecked += rechecked
    statistics.innerProducts += halves + rechecked
    statistics.bytesScanned +=
      4 * (rows.count * groupCount * layout.tableFloats + rechecked * 2 * left.stride)
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
    let products = Self.cachedProducts / (layout.leftStride + layout.rightStride)
    let staged = Int(Double(Self.stagedPairs) / max(1, pairs))
    return max(1, min(Self.largestBlock, products, staged))
  }

  private static let largestBlock = 128
  private static let cachedProducts = 1 << 20
  private static let stagedPairs = 1 << 20

  // MARK: One block of queries, a range of groups

  /// Appends the pairs of `rows` group by group, and within a group query by query. Run queries
  /// count from the start of `rows`. Returns the number of candidates.
  private func collect(
    groups: Range<Int>, _ queries: Matrix, _ rows: Range<Int>, above threshold: Float,
    worker: ProductGridWorker, into pairs: inout InitialReport,
    runs: inout [ReportStage<Int64>.Run]
  ) -> Int {
    // Above infinity there is nothing, and nothing compares with NaN.
    guard threshold < .infinity else { return 0 }
    worker.prepare(queries: rows.count, layout: layout)
    let cutoff = GridCutoff(
      threshold: threshold, longerHalf: layout.rightDimension, stride: queries.stride)
    for (q, row) in rows.enumerated() {
      let x = unsafe queries.row(row)
      let norm = unsafe RoundingMargin.norm(stride: queries.stride, x)
      worker.silent[q] = norm.isNaN
      worker.cutoffs[q] = cutoff.value(rowNorm: rowNorm, queryNorm: norm)
      for l in 0..<dimension { unsafe worker.transposed.pointer[l * rows.count + q] = x[l] }
    }
    var rechecked = 0
    for group in groups {
      multiply(group: group, queries: rows.count, worker: worker)
      for (q, row) in rows.enumerated() where !worker.silent[q] {
        let before = pairs.count
        rechecked += unsafe decide(
          group: group, alpha: worker.alpha.row(q), beta: worker.beta.row(q),
          cutoff: worker.cutoffs[q], x: queries.row(row), above: threshold,
          locals: worker.locals, into: &pairs)
        if pairs.count > before { runs.append(.init(query: q, count: pairs.count - before)) }
      }
    }
    return rechecked
  }

  /// `alpha[q, i]` and `beta[q, j]` of one group for all queries of the block.
  private func multiply(group: Int, queries: Int, worker: ProductGridWorker) {
    let gathered = unsafe worker.gathered.pointer
    let transposed = unsafe worker.transposed.pointer
    for k in 0..<dimension {
      let coordinate = Int(permutations[group * dimension + k])
      if queries == 1 {
        unsafe gathered[k] = transposed[coordinate]
      } else {
        unsafe (gathered + k * queries).update(
          from: transposed + coordinate * queries, count: queries)
      }
    }
    let table = unsafe tables.row(group)
    unsafe Self.multiply(
      queries: queries, halves: gathered, dimension: layout.leftDimension, table: table,
      stride: layout.leftStride, into: worker.alpha)
    unsafe Self.multiply(
      queries: queries, halves: gathered + layout.leftDimension * queries,
      dimension: layout.rightDimension, table: table + layout.leftDimension * layout.leftStride,
      stride: layout.rightStride, into: worker.beta)
  }

  /// `products[q, i] = sum over k of halves[k, q] * table[k, i]`.
  private static func multiply(
    queries: Int, halves: UnsafePointer<Float>, dimension: Int, table: UnsafePointer<Float>,
    stride: Int, into products: Matrix
  ) {
    if dimension == 0 {
      unsafe products.pointer.update(repeating: 0, count: queries * stride)
    } else if queries == 1 {
      unsafe hs_gemv_t_f32(dimension, stride, 1, table, stride, halves, 0, products.pointer)
    } else {
      unsafe hs_gemm_f32(
        1, 0, queries, stride, dimension, 1, halves, queries, table, stride, 0, products.pointer,
        stride)
    }
  }

  /// Filters one group for one query and decides its candidates. Returns their number.
  private func decide(
    group: Int, alpha: UnsafePointer<Float>, beta: UnsafePointer<Float>, cutoff: Float,
    x: UnsafePointer<Float>, above threshold: Float, locals: UnsafeMutableBufferPointer<Int32>,
    into pairs: inout InitialReport
  ) -> Int {
    let s2 = layout.rightCount
    let first = group * rowsPerGroup
    let existing = min(rowsPerGroup, count - first)
    let lines = (existing + s2 - 1) / s2
    let largest = unsafe Self.maximum(layout.rightStride, beta)
    // Local numbers have 32 bits; a group with more rows is asked panel by panel.
    let panel = min(lines, Int(Int32.max) / s2)
    var rechecked = 0
    for start in stride(from: 0, to: lines, by: panel) {
      let end = min(lines, start + panel)
      let limit = min(existing, end * s2) - start * s2
      var line = 0
      while line < end - start {
        let found = unsafe hs_grid_filter_f32(
          end - start, s2, alpha + start, beta, largest, cutoff, Int64(limit), &line,
          locals.count, locals.baseAddress!)
        guard found > 0 else { continue }
        rechecked += found
        let room = unsafe pairs.reserve(found)
        let fired = unsafe hs_grid_recheck_f32(
          found, locals.baseAddress!, s2, left.stride,
          left.row(group * layout.leftCount + start), right.row(group * layout.rightCount), x,
          threshold, Int64(first + start * s2), room.neurons, room.values)
        pairs.commit(fired)
      }
    }
    return rechecked
  }

  /// The largest of `count` floats, a positive multiple of 16, 64-byte aligned. With a NaN among
  /// them the answer is some other element: then the cutoff is NaN and nothing is skipped.
  private static func maximum(_ count: Int, _ values: UnsafePointer<Float>) -> Float {
    let blocks = unsafe UnsafeRawPointer(values).assumingMemoryBound(to: SIMD16<Float>.self)
    var largest = unsafe blocks[0]
    for k in 1..<max(1, count / 16) {
      let block = unsafe blocks[k]
      largest.replace(with: block, where: block .> largest)
    }
    return largest.max()
  }
}
