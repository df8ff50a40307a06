// SPDX-License-Identifier: Apache-2.0
internal import CHalfspace
public import HalfspaceLinalg

/// Independent Gaussian rows, produced from the seed whenever they are asked for.
///
/// The literal initialization of the theory. Nothing is shared between rows that a report could
/// use: the first report draws every row, block by block, and multiplies the block by all queries,
/// by 8-bit products that a `CertifiedTileIndex` certifies where queries are many. So ask with as
/// many queries at once as there are.
///
/// Later reports find an index over the rows, if it fits into 512 MiB with them; copies of the
/// value share it. In up to 8 dimensions it is a partition tree (`PartitionTreeIndex`; up to about
/// four million rows), built when as much time has gone into reports as it takes. Above, the second
/// report keeps the rows it draws and their codes (`5 d` bytes for each row and some more: up to
/// about 800,000 rows of 128 coordinates). A report is the same in every case, bit for bit.
///
/// - Complexity: the first report of `n` queries draws `m d` normal deviates (tens of nanoseconds
///   each) and computes `m n` inner products of `d` terms, divided among the threads. Later ones
///   draw nothing: a power of `m` below 1 for each query with a tree, `m d` bytes of codes and as
///   many 8-bit products with tiles. For wide networks `ProductGrid` gives equally distributed rows
///   at a square root of that.
public struct IndependentGaussian: InitialWeights {
  /// Number of rows, `m`.
  public let count: Int
  /// Number of coordinates of a row, `d`.
  public let dimension: Int
  /// What the rows are a function of, with `dimension`: row `r` does not depend on `count`.
  public let seed: UInt64

  private let door: Door
  private let scratch = ScratchPool<IndependentGaussianWorker>()
  private let tree = IndependentGaussianTree()
  private let tiles = IndependentGaussianTiles()

  /// Rows of shape `[count, dimension]`. O(1).
  public init(count: Int, dimension: Int, seed: UInt64) {
    self.init(count: count, dimension: dimension, seed: seed, nonFinite: .refused)
  }

  /// As the public initializer; says what becomes of queries that are not finite.
  package init(count: Int, dimension: Int, seed: UInt64, nonFinite: NonFiniteNumbers) {
    precondition(count > 0 && dimension > 0, "rows of shape [\(count), \(dimension)]")
    self.count = count
    self.dimension = dimension
    self.seed = seed
    door = Door(nonFinite)
  }

  /// Writes row `row` (`Matrix.paddedStride(dimension)` floats). O(d).
  public func copyRow(_ row: Int, to destination: UnsafeMutablePointer<Float>) {
    precondition(row >= 0 && row < count, "row \(row) of \(count)")
    unsafe draw(row..<(row + 1), into: destination)
  }

  /// 0 as long as the seed is all there is, then the bytes of the tree, or of rows and codes.
  public var memoryBytes: Int { tree.memoryBytes + tiles.memoryBytes }

  private func draw(_ rows: Range<Int>, into destination: UnsafeMutablePointer<Float>) {
    unsafe hs_normal_rows_f32(
      seed, RandomStream.independentRows, Int64(rows.lowerBound), rows.count, dimension,
      Matrix.paddedStride(dimension), destination)
  }

  /// All rows, `[m, d]`.
  private func assembledRows() -> Matrix {
    let matrix = Matrix(rows: count, columns: dimension)
    unsafe draw(0..<count, into: matrix.pointer)
    return matrix
  }

