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
/// Rows so large that products may overflow are always candidates.
///
/// A moved row is encoded again, O(d); now and then this means its tile. Better is to tell how far
/// rows have gone at most: then a row costs O(1) until it has left the neighborhood of its codes.
/// Measured with 2^17 rows of 128 coordinates of which 1 % and 10 % move: 0.41 and 3.2 ms to encode
/// them, 0.04 and 0.05 ms to note their displacements, beside 0.5 ms for a report (AMD Zen 5).
///
/// `TileOptions` adapt the index to rows or queries of few dimensions: rows in the order of a
/// partition tree, whose nodes discard and accept whole tiles; codes for the subspace near which
/// queries lie.
///
/// The index is a class because it keeps scratch between calls; it allocates nothing once it has
/// seen its largest batch. One report at a time. Reports do not depend on `threads`.
///
/// There is nothing to store: building takes about 0.4 ns for each weight (and see `TileOptions`).
///
/// - Complexity: O(m d) per query, at a quarter of the bytes and of the operations of a product
///   in `Float`. Memory: 1 byte for each weight, about 9 for each row, and the scratch.
public final class CertifiedTileIndex: HalfSpaceIndex, ForkableIndex {
  /// The rows, `[m, d]`, shared with their owner.
  public let weights: Matrix
  /// Threads that a report may use; it does not depend on them.
  public let threads: Int
  /// What it was prepared for.
  public let options: TileOptions

  let door: Door
  let codes: TileCodes
  let encoded = TileQueries()
  @safe @exclusivity(unchecked) var work = IndexStatistics()
  /// One for each part of a parallel report.
  @safe @exclusivity(unchecked) var workers: [TileWorker] = [TileWorker()]
  /// Scratch of the merge, and pairs by the order of tiles.
  var positions: [Int] = []
  private var unsorted = FiringReport()
  let found = PairParts()
  /// Candidates in the last report as a share of all pairs. Decides what is fetched early, never
  /// what is reported.
  @safe @exclusivity(unchecked) var candidateRate = 0.01
  /// The order of the rows, as they move, and positions of moved rows.
  private var moves: PartitionTreeMoves?
  private var moved: [Int32] = []

  /// An index over `weights` as they are, which must be finite. O(m d), and what options cost.
  public convenience init(
    _ weights: Matrix, threads: Int = 1, options: TileOptions = TileOptions()
  ) {
    self.init(weights, threads: threads, options: options, nonFinite: .refused)
  }

  /// As the public initializer; says what becomes of rows and queries that are not finite.
  package convenience init(
    _ weights: Matrix, threads: Int = 1, options: TileOptions = TileOptions(),
    nonFinite: NonFiniteNumbers
  ) {
    let basis = options.sampleQueries.flatMap {
      TileBasis.forQueries($0, weights: weights, count: options.prefix)
    }
    self.init(weights, threads: threads, options: options, basis: basis, nonFinite: nonFinite)
  }

  /// As the public initializer, with the subspace that queries lie near.
  init(
    _ weights: Matrix, threads: Int, options: TileOptions = TileOptions(), basis: TileBasis?,
    nonFinite: NonFiniteNumbers
  ) {
    precondition(weights.rows <= Int(Int32.max) - 64, "\(weights.rows) rows exceed 32-bit numbers")
    precondition(
      weights.columns <= TileMargin.mostColumns,
      "\(weights.columns) columns exceed \(TileMargin.mostColumns)")
    door = Door(nonFinite)
    door.check(rows: weights)
    self.weights = weights
    self.threads = max(1, threads)
    self.options = options
    let isOrdered = options.order == .spatial && weights.columns > 0
    let projection =
      isOrdered && basis == nil ? ProjectedRows(weights, threads: self.threads) : nil
    let order =
      isOrdered
      ? PartitionTree(projection?.coordinates ?? weights, leaf: TileCodes.rowsPerTile) : nil
    codes = TileCodes(
      weights, order: order, basis: projection?.basis ?? basis, projection: projection,
      threads: self.threads)
    moves = order.map { PartitionTreeMoves($0) }
  }

  private init(sharingCodesOf other: CertifiedTileIndex) {
    door = other.door
    weights = other.weights
    threads = other.threads
    options = other.options
    codes = other.codes
    moves = other.moves
  }

