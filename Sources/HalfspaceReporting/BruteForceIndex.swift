// SPDX-License-Identifier: Apache-2.0
internal import CHalfspace
public import HalfspaceLinalg

/// Looks at every row for every query: the baseline, and the oracle of every other structure.
///
/// ```swift
/// var index = BruteForceIndex(weights)
/// var report = FiringReport()
/// index.report(queries: batch, above: 2.5, into: &report)
/// weights.setRow(7, to: moved)
/// index.update(rows: movedRows)  // a buffer that holds 7
/// ```
///
/// Two ways, the same report. A *scan* computes the canonical inner product of every pair and
/// reports in the same pass. A *product* multiplies blocks of rows by blocks of queries through
/// OpenBLAS, which sums in some other order, discards what lies below the threshold by more than
/// a proven rounding margin (`RoundingMargin`), and decides the rest, little more than what
/// fires, by the canonical kernel.
///
/// The margin needs an upper bound of the norms in a block of rows; `TileNorms` keeps it.
///
/// The index is a class because it keeps scratch between calls; it allocates nothing once it has
/// seen its largest batch. One report at a time.
///
/// - Complexity: O(m d) per query. Memory: about 4.3 bytes per row, and the scratch.
public final class BruteForceIndex: HalfSpaceIndex, ForkableIndex {
  /// How pairs are looked at. The report is the same.
  public enum Method: String, Sendable, CaseIterable {
    /// A scan for few queries, a product for more.
    case automatic
    /// The canonical inner product of every pair, fused with the report.
    case scan
    /// Matrix products as a filter.
    case product
  }

  /// The rows, `[m, d]`, shared with their owner.
  public let weights: Matrix
  /// How pairs are looked at.
  public let method: Method
  /// Threads that a report may use; it does not depend on them.
  public let threads: Int

  private let door: Door
  private(set) var work = IndexStatistics()
  private var norms: TileNorms
  /// One for each part of a parallel report.
  private var workers: [BruteForceWorker] = []
  /// Norms of the queries being answered, and scratch of the merge.
  private var queryNorms: [Double] = []
  private var positions: [Int] = []

  /// An index over `weights` as they are, which must be finite. O(m d).
  public convenience init(
    _ weights: Matrix, threads: Int = 1, method: Method = .automatic
  ) {
    self.init(weights, threads: threads, method: method, nonFinite: .refused)
  }

  /// As the public initializer; says what becomes of rows and queries that are not finite.
  package convenience init(
    _ weights: Matrix, threads: Int = 1, method: Method = .automatic, nonFinite: NonFiniteNumbers
  ) {
    precondition(weights.rows <= Int(Int32.max), "\(weights.rows) rows exceed 32-bit numbers")
    let door = Door(nonFinite)
    door.check(rows: weights)
    self.init(
      weights, threads: max(1, threads), method: method, norms: TileNorms(weights), door: door)
  }

  private init(_ weights: Matrix, threads: Int, method: Method, norms: TileNorms, door: Door) {
    self.weights = weights
    self.door = door
    self.threads = threads
    self.method = method
    self.norms = norms
  }

  func fork() -> BruteForceIndex {
    BruteForceIndex(weights, threads: threads, method: method, norms: norms, door: door)
  }

  /// Number of rows, `m`.
  public var count: Int { weights.rows }
  /// Number of coordinates of a row, `d`.
  public var dimension: Int { weights.columns }

  /// Memory and work so far.
  public var statistics: IndexStatistics {
    var statistics = work
    statistics.memoryBytes =
      norms.byteCount + 8 * (queryNorms.count + positions.count)
      + workers.reduce(0) { $0 + $1.byteCount }
    return statistics
  }

  // MARK: Reports

  /// Answers queries `rows` of `queries`.
  ///
  /// Parts of the rows are the tasks of a parallel loop; their pairs are put in the order of the
  /// queries afterwards.
  ///
  /// - Complexity: O(m d) per query.
  public func report(
    queries: Matrix, rows: Range<Int>, above threshold: Float, into report: inout FiringReport
  ) {
    door.check(queries: queries, rows: rows, count: count, dimension: dimension)
    report.removeAll()
    let scans =
      method == .scan || (method == .automatic && rows.count <= mostScannedQueries)
    var rechecked = 0
    if scans && threads == 1 {
      let pass = BruteForcePass(weights, queries, rows, threshold, norms: [], bounds: [])
      pass.scan(into: &report)
    } else {
      if !scans { prepareBounds(queries, rows) }
      let pass = BruteForcePass(
        weights, queries, rows, threshold, norms: queryNorms, bounds: norms.bounds)
      let parts = partCount(queries: rows.count)
      while workers.count < parts { workers.append(BruteForceWorker()) }
      let workers = workers
      parallelFor(parts, threads: threads) { part in
        let tiles = pass.tileCount * part / parts..<pass.tileCount * (part + 1) / parts
        workers[part].stage.removeAll()
        if scans {
          pass.scan(tiles, stage: workers[part].stage)
        } else {
          pass.multiply(tiles, worker: workers[part])
        }
      }
      let stages = workers[..<parts]
      ReportStage.merge(
        stages.lazy.map(\.stage), queries: rows.count, positions: &positions, into: &report)
      rechecked = stages.reduce(0) { $0 + $1.stage.rechecked }
    }
    work.queries += rows.count
    work.reported += report.count
    work.rechecked += rechecked
    work.innerProducts += rows.count * count + rechecked
    let passes = scans ? rows.count : BruteForcePass.chunkCount(queries: rows.count)
    work.bytesScanned += 4 * weights.stride * (passes * count + rechecked)
  }

  /// Up to this many queries, a scan is faster than a product. Measured with 700 to 100,000 rows
  /// of 17 to 128 coordinates: packing the rows for a product costs about what four scans do;
  /// rows that do not fit the cache are better read once than twice.
  private var mostScannedQueries: Int { weights.byteCount <= 32 << 20 ? 4 : 1 }

  /// Parts of the rows: one, unless there is enough to do for several threads.
  private func partCount(queries: Int) -> Int {
    let products = queries * count * dimension
    let tiles = (count + Self.tile - 1) / Self.tile
    return threads == 1 ? 1 : max(1, min(2 * threads, tiles, products / Self.productsWorthATask))
  }

  /// Multiply-adds that take as long as starting a task, some microseconds.
  private static let productsWorthATask = 1 << 18

  // MARK: Norms

  /// Rows that share a bound of their norms.
  static let tile = TileNorms.tile

  /// Takes the norms of rows that have moved. O(d) each.
  public func update(rows: UnsafeBufferPointer<Int32>) {
    unsafe door.check(moved: rows, of: weights)
    unsafe norms.update(rows: rows)
  }

  /// Norms of the queries, and bounds of the rows as they are.
  private func prepareBounds(_ queries: Matrix, _ rows: Range<Int>) {
    queryNorms.removeAll(keepingCapacity: true)
    for row in rows {
      queryNorms.append(
        unsafe RoundingMargin.norm(stride: queries.stride, queries.row(row)))
    }
    norms.refresh()
  }
}
