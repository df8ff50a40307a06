// SPDX-License-Identifier: Apache-2.0
public import HalfspaceLinalg

/// Measures which structure answers a caller's queries fastest, and uses that one.
///
/// ```swift
/// let index = AutomaticIndex(weights)
/// var report = FiringReport()
/// index.report(queries: batch, above: 2.5, into: &report)  // calibrates, then answers
/// print(index.choice(forBatchesOf: batch.rows)?.structure ?? .scan, index.calibrationSeconds)
/// ```
///
/// Which structure wins depends on shape, weights, threshold, batch size, processor and on how many
/// rows move. So the first queries are asked of all candidates (`AutomaticIndex.Structure`), over
/// a sample of the rows where there are many (`IndexCalibration`); if the best two are close,
/// both are built and compared as they are. Losers are dropped. Each class of batch sizes
/// (`AutomaticIndex.BatchClass`) has a winner of its own; a structure that serves two is held
/// once.
///
/// It goes on watching. It calibrates again, with queries it has seen lately, when the share of
/// candidates or the number of rows that move per query leaves [1/2, 2] of what it was, or when every
/// row has moved often. A structure is replaced only by one that is at least 15 % faster, and the
/// checks become rarer as long as nothing changes.
///
/// Every structure gives the same report, bit for bit: the choice depends on the clock, reports do
/// not.
///
/// - Complexity: that of the best structure, and a calibration of some ten milliseconds besides the
///   building. Memory: that of the chosen structures.
public final class AutomaticIndex: HalfSpaceIndex {
  /// The rows, `[m, d]`, shared with their owner.
  public let weights: Matrix
  /// Threads that a report may use; it does not depend on them.
  public let threads: Int

  /// Seconds spent on comparing structures so far, on samples and at full size.
  public private(set) var calibrationSeconds = 0.0
  /// Seconds spent on building structures over all rows so far.
  public private(set) var buildSeconds = 0.0
  /// Times that structures have been compared.
  public private(set) var calibrations = 0

  var structures: [Structure: any HalfSpaceIndex] = [:]
  private var watches: [BatchClass: Watch] = [:]
  private var recent: RecentQueries
  private var counters = IndexStatistics()
  /// Rows told to have moved, and whether the last were with their distances.
  private var moves = 0
  private var tellsDistances = false
  private let clock: () -> Double

  /// An index over `weights` as they are. It calibrates when it is first asked: with a sample of
  /// typical queries `[*, d]` where one is given (some hundreds serve best), otherwise with those
  /// of the first batch, and again when some more have come. O(1).
  public convenience init(_ weights: Matrix, threads: Int = 1, sampleQueries: Matrix? = nil) {
    self.init(weights, threads: threads, clock: IndexCalibration.now)
    if let sampleQueries {
      let rows = 0..<sampleQueries.rows
      QueryShape.check(sampleQueries, rows: rows, count: count, dimension: dimension)
      recent.append(sampleQueries, rows)
    }
  }

  /// As the public initializer; tests bring their own clock.
  init(_ weights: Matrix, threads: Int, clock: @escaping () -> Double) {
    precondition(weights.rows <= Int(Int32.max), "\(weights.rows) rows exceed 32-bit numbers")
    self.weights = weights
    self.threads = max(1, threads)
    self.clock = clock
    recent = RecentQueries(dimension: weights.columns)
  }

  /// Number of rows, `m`.
  public var count: Int { weights.rows }
  /// Number of coordinates of a row, `d`.
  public var dimension: Int { weights.columns }

  /// What answers batches of a size, and what was expected of it; nil before the first of its
  /// class, and where there is too little to do for a choice to matter.
  public func choice(forBatchesOf queries: Int) -> Choice? {
    watches[BatchClass(of: queries)]?.choice
  }

  /// Memory of the structures in use, and the work of all answers so far; calibration apart.
  public var statistics: IndexStatistics {
    var statistics = counters
    statistics.memoryBytes = structures.values.reduce(recent.byteCount) {
      $0 + $1.statistics.memoryBytes
    }
    return statistics
  }

  // MARK: Reports