  func fork() -> CertifiedTileIndex { CertifiedTileIndex(sharingCodesOf: self) }

  /// Number of rows, `m`.
  public var count: Int { weights.rows }
  /// Number of coordinates of a row, `d`.
  public var dimension: Int { weights.columns }
  /// Number of coordinates that are encoded: `d`, or the directions chosen for the sample queries, or
  /// for rows in spatial order.
  public var encodedDimension: Int { codes.columns }

  /// Memory and work so far. A node is a tile looked at for a query, or a node of the tree above
  /// the tiles; inner products include those of codes.
  public var statistics: IndexStatistics {
    var statistics = work
    statistics.memoryBytes =
      codes.byteCount + encoded.byteCount + 8 * positions.count + found.byteCount
      + (codes.order?.byteCount ?? 0) + (moves?.byteCount ?? 0) + 4 * moved.capacity
      + workers.reduce(0) { $0 + $1.byteCount }
    return statistics
  }

  // MARK: Moves

  /// Encodes rows that have moved. O(d) each, in the long run; with an order, O(d log m).
  public func update(rows: UnsafeBufferPointer<Int32>) {
    unsafe door.check(moved: rows, of: weights)
    guard moves != nil else { return unsafe codes.update(rows, threads: threadsToHave(threads)) }
    unsafe widen(rows)
    moved.removeAll(keepingCapacity: true)
    for k in 0..<rows.count { moved.append(unsafe moves!.positions[Int(rows[k])]) }
    moved.sort()
    unsafe moved.withUnsafeBufferPointer { unsafe codes.update($0, threads: 1) }
  }

  /// Takes notice of rows that have moved by at most these distances. O(1) each as long as a row
  /// stays near to where it was encoded, O(d) when it leaves; with an order, O(d log m).
  public func update(
    rows: UnsafeBufferPointer<Int32>, displacements: UnsafeBufferPointer<Float>
  ) {
    unsafe door.check(moved: rows, displacements: displacements, of: weights)
    guard moves != nil else {
      unsafe codes.update(
        positions: rows, displacements: displacements, threads: threadsToHave(threads))
      return
    }
    unsafe widen(rows)
    for k in 0..<rows.count {
      let row = unsafe Int(rows[k])
      unsafe codes.update(
        position: Int(moves!.positions[row]), displacement: displacements[k])
    }
  }

  /// Encodes all rows, where they are other rows than before. O(m d).
  func encodeAgain() {
    precondition(codes.order == nil, "rows in the order of a tree")
    codes.encode(0..<count, threads: threads)
  }

  /// Widens the tree's bounds around moved rows; where it puts rows in a new order, encodes them.
  private func widen(_ rows: UnsafeBufferPointer<Int32>) {
    guard let order = codes.order else { return }
    let placed = codes.projection?.coordinates ?? weights
    for k in 0..<rows.count {
      codes.projection?.move(unsafe Int(rows[k]))
      moves!.move(unsafe Int(rows[k]), in: order, placed)
    }
    moves!.mend(order, placed)
    for range in moves!.reordered { codes.encode(range, threads: threads) }
  }

  // MARK: Reports

  /// Answers queries `rows` of `queries`.
  ///
  /// Parts of the tiles, or of the queries where rows are searched, are the tasks of a parallel
  /// loop; their pairs are put in the order of the queries afterwards.
  ///
  /// - Complexity: O(m d) per query.
  public func report(
    queries: Matrix, rows: Range<Int>, above threshold: Float, into report: inout FiringReport
  ) {
    door.check(queries: queries, rows: rows, count: count, dimension: dimension)
    report.removeAll()
    // Above infinity there is nothing, and nothing compares with NaN.
    guard threshold < .infinity, !rows.isEmpty, count > 0 else {
      work.queries += rows.count
      for _ in rows { report.endQuery() }
      return
    }
    if canAnswerByRow(rows.count) {
      answerByRow(queries, rows, above: threshold, into: &report)
      return
    }
    work.queries += rows.count
    let isFew = rows.count <= Self.mostAskedOneByOne
    func pass(oneByOne: Bool) -> TilePass {
      encoded.encode(
        queries, rows, basis: codes.basis, inTwoPlanes: oneByOne,
        block: oneByOne ? 1 : TilePass.queriesPerBlock)
      return TilePass(
        codes, queries, rows, encoded, above: threshold, candidateRate: candidateRate)
    }
    if isFew, codes.order == nil, partCount(tilesFor: rows.count) == 1 {
      let pass = pass(oneByOne: true)
      let worker = workers[0]
      worker.removeAll()
      for q in 0..<rows.count {
        pass.ask(q, 0..<codes.tileCount, worker: worker, into: &report)
        report.endQuery()
      }
      count(workers[..<1], queries: rows.count, reported: report.count)
      return
    }
    workers[0].removeAll()
    let way: Way
    if codes.order != nil {
      let probe = TilePass(
        codes, queries, rows, encoded, above: threshold, candidateRate: candidateRate)
      way = isFew || probe.searchPays(workers[0], encoding: encoded) ? .search : .together
    } else {
      way = isFew ? .oneByOne : .together
    }
    answer(rows.count, pass(oneByOne: way != .together), way, into: &report)
  }