  /// Reports every row whose canonical pre-activation exceeds `threshold`. Queries must be finite.
  /// The answer does not depend on `threads`.
  ///
  /// - Complexity: O(m d) deviates and O(m n d) multiplications for `n` queries; see above.
  public func report(
    queries: Matrix, rows: Range<Int>, above threshold: Float, threads: Int,
    into report: inout InitialReport, statistics: inout IndexStatistics
  ) {
    door.check(queries: queries, rows: rows, count: count, dimension: dimension)
    report.removeAll()
    if let grown = tree.tree(
      queries: rows.count, count: count, dimension: dimension, rows: assembledRows)
    {
      tree.report(
        grown, queries: queries, rows: rows, above: threshold, threads: threads, into: &report,
        statistics: &statistics)
      return
    }
    let isAnswered = unsafe tiles.report(
      queries, rows, above: threshold, count: count, threads: threads,
      draw: { unsafe draw($0, into: $1) }, into: &report, statistics: &statistics)
    if isAnswered { return }
    let norms = rows.map {
      unsafe RoundingMargin.norm(stride: queries.stride, queries.row($0))
    }
    let blocks = (count + Self.block - 1) / Self.block
    // Each part takes a run of blocks; several parts per thread even out their ends.
    let parts = threads <= 1 ? 1 : min(blocks, 4 * threads)
    let workers = (0..<parts).map { _ in scratch.take { IndependentGaussianWorker() } }
    parallelFor(parts, threads: threads) { part in
      let worker = workers[part]
      worker.prepare(
        rows: min(count, Self.block), dimension: dimension,
        queries: min(rows.count, Self.queryBlock))
      for block in blocks * part / parts..<blocks * (part + 1) / parts {
        let begin = block * Self.block
        collect(
          begin..<min(count, begin + Self.block), queries, rows, norms: norms, above: threshold,
          worker: worker)
      }
    }
    var positions: [Int] = []
    ReportStage.merge(
      workers.map(\.stage)[...], queries: rows.count, positions: &positions, into: &report)
    let rechecked = workers.reduce(0) { $0 + $1.stage.rechecked }
    for worker in workers { scratch.give(worker) }
    statistics.queries += rows.count
    statistics.reported += report.count
    statistics.rechecked += rechecked
    statistics.innerProducts += rows.count * count + rechecked
    statistics.bytesScanned += 4 * Matrix.paddedStride(dimension) * count
    statistics.nodesVisited += blocks
  }

  /// Rows drawn at a time, and queries they are multiplied with at a time: rows, queries and
  /// products share the second-level cache.
  private static let block = 1024
  private static let queryBlock = 128

  /// Draws a block of rows and leaves its pairs in the worker's stage.
  private func collect(
    _ block: Range<Int>, _ queries: Matrix, _ rows: Range<Int>, norms: [Double],
    above threshold: Float, worker: IndependentGaussianWorker
  ) {
    // Above infinity there is nothing, and nothing compares with NaN.
    guard threshold < .infinity else { return }
    let weights = worker.rows
    let products = worker.products
    let stage = worker.stage
    let cutoff = ProductCutoff(
      threshold: threshold, dimension: dimension, stride: weights.stride)
    unsafe draw(block, into: weights.pointer)
    var rowNorm = 0.0
    for r in 0..<block.count {
      rowNorm = unsafe max(
        rowNorm, RoundingMargin.norm(stride: weights.stride, weights.row(r)))
    }
    for start in stride(from: 0, to: rows.count, by: Self.queryBlock) {
      let chunk = start..<min(rows.count, start + Self.queryBlock)
      unsafe hs_gemm_f32(
        0, 1, chunk.count, block.count, dimension, 1, queries.row(rows.lowerBound + start),
        queries.stride, weights.pointer, weights.stride, 0, products.pointer, products.stride)
      for q in chunk where !norms[q].isNaN {
        let found = unsafe hs_filter_f32(
          block.count, products.row(q - start),
          cutoff.value(rowNorm: rowNorm, queryNorm: norms[q]), 0, worker.candidates)
        guard found > 0 else { continue }
        stage.rechecked += found
        let room = unsafe stage.pairs.reserve(found)
        let fired = unsafe hs_recheck_f32(
          found, worker.candidates, weights.stride, weights.pointer,
          queries.row(rows.lowerBound + q), threshold, worker.candidates, room.values)
        for k in 0..<fired {
          unsafe room.neurons[k] = Int64(block.lowerBound) + Int64(worker.candidates[k])
        }
        stage.pairs.commit(fired)
        stage.endRun(query: q, count: fired)
      }
    }
  }
}

/// Scratch of one task of a report over independent rows.
///
/// - Note: `Sendable` is unchecked; a worker belongs to one task at a time.
@safe private final class IndependentGaussianWorker: @unchecked Sendable {
  let stage = ReportStage<Int64>()
  private(set) var rows = Matrix(rows: 0, columns: 0)
  /// `[queries, rows]`.
  private(set) var products = Matrix(rows: 0, columns: 0)
  @unsafe private(set) var candidates = UnsafeMutablePointer<Int32>.allocate(capacity: 0)

  deinit { unsafe candidates.deallocate() }

  /// Forgets the last report and makes room.
  func prepare(rows count: Int, dimension: Int, queries: Int) {
    stage.removeAll()
    if rows.rows < count || rows.columns != dimension {
      rows = Matrix(rows: count, columns: dimension)
      unsafe candidates.deallocate()
      unsafe candidates = .allocate(capacity: count)
    }
    if products.rows < queries || products.columns < count {
      products = Matrix(rows: queries, columns: count)
    }
  }
}
