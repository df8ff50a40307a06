// SPDX-License-Identifier: Apache-2.0
internal import CHalfspace
public import HalfspaceLinalg

/// Discards most rows by 4 or 6 bits of each weight, most others by 8 or 4 more, certainly, and
/// computes the canonical inner product of the few that are left: the index for single queries over
/// rows whose codes do not stay in cache.
///
/// ```swift
/// var index = NestedTileIndex(weights)
/// var report = FiringReport()
/// index.report(queries: query, above: 2.5, into: &report)
/// ```
///
/// A `CertifiedTileIndex` reads a byte for each weight and query, and over many rows that is what a
/// query costs. Here rows have codes in two planes (`NestedCodes`): coarse ones, of which all are
/// read, and fine ones, which are read of the rows that the coarse ones leave.
///
/// ```
///            coarse codes, an eighth of the bytes of the rows (4 bits)
/// query  ->  [ 64 rows ][ 64 rows ][ 64 rows ] ...   integer sums > the row's threshold?
///                 |||       ||        |||
///                 vvv       vv        vvv             0.6 to 30 % of the rows, one by one
///            fine codes:   both sums together > the row's threshold?
///                 |                    |
///                 v                    v              few more than fire
///              canonical inner product > b ?          decides; strict
/// ```
///
/// Coarse codes leave out so much of a row that its part counts: of 128 normal coordinates 1.1
/// deviations of an inner product with 4 bits (0.1 with a byte), and rows up to that much below the
/// threshold are left. Levels widen outward, as is best for normal numbers, and every row pays for its
/// own error only. `NestedMargin` has the proof.
///
/// Single queries over 2^20 rows of 128 coordinates, of which 0.1, 1 and 5 % fire, take 0.64, 0.8
/// and 0.98 of the time of a `CertifiedTileIndex`, over 2^17 rows of 1024 0.81, 0.76 and 0.79 (AMD
/// Zen 5). A batch is answered query by query, which takes several times as long as there.
///
/// It is for coordinates of one size. Where some are far larger than the others (from 193 columns on,
/// where fine codes have 4 bits) many rows are left, and an `AutomaticIndex` chooses another.
///
/// Moves are as there: encoded again, O(d), or O(1) where it is told how far they went.
///
/// The index is a class because it keeps scratch between calls; it allocates nothing once it has
/// seen its largest report. One report at a time. Reports do not depend on `threads`.
///
/// There is nothing to store: building takes about 2 ns for each weight.
///
/// - Complexity: O(m d) per query. Memory: 1.5 bytes for each weight (1.25 from 193 columns on),
///   about 20 for each row, and the scratch.
public final class NestedTileIndex: HalfSpaceIndex, ForkableIndex {
  /// The rows, `[m, d]`, shared with their owner.
  public let weights: Matrix
  /// Threads that a report may use; it does not depend on them.
  public let threads: Int

  private let door: Door
  private let codes: NestedCodes
  private let query: NestedQuery
  private(set) var work = IndexStatistics()
  /// One for each part of a parallel report.
  private var workers: [NestedWorker] = [NestedWorker()]
  /// Scratch of the merge, and pairs of one query.
  private var positions: [Int] = []

  /// Coordinates that rows may have.
  static let mostColumns = NestedMargin.mostColumns

  /// An index over `weights` as they are, which must be finite. O(m d).
  public convenience init(_ weights: Matrix, threads: Int = 1) {
    self.init(weights, threads: threads, nonFinite: .refused)
  }

  /// As the public initializer; says what becomes of rows and queries that are not finite.
  package init(_ weights: Matrix, threads: Int = 1, nonFinite: NonFiniteNumbers) {
    precondition(weights.rows <= Int(Int32.max) - 64, "\(weights.rows) rows exceed 32-bit numbers")
    precondition(
      weights.columns <= Self.mostColumns,
      "\(weights.columns) columns exceed \(Self.mostColumns)")
    door = Door(nonFinite)
    door.check(rows: weights)
    self.weights = weights
    self.threads = max(1, threads)
    codes = NestedCodes(weights, threads: self.threads)
    query = NestedQuery(columns: weights.columns)
  }

