// SPDX-License-Identifier: Apache-2.0
internal import CHalfspace
internal import HalfspaceLinalg

/// Scratch of one task of a report over a partition tree, and its counters.
///
/// - Note: `Sendable` is unchecked; a worker belongs to one task at a time.
@safe final class PartitionTreeWorker: @unchecked Sendable {
  /// Pairs of a task's queries, where several tasks share a batch.
  var report = FiringReport()
  var statistics = IndexStatistics()

  /// Groups to test, groups to test next, accepted nodes.
  let groups = GrowingBuffer<Int32>()
  let next = GrowingBuffer<Int32>()
  let whole = GrowingBuffer<Int32>()
  /// Tiles that may hold rows that fire, and tiles all of whose rows do.
  let tiles = GrowingBuffer<Int32>()
  let accepted = GrowingBuffer<Int32>()
  /// Pairs in the order of their tiles, and scratch to sort them.
  let ids = GrowingBuffer<Int32>()
  let values = GrowingBuffer<Float>()
  let pairs = GrowingBuffer<UInt64>()
  /// Row numbers in order, and a bit for each row, all zero between calls.
  private let sorted = GrowingBuffer<Int32>()
  private let bits = GrowingBuffer<UInt64>()
  private var bitCount = 0

  /// Bytes of scratch.
  var byteCount: Int {
    groups.byteCount + next.byteCount + whole.byteCount + tiles.byteCount
      + accepted.byteCount + ids.byteCount
      + values.byteCount + pairs.byteCount + sorted.byteCount + bits.byteCount
  }

  /// The first `listed` of `ids`, which are different rows of `count`, in ascending order.
  @unsafe func sortedIDs(_ listed: Int, of count: Int) -> UnsafePointer<Int32> {
    sorted.reserve(listed + Int(HS_LANES))
    if count > bitCount {
      let words = hs_sort_ids_words(count)
      bits.reserve(words)
      unsafe bits.pointer.update(repeating: 0, count: words)
      bitCount = count
    }
    pairs.reserve(hs_sort_pairs_words(listed))
    unsafe hs_sort_ids(
      listed, count, ids.pointer, bits.pointer, pairs.pointer, sorted.pointer)
    return unsafe UnsafePointer(sorted.pointer)
  }
}

/// Room for numbers that lasts between calls.
///
/// - Note: `Sendable` is unchecked; a buffer belongs to one task at a time.
@safe final class GrowingBuffer<Element: BitwiseCopyable>: @unchecked Sendable {
  @unsafe private(set) var pointer = UnsafeMutablePointer<Element>.allocate(capacity: 0)
  private var capacity = 0

  deinit { unsafe pointer.deallocate() }

  var byteCount: Int { capacity * MemoryLayout<Element>.stride }

  /// Makes room for `needed` elements and keeps the first `used`.
  func reserve(_ needed: Int, keeping used: Int = 0) {
    guard needed > capacity else { return }
    let larger = max(needed, capacity + capacity / 2)
    let new = UnsafeMutablePointer<Element>.allocate(capacity: larger)
    unsafe new.update(from: pointer, count: used)
    unsafe pointer.deallocate()
    unsafe pointer = new
    capacity = larger
  }
}

extension PartitionTree {
  /// Ends one query of `report` with the rows that fire on `x`, a padded row of the tree's
  /// dimension. Of `n` visited nodes, O(n d) for tests and canonical values, and O(k) for the
  /// order of the `k` pairs.
  func report(
    _ x: UnsafePointer<Float>, above threshold: Float, _ worker: PartitionTreeWorker,
    into report: inout FiringReport
  ) {
    let found = unsafe collectTiles(x, above: threshold, worker)
    unsafe reportTiles(found, x, above: threshold, worker, into: &report)
    report.endQuery()
  }

  /// Lists the tiles that may hold a row that fires on `x` in `worker.tiles`, and those all of
  /// whose rows do in `worker.accepted`. Returns their numbers.
  func collectTiles(
    _ x: UnsafePointer<Float>, above threshold: Float, _ worker: PartitionTreeWorker
  ) -> (kept: Int, accepted: Int) {
    let norm = unsafe RoundingMargin.norm(stride: Matrix.paddedStride(dimension), x)
    // Nothing exceeds infinity, and NaN compares with nothing.
    guard threshold < .infinity && !norm.isNaN else { return (0, 0) }
    return unsafe collectTiles(
      x, norm: norm,
      margin.cutoffs(threshold: threshold, rowNorm: reach, queryNorm: norm), worker)
  }

  /// The same where the tree is over the coordinates of rows in a subspace: `x` are those of a
  /// query, and `numbers` what is known of it (`TileQueries`).
  func collectTiles(
    _ x: UnsafePointer<Float>, _ numbers: UnsafePointer<Double>, in rows: ProjectedRows,
    above threshold: Float, _ worker: PartitionTreeWorker
  ) -> (kept: Int, accepted: Int) {
    let bounds = unsafe rows.slack(numbers)
    guard threshold < .infinity && !bounds.queryNorm.isNaN else { return (0, 0) }
    let cutoffs = margin.cutoffs(
      threshold: threshold, rowNorm: max(reach, bounds.rowNorm), queryNorm: bounds.queryNorm,
      slack: bounds.slack)
    return unsafe collectTiles(x, norm: numbers[0], cutoffs, worker)
  }

