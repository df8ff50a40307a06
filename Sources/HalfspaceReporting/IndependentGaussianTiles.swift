// SPDX-License-Identifier: Apache-2.0
internal import HalfspaceLinalg

/// Certified tiles over independent rows, shared by all copies of an `IndependentGaussian`.
///
/// Where many queries come at once, each task draws block after block of rows, encodes it and asks
/// all queries: 8-bit products take a quarter of the time of those in `Float`, and encoding takes
/// little beside drawing. Where reports come again and again, the drawn rows and their codes are
/// kept, in slices that are asked in parallel: from the second report on, if they fit into
/// `mostBytes`. The answers are the same bits in every case.
final class IndependentGaussianTiles: Sendable {
  typealias Slice = IndependentGaussianSlice
  /// Writes the rows of a range, padded.
  typealias Draw = @Sendable (Range<Int>, UnsafeMutablePointer<Float>) -> Void

  private struct State: ~Copyable {
    var reports = 0
    /// What is kept, unless a report has taken it: one at a time.
    var slices: [Slice] = []
    var isTaken = false
    var byteCount = 0
  }

  private let state = Guarded(State())
  private let scratch = ScratchPool<Slice>()

  /// Dimensions for which codes pay: below, products take no longer than noticing them.
  private static let dimensions = 9...TileMargin.mostColumns
  /// Most bytes that are kept.
  static let mostBytes = 512 << 20
  /// Fewest queries that make up for encoding rows which are then forgotten.
  static let fewestQueries = 32
  /// Fewest rows that are kept; others are drawn in no time.
  private static let fewestRows = 4096
  /// Numbers in a block that is drawn to be forgotten; with its codes it stays in the second-level
  /// cache, and queries are encoded anew for each.
  private static let blockFloats = 1 << 18
  /// Slices that are kept, each asked by a task of its own: at most, and rows that make one.
  private static let mostSlices = 16
  private static let rowsWorthASlice = 4096

  /// Bytes of the rows and codes that are kept.
  var memoryBytes: Int { state.withLock { $0.byteCount } }

  /// Whether rows of this shape may be kept: they take 4 bytes for each padded coordinate, their
  /// codes 1 byte, and 20 bytes for each row cover the rest.
  static func isWorthKeeping(count: Int, dimension: Int) -> Bool {
    guard dimensions.contains(dimension), count >= fewestRows else { return false }
    return count <= mostBytes / (4 * Matrix.paddedStride(dimension) + dimension + 3 + 20)
  }

  /// Answers queries `asked` if tiles are worth it; returns whether they were.
  func report(
    _ queries: Matrix, _ asked: Range<Int>, above threshold: Float, count: Int, threads: Int,
    draw: Draw, into report: inout InitialReport, statistics: inout IndexStatistics
  ) -> Bool {
    guard Self.dimensions.contains(queries.columns), !asked.isEmpty else { return false }
    let slices: [Slice]
    let isKept: Bool
    if let kept = unsafe takeKept(
      count: count, dimension: queries.columns, threads: threads, draw)
    {
      (slices, isKept) = (kept.map(\.slice), true)
      parallelFor(kept.count, threads: threads) { k in
        kept[k].slice.removeAll()
        kept[k].slice.ask(queries, asked, above: threshold, first: kept[k].first, end: count)
      }
    } else if asked.count >= Self.fewestQueries {
      isKept = false
      slices = unsafe askDrawn(
        queries, asked, above: threshold, count: count, threads: threads, draw)
    } else {
      return false
    }
    var positions: [Int] = []
    ReportStage.merge(
      slices.map(\.stage), queries: asked.count, positions: &positions, into: &report)
    for slice in slices { slice.drain(into: &statistics) }
    statistics.queries += asked.count
    statistics.reported += report.count
    if isKept { giveKept(slices) } else { slices.forEach(scratch.give) }
    return true
  }

  /// Draws and encodes block after block, each task its own, and asks all queries.
  private func askDrawn(
    _ queries: Matrix, _ asked: Range<Int>, above threshold: Float, count: Int, threads: Int,
    _ draw: Draw
  ) -> [Slice] {
    let dimension = queries.columns
    let tile = TileCodes.rowsPerTile
    let most = max(1, Self.blockFloats / Matrix.paddedStride(dimension) / tile) * tile
    // Only the last block may be shorter; it is drawn in full, and what is too much left out.
    let block = min(most, count)
    let blocks = (count + block - 1) / block
    // Several parts per thread even out their ends.
    let parts = threads <= 1 ? 1 : min(blocks, 4 * threads)
    let slices = (0..<parts).map { _ in
      scratch.take { Slice(count: block, dimension: dimension) }
    }
    parallelFor(parts, threads: threads) { part in
      let slice = slices[part]
      slice.removeAll()
      for k in blocks * part / parts..<blocks * (part + 1) / parts {
        let first = k * block
        unsafe slice.fill { unsafe draw(first..<(first + block), $0) }
        slice.ask(queries, asked, above: threshold, first: first, end: count)
      }
    }
    return slices
  }

  // MARK: Rows that are kept

  /// The slices of all rows with the numbers of their first, made if this is the second report;
  /// nil when rows are better drawn, or another report has the slices at this moment.
  private func takeKept(
    count: Int, dimension: Int, threads: Int, _ draw: Draw
  ) -> [(slice: Slice, first: Int)]? {
    guard Self.isWorthKeeping(count: count, dimension: dimension) else { return nil }
    let kept = state.withLock { state -> [Slice]? in
      state.reports += 1
      guard state.reports > 1, !state.isTaken else { return nil }
      state.isTaken = true
      return state.slices
    }
    guard let kept else { return nil }
    let sliceCount = min(Self.mostSlices, max(1, count / Self.rowsWorthASlice))
    let tile = TileCodes.rowsPerTile
    let tiles = (count + tile - 1) / tile
    let begins = (0...sliceCount).map { min(count, tiles * $0 / sliceCount * tile) }
    guard kept.isEmpty else { return Array(zip(kept, begins)) }
    let made = (0..<sliceCount).map { k in
      (slice: Slice(count: begins[k + 1] - begins[k], dimension: dimension), first: begins[k])
    }
    parallelFor(sliceCount, threads: threads) { k in
      unsafe made[k].slice.fill { unsafe draw(begins[k]..<begins[k + 1], $0) }
    }
    return made
  }

  private func giveKept(_ slices: [Slice]) {
    let byteCount = slices.reduce(0) { $0 + $1.memoryBytes }
    state.withLock { state in
      state.slices = slices
      state.isTaken = false
      state.byteCount = byteCount
    }
  }
}