  private init(sharingCodesOf other: NestedTileIndex) {
    door = other.door
    weights = other.weights
    threads = other.threads
    codes = other.codes
    query = NestedQuery(columns: other.dimension)
  }

  func fork() -> NestedTileIndex { NestedTileIndex(sharingCodesOf: self) }

  /// Number of rows, `m`.
  public var count: Int { weights.rows }
  /// Number of coordinates of a row, `d`.
  public var dimension: Int { weights.columns }

  /// Memory and work so far. A node is a tile looked at for a query; inner products include those of
  /// codes.
  public var statistics: IndexStatistics {
    var statistics = work
    statistics.memoryBytes =
      codes.byteCount + query.byteCount + 8 * positions.count
      + workers.reduce(0) { $0 + $1.byteCount }
    return statistics
  }

  // MARK: Moves

  /// Encodes rows that have moved. O(d) each, in the long run.
  public func update(rows: UnsafeBufferPointer<Int32>) {
    unsafe door.check(moved: rows, of: weights)
    unsafe codes.update(rows)
  }

  /// Takes notice of rows that have moved by at most these distances. O(1) each as long as a row
  /// stays near to where it was encoded, O(d) when it leaves.
  public func update(
    rows: UnsafeBufferPointer<Int32>, displacements: UnsafeBufferPointer<Float>
  ) {
    unsafe door.check(moved: rows, displacements: displacements, of: weights)
    for k in 0..<rows.count {
      unsafe codes.update(row: Int(rows[k]), displacement: displacements[k])
    }
  }

  // MARK: Reports

  /// Answers queries `rows` of `queries`, one after the other. Parts of the tiles are the tasks of a
  /// parallel loop.
  ///
  /// - Complexity: O(m d) per query.
  public func report(
    queries: Matrix, rows: Range<Int>, above threshold: Float, into report: inout FiringReport
  ) {
    door.check(queries: queries, rows: rows, count: count, dimension: dimension)
    report.removeAll()
    work.queries += rows.count
    // Above infinity there is nothing, and nothing compares with NaN.
    guard threshold < .infinity, count > 0 else {
      for _ in rows { report.endQuery() }
      return
    }
    let parts = partCount
    while workers.count < parts { workers.append(NestedWorker()) }
    for worker in workers[..<parts] { worker.removeAll() }
    for row in rows {
      query.encode(queries, row: row, bits: codes.bits)
      let pass = NestedPass(codes, query, queries, row: row, above: threshold)
      if parts == 1 {
        pass.ask(0..<codes.tileCount, worker: workers[0], into: &report)
        report.endQuery()
      } else {
        answer(pass, parts, into: &report)
      }
    }
    count(workers[..<parts], queries: rows.count, reported: report.count)
  }

  private func answer(_ pass: NestedPass, _ parts: Int, into report: inout FiringReport) {
    let used = workers[..<parts]
    parallelFor(parts, threads: threads) { [tileCount = codes.tileCount] part in
      let worker = used[part]
      worker.stage.removePairs()
      let tiles = tileCount * part / parts..<tileCount * (part + 1) / parts
      pass.ask(tiles, worker: worker, into: &worker.stage.pairs)
      worker.stage.endRun(query: 0, count: worker.stage.pairs.count)
    }
    ReportStage.merge(used.lazy.map(\.stage), queries: 1, positions: &positions, into: &report)
  }

  /// Parts of the tiles: one, unless there is enough to do for several threads.
  private var partCount: Int {
    threads == 1
      ? 1 : max(1, min(2 * threads, codes.tileCount, count * dimension / Self.weightsWorthATask))
  }

  /// Weights whose codes take as long as starting a task, some microseconds.
  private static let weightsWorthATask = 1 << 20

  private func count(_ workers: ArraySlice<NestedWorker>, queries: Int, reported: Int) {
    work.reported += reported
    for worker in workers {
      work.rechecked += worker.stage.rechecked
      work.nodesVisited += worker.visited
      work.nodesPruned += worker.pruned
      let multiplied = (worker.visited - worker.pruned) * NestedCodes.rowsPerTile
      work.innerProducts += multiplied + worker.finelyChecked + worker.stage.rechecked
      work.bytesScanned +=
        worker.bytes + worker.finelyChecked * codes.fineStride
        + worker.stage.rechecked * 4 * weights.stride
    }
  }
}