  /// Answers queries `rows` of `queries`. The first of a class of batch sizes calibrates.
  public func report(
    queries: Matrix, rows: Range<Int>, above threshold: Float, into report: inout FiringReport
  ) {
    QueryShape.check(queries, rows: rows, count: count, dimension: dimension)
    guard isWorthChoosing(queries: rows.count, above: threshold) else {
      ask(structures.keys.first ?? .scan, queries, rows, above: threshold, into: &report)
      return
    }
    let batchClass = BatchClass(of: rows.count)
    recent.append(queries, rows)
    if watches[batchClass]?.isDue(seen: recent.count, moves: moves, rows: count) ?? true {
      calibrate(batchClass, above: threshold, batch: rows.count)
    }
    let before = counters
    let structure = watches[batchClass]?.choice.structure ?? .scan
    ask(structure, queries, rows, above: threshold, into: &report)
    watches[batchClass]?.note(
      queries: rows.count, candidates: Self.candidates(counters) - Self.candidates(before))
  }

  /// Below this many floats a scan takes less time than thinking about it.
  private static let smallestSize = 1 << 11

  private func isWorthChoosing(queries: Int, above threshold: Float) -> Bool {
    queries > 0 && threshold.isFinite && count * weights.stride >= Self.smallestSize
  }

  private func ask(
    _ structure: Structure, _ queries: Matrix, _ rows: Range<Int>, above threshold: Float,
    into report: inout FiringReport
  ) {
    build(structure)
    let before = structures[structure]!.statistics
    structures[structure]!.report(
      queries: queries, rows: rows, above: threshold, into: &report)
    counters.add(structures[structure]!.statistics, since: before)
  }

  /// Pairs that a structure had to decide or report: what its time depends on.
  private static func candidates(_ statistics: IndexStatistics) -> Int {
    max(statistics.rechecked, statistics.reported)
  }

  // MARK: Moves

  /// Passes on that these rows have moved.
  public func update(rows: UnsafeBufferPointer<Int32>) {
    moves += rows.count
    tellsDistances = false
    for structure in structures.keys { unsafe structures[structure]!.update(rows: rows) }
  }

  /// Passes on that these rows have moved, and how far at most.
  public func update(
    rows: UnsafeBufferPointer<Int32>, displacements: UnsafeBufferPointer<Float>
  ) {
    moves += rows.count
    tellsDistances = true
    for structure in structures.keys {
      unsafe structures[structure]!.update(rows: rows, displacements: displacements)
    }
  }

  // MARK: Choosing

  private func build(_ structure: Structure) {
    guard structures[structure] == nil else { return }
    let start = clock()
    structures[structure] = structure.makeIndex(weights, threads: threads)
    buildSeconds += clock() - start
  }

  private func calibrate(_ batchClass: BatchClass, above threshold: Float, batch: Int) {
    let start = clock()
    let built = buildSeconds
    calibrations += 1
    let watch = watches[batchClass]
    let moved = watch?.movedPerQuery(moves: moves) ?? 0
    let incumbent = watch?.choice.structure
    let calibration = IndexCalibration(
      queries: recent.sample(atLeast: min(batch, IndexCalibration.mostQueries)),
      threshold: threshold, batch: batch, threads: threads, movedPerQuery: moved,
      tellsDistances: tellsDistances, clock: clock)
    var forecasts = calibration.forecasts(weights)
    let close = Preference.close(forecasts.map { ($0.structure, $0.cost) }, incumbent: incumbent)
    if close.count > 1 && calibration.isSampled(weights) {
      for structure in close { build(structure) }
      forecasts = forecasts.filter { close.contains($0.structure) }.map { forecast in
        calibration.measured(forecast, &structures[forecast.structure]!)
      }
    }
    let winner = Preference.winner(
      forecasts.map { ($0.structure, $0.cost) }, incumbent: incumbent)
    build(winner)
    let rate = calibration.candidateRate(of: &structures[winner]!)
    let forecast = forecasts.first { $0.structure == winner }!
    watches[batchClass] = Watch(
      choice: Choice(
        structure: winner, batchClass: batchClass, secondsPerQuery: forecast.secondsPerQuery,
        candidateRate: rate, movedPerQuery: moved),
      sampled: calibration.queries.rows, moves: moves,
      patience: watch?.nextPatience(after: winner) ?? 1)
    let used = Set(watches.values.map(\.choice.structure))
    structures = structures.filter { used.contains($0.key) }
    calibrationSeconds += clock() - start - (buildSeconds - built)
  }
}

extension IndexStatistics {
  /// Adds the work between two states of an index.
  fileprivate mutating func add(_ after: IndexStatistics, since before: IndexStatistics) {
    queries += after.queries - before.queries
    reported += after.reported - before.reported
    innerProducts += after.innerProducts - before.innerProducts
    rechecked += after.rechecked - before.rechecked
    bytesScanned += after.bytesScanned - before.bytesScanned
    nodesVisited += after.nodesVisited - before.nodesVisited
    nodesPruned += after.nodesPruned - before.nodesPruned
  }
}