  /// How queries meet tiles.
  private enum Way { case oneByOne, together, search }

  private func answer(
    _ queries: Int, _ pass: TilePass, _ way: Way, into report: inout FiringReport
  ) {
    let parts = way == .search ? partCount(queries) : partCount(tilesFor: queries)
    while workers.count < parts { workers.append(TileWorker()) }
    let used = workers[..<parts]
    for worker in used { worker.removeAll() }
    if parts == 1 && way != .together {
      for q in 0..<queries {
        if way == .search {
          pass.search(q, worker: workers[0], into: &report)
        } else {
          pass.ask(q, 0..<codes.tileCount, worker: workers[0], into: &report)
        }
        report.endQuery()
      }
    } else {
      parallelFor(parts, threads: threads) { [tileCount = codes.tileCount] part in
        let tiles = tileCount * part / parts..<tileCount * (part + 1) / parts
        let worker = used[part]
        switch way {
        case .oneByOne: pass.askOneByOne(tiles, worker: worker)
        case .together: pass.askTogether(tiles, worker: worker)
        case .search:
          pass.search(queries * part / parts..<queries * (part + 1) / parts, worker: worker)
        }
      }
      let stages = used.lazy.map(\.stage)
      if way == .together && codes.order != nil {
        unsorted.removeAll()
        ReportStage.merge(stages, queries: queries, positions: &positions, into: &unsorted)
        pass.sort(unsorted, worker: workers[0], into: &report)
      } else {
        ReportStage.merge(stages, queries: queries, positions: &positions, into: &report)
      }
    }
    count(used, queries: queries, reported: report.count)
  }

  /// Up to this many queries are asked one by one.
  private static let mostAskedOneByOne = 2

  /// Parts of the tiles: one, unless there is enough to do for several threads.
  func partCount(tilesFor queries: Int) -> Int {
    let products = queries * count * codes.columns
    return threadsToHave(threads) == 1
      ? 1 : max(1, min(2 * threads, codes.tileCount, products / Self.productsWorthATask))
  }

  /// Parts of the queries, which differ in their cost.
  private func partCount(_ queries: Int) -> Int {
    threadsToHave(threads) == 1 || count < Self.rowsWorthATask ? 1 : min(queries, 4 * threads)
  }

  /// 8-bit multiply-adds that take as long as starting a task, some microseconds.
  private static let productsWorthATask = 1 << 20
  /// Below this many rows a search takes less time than starting a task.
  private static let rowsWorthATask = 1 << 13

  private func count(_ workers: ArraySlice<TileWorker>, queries: Int, reported: Int) {
    var sum = TileWork()
    for worker in workers { sum += worker.work }
    count(sum, queries: queries, reported: reported)
  }

  func count(_ done: TileWork, queries: Int, reported: Int) {
    work.reported += reported
    work.nodesVisited += done.visited
    work.nodesPruned += done.pruned
    let valued = done.rechecked + done.valued
    work.innerProducts += done.multiplied * TileCodes.rowsPerTile + valued
    work.bytesScanned += done.bytes + 4 * weights.stride * valued
    work.rechecked += done.rechecked
    candidateRate = Double(done.rechecked) / Double(queries * count)
  }
}