  private func collectTiles(
    _ x: UnsafePointer<Float>, norm: Double, _ cutoffs: (discard: Float, accept: Float),
    _ worker: PartitionTreeWorker
  ) -> (kept: Int, accepted: Int) {
    var (groups, next) = (worker.groups, worker.next)
    groups.reserve(1)
    unsafe groups.pointer[0] = 0
    var groupCount = levels.isEmpty ? 0 : 1
    var acceptedCount = 0
    for nodes in levels.reversed() where groupCount > 0 {
      let room = Self.width * (groupCount + 1)
      next.reserve(room)
      worker.whole.reserve(room)
      var wholeCount = 0
      let kept = unsafe hs_node_filter_f32(
        dimension, groupCount, groups.pointer, bounds.row(nodes.firstGroup), nodes.nodes, x,
        Float(norm).nextUp, cutoffs.discard, cutoffs.accept, next.pointer, worker.whole.pointer,
        &wholeCount)
      let tested =
        unsafe groupCount * Self.width
        - (Int(groups.pointer[groupCount - 1]) == nodes.nodes / Self.width
          ? Self.width - nodes.nodes % Self.width : 0)
      worker.statistics.nodesVisited += tested
      worker.statistics.nodesPruned += tested - kept - wholeCount
      worker.statistics.bytesScanned += 4 * groupCount * bounds.stride
      let tilesPerNode = nodes.span / leaf
      worker.accepted.reserve(acceptedCount + wholeCount * tilesPerNode, keeping: acceptedCount)
      for k in 0..<wholeCount {
        let first = unsafe Int(worker.whole.pointer[k]) * tilesPerNode
        for tile in first..<min(first + tilesPerNode, tileCount) {
          unsafe worker.accepted.pointer[acceptedCount] = Int32(truncatingIfNeeded: tile)
          acceptedCount += 1
        }
      }
      swap(&groups, &next)
      groupCount = kept
    }
    // The nodes kept on the last level are tiles.
    worker.tiles.reserve(groupCount)
    if groupCount > 0 {
      unsafe worker.tiles.pointer.update(from: groups.pointer, count: groupCount)
    }
    return (groupCount, acceptedCount)
  }

  /// Reports the rows of the listed tiles that fire, in the order of their numbers.
  private func reportTiles(
    _ found: (kept: Int, accepted: Int), _ x: UnsafePointer<Float>, above threshold: Float,
    _ worker: PartitionTreeWorker, into report: inout FiringReport
  ) {
    let tileCount = found.kept + found.accepted
    guard tileCount > 0 else { return }
    let room = Self.width * (tileCount + 2)
    worker.ids.reserve(room)
    worker.values.reserve(room)
    var fired = 0
    for (count, list) in [(found.kept, worker.tiles), (found.accepted, worker.accepted)] {
      fired += unsafe hs_tile_report_f32(
        dimension, count, list.pointer, tiles.pointer, order, x, threshold,
        worker.ids.pointer + fired, worker.values.pointer + fired)
    }
    worker.sort(fired, of: count, into: &report)
    worker.statistics.rechecked += min(count, found.kept * Self.width)
    worker.statistics.innerProducts += min(count, tileCount * Self.width)
    worker.statistics.bytesScanned += tileCount * (tiles.stride + Self.width) * 4
  }
}

extension PartitionTreeWorker {
  private static let overrun = Int(HS_LANES)

  /// Appends the first `fired` pairs of `ids` and `values` to `report`, sorted by row of `count`.
  func sort(_ fired: Int, of count: Int, into report: inout FiringReport) {
    pairs.reserve(hs_sort_pairs_words(fired))
    // Sixteen pairs are stored at a time.
    let sorted = unsafe report.reserve(fired + Self.overrun)
    unsafe hs_sort_pairs_f32(
      fired, count, ids.pointer, values.pointer, pairs.pointer, sorted.neurons, sorted.values)
    report.commit(fired)
  }
}

extension PartitionTree {
  /// Appends the answers to queries `rows` to `report`. Several threads share the queries.
  func report(
    queries: Matrix, rows: Range<Int>, above threshold: Float, threads: Int,
    workers: inout [PartitionTreeWorker], into report: inout FiringReport
  ) {
    // Parts of several queries each, several parts per thread: queries differ in their cost.
    let parts = threads == 1 || count < Self.rowsWorthATask ? 1 : min(rows.count, 4 * threads)
    while workers.count < max(1, parts) { workers.append(PartitionTreeWorker()) }
    if parts <= 1 {
      for row in rows {
        unsafe self.report(queries.row(row), above: threshold, workers[0], into: &report)
      }
      return
    }
    let shared = workers
    parallelFor(parts, threads: threads) { part in
      let worker = shared[part]
      worker.report.removeAll()
      let begin = rows.lowerBound + rows.count * part / parts
      for row in begin..<rows.lowerBound + rows.count * (part + 1) / parts {
        unsafe self.report(queries.row(row), above: threshold, worker, into: &worker.report)
      }
    }
    for part in 0..<parts { report.append(workers[part].report) }
  }

  /// Below this many rows a query takes less time than starting a task.
  private static let rowsWorthATask = 1024
}

extension PartitionTreeWorker {
  /// Moves the counters to `total`.
  func drain(into total: inout IndexStatistics) {
    total.innerProducts += statistics.innerProducts
    total.rechecked += statistics.rechecked
    total.bytesScanned += statistics.bytesScanned
    total.nodesVisited += statistics.nodesVisited
    total.nodesPruned += statistics.nodesPruned
    statistics = IndexStatistics()
  }
}
