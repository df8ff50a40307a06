// SPDX-License-Identifier: Apache-2.0
internal import CHalfspace
public import HalfspaceLinalg

/// Discards most rows by an 8-bit product, certainly, and computes the canonical inner product of
/// the few that are left: the index for unseen queries in any dimension.
///
/// ```swift
/// var index = CertifiedTileIndex(weights)
/// var report = FiringReport()
/// index.report(queries: batch, above: 2.5, into: &report)
/// weights.setRow(7, to: moved)
/// index.update(rows: movedRows)  // a buffer that holds 7
/// ```
///
/// Rows stand in tiles of 64. Each tile keeps its rows as integers of 8 bits times one scale, and
/// a proven bound of what that leaves out (`TileCodes`). A query becomes integers too: of 15
/// bits where it is asked alone, because then reading the codes takes longer than multiplying
/// them, of 8 bits where many are asked together. The sum of integer products is exact, and for
/// each tile and query there is one integer up to which a row of the tile certainly does not fire
/// (`TileMargin`, with the proof).
///
/// ```
///            codes, a quarter of the bytes of the rows
/// query  ->  [ 64 rows ][ 64 rows ][ 64 rows ] ...  integer sums > the tile's threshold?
///                 |  |                  |
///                 v  v                  v            few candidates, rows fetched early
///              canonical inner product > b ?         decides; strict
/// ```
///
/// Tiles whose rows are too short for a query to be reached (`|w| |x| <= b`) are left out.
/// Rows that are not finite, or so large that products may overflow, are always candidates.
///
/// A moved row is encoded again, O(d); now and then this means its tile. Better is to tell how far
/// rows have gone at most: then a row costs O(1) until it has left the neighborhood of its codes.
/// Measured with 2^17 rows of 128 coordinates of which 1 % and 10 % move: 0.41 and 3.2 ms to encode
/// them, 0.04 and 0.05 ms to note their displacements, beside 0.5 ms for a report (AMD Zen 5).
///
/// The index is a class because it keeps scratch between calls; it allocates nothing once it has
/// seen its largest batch. One report at a time. Reports do not depend on `threads`.
///
/// - Complexity: O(m d) per query, at a quarter of the bytes and of the operations of a product
///   in `Float`. Memory: 1 byte for each weight, about 9 for each row, and the scratch.
public final class CertifiedTileIndex: HalfSpaceIndex {
  /// The rows, `[m, d]`, shared with their owner.
  public let weights: Matrix
  /// Threads that a report may use; it does not depend on them.
  public let threads: Int

  private let codes: TileCodes
  private let encoded = TileQueries()
  private var counters = IndexStatistics()
  /// One for each part of a parallel report.
  private var workers: [TileWorker] = [TileWorker()]
  /// Scratch of the merge.
  private var positions: [Int] = []
  /// Candidates in the last report as a share of all pairs. Decides what is fetched early, never
  /// what is reported.
  private var candidateRate = 0.01

  /// An index over `weights` as they are. O(m d).
  public init(_ weights: Matrix, threads: Int = 1) {
    precondition(weights.rows <= Int(Int32.max), "\(weights.rows) rows exceed 32-bit numbers")
    precondition(
      weights.columns <= TileMargin.mostColumns,
      "\(weights.columns) columns exceed \(TileMargin.mostColumns)")
    self.weights = weights
    self.threads = max(1, threads)
    codes = TileCodes(weights, threads: self.threads)
  }

  /// Number of rows, `m`.
  public var count: Int { weights.rows }
  /// Number of coordinates of a row, `d`.
  public var dimension: Int { weights.columns }

  /// Memory and work so far. A node is a tile looked at for a query; inner products include those
  /// of codes.
  public var statistics: IndexStatistics {
    var statistics = counters
    statistics.memoryBytes =
      codes.byteCount + encoded.byteCount + 8 * positions.count
      + workers.reduce(0) { $0 + $1.byteCount }
    return statistics
  }

  /// Encodes rows that have moved. O(d) each, in the long run.
  public func update(rows: UnsafeBufferPointer<Int32>) {
    unsafe codes.update(rows: rows)
  }

  /// Takes notice of rows that have moved by at most these distances. O(1) each as long as a row
  /// stays near to where it was encoded, O(d) when it leaves.
  public func update(
    rows: UnsafeBufferPointer<Int32>, displacements: UnsafeBufferPointer<Float>
  ) {
    precondition(
      rows.count == displacements.count,
      "\(rows.count) moved rows with \(displacements.count) displacements")
    unsafe codes.update(rows: rows, displacements: displacements)
  }

  // MARK: Reports

  /// Answers queries `rows` of `queries`.
  ///
  /// Parts of the tiles are the tasks of a parallel loop; their pairs are put in the order of the
  /// queries afterwards. Queries with a NaN report nothing.
  ///
  /// - Complexity: O(m d) per query.
  public func report(
    queries: Matrix, rows: Range<Int>, above threshold: Float, into report: inout FiringReport
  ) {
    QueryShape.check(queries, rows: rows, count: count, dimension: dimension)
    report.removeAll()
    counters.queries += rows.count
    // Above infinity there is nothing, and nothing compares with NaN.
    guard threshold < .infinity, !rows.isEmpty, count > 0 else {
      for _ in rows { report.endQuery() }
      return
    }
    let oneByOne = rows.count <= Self.mostAskedOneByOne
    encoded.encode(
      queries, rows, inTwoPlanes: oneByOne, block: oneByOne ? 1 : TilePass.queriesPerBlock)
    let pass = TilePass(
      codes, queries, rows, encoded, above: threshold, candidateRate: candidateRate)
    let parts = partCount(queries: rows.count)
    while workers.count < parts { workers.append(TileWorker()) }
    let used = workers[..<parts]
    for worker in used { worker.removeAll() }
    if oneByOne && parts == 1 {
      for q in 0..<rows.count {
        pass.ask(q, 0..<codes.tileCount, worker: workers[0], into: &report)
        report.endQuery()
      }
    } else {
      parallelFor(parts, threads: threads) { [tileCount = codes.tileCount] part in
        let tiles = tileCount * part / parts..<tileCount * (part + 1) / parts
        let worker = used[part]
        if oneByOne {
          pass.askOneByOne(tiles, worker: worker)
        } else {
          pass.askTogether(tiles, worker: worker)
        }
      }
      ReportStage.merge(
        used.lazy.map(\.stage), queries: rows.count, positions: &positions, into: &report)
    }
    count(used, queries: rows.count, reported: report.count, oneByOne: oneByOne)
  }

  /// Up to this many queries are asked one by one.
  private static let mostAskedOneByOne = 2

  /// Parts of the tiles: one, unless there is enough to do for several threads.
  private func partCount(queries: Int) -> Int {
    let products = queries * count * dimension
    return threads == 1
      ? 1 : max(1, min(2 * threads, codes.tileCount, products / Self.productsWorthATask))
  }

  /// 8-bit multiply-adds that take as long as starting a task, some microseconds.
  private static let productsWorthATask = 1 << 20

  private func count(
    _ workers: ArraySlice<TileWorker>, queries: Int, reported: Int, oneByOne: Bool
  ) {
    let rechecked = workers.reduce(0) { $0 + $1.stage.rechecked }
    let visited = workers.reduce(0) { $0 + $1.visited }
    let pruned = workers.reduce(0) { $0 + $1.pruned }
    candidateRate = Double(rechecked) / Double(queries * count)
    counters.reported += reported
    counters.rechecked += rechecked
    counters.nodesVisited += visited
    counters.nodesPruned += pruned
    counters.innerProducts += (visited - pruned) * TileCodes.rowsPerTile + rechecked
    let blocks = (queries + TilePass.queriesPerBlock - 1) / TilePass.queriesPerBlock
    let tilesRead = oneByOne ? visited - pruned : blocks * codes.tileCount
    counters.bytesScanned += tilesRead * codes.tileByteCount + 4 * weights.stride * rechecked
  }
}
