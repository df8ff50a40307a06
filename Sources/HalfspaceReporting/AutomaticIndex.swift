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
/// candidates or of firing pairs or the number of rows that move per query leaves [1/2, 2] of what it was, when
/// batches of its class come that are more than twice as large, or when every row has moved often. A
/// structure is replaced only by one that is at least 6 % faster, and the checks become rarer as long as
/// nothing changes.
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

  /// By structure, and by class of batch sizes.
  private var held = [Held?](repeating: nil, count: Structure.allCases.count)
  private var watches = [Watch?](repeating: nil, count: BatchClass.allCases.count)
  private var recent: RecentQueries
  /// By structure: seconds it has taken to hear of moved rows, and how many. Kept when the structure
  /// is dropped: samples of rows are smaller than caches and make moves look cheap.
  private var moveTimes = [(seconds: Double, rows: Int)](
    repeating: (0, 0), count: Structure.allCases.count)
  private var counters = IndexStatistics()
  /// The subspace near which queries lie, once enough of them have shown one that pays.
  private var basis: TileBasis?
  private var hasLookedForBasis = false
  /// Rows told to have moved, and how far the last of them, where that was told.
  private var moves = 0
  private var updates = 0
  private var updatesAreLong = false
  private var distance: Float?
  private let clock: () -> Double
  private let door: Door

  /// An index over `weights` as they are. It calibrates when it is first asked: with a sample of
  /// typical queries `[*, d]` where one is given (some hundreds serve best), otherwise with those
  /// of the first batch, and again when some more have come. Rows and queries must be finite. O(m d).
  public convenience init(_ weights: Matrix, threads: Int = 1, sampleQueries: Matrix? = nil) {
    self.init(weights, threads: threads, sampleQueries: sampleQueries, nonFinite: .refused)
  }

  /// As the public initializer; says what becomes of rows and queries that are not finite.
  package convenience init(
    _ weights: Matrix, threads: Int = 1, sampleQueries: Matrix? = nil, nonFinite: NonFiniteNumbers
  ) {
    let clock = threads > 1 ? IndexCalibration.now : IndexCalibration.processorTime
    self.init(weights, threads: threads, clock: clock, nonFinite: nonFinite)
    if let sampleQueries {
      let rows = 0..<sampleQueries.rows
      door.check(queries: sampleQueries, rows: rows, count: count, dimension: dimension)
      recent.append(sampleQueries, rows)
    }
  }

  /// As the public initializer; tests bring their own clock.
  init(
    _ weights: Matrix, threads: Int, clock: @escaping () -> Double,
    nonFinite: NonFiniteNumbers = .refused
  ) {
    precondition(weights.rows <= Int(Int32.max), "\(weights.rows) rows exceed 32-bit numbers")
    door = Door(nonFinite)
    door.check(rows: weights)
    self.weights = weights
    self.threads = max(1, threads)
    self.clock = clock
    recent = RecentQueries(dimension: weights.columns)
  }

  /// Number of rows, `m`.
  public var count: Int { weights.rows }
  /// Number of coordinates of a row, `d`.
  public var dimension: Int { weights.columns }

  /// The structure over all rows, if it is held: for those who ask it themselves from now on.
  func heldIndex(_ structure: Structure) -> (any ForkableIndex)? {
    held[structure.rawValue]?.catchUp()
    return held[structure.rawValue]?.index
  }

  /// What answers batches of a size, and what was expected of it; nil before the first of its
  /// class, and where there is too little to do for a choice to matter.
  public func choice(forBatchesOf queries: Int) -> Choice? {
    watches[BatchClass(of: queries).rawValue]?.choice
  }

  /// Memory of the structures in use, and the work of all answers so far; calibration apart.
  public var statistics: IndexStatistics {
    var statistics = counters
    statistics.memoryBytes = held.reduce(recent.byteCount) {
      $0 + ($1.map { $0.byteCount + $0.index.statistics.memoryBytes } ?? 0)
    }
    return statistics
  }

  // MARK: Reports

  /// Answers queries `rows` of `queries`. The first of a class of batch sizes calibrates.
  public func report(
    queries: Matrix, rows: Range<Int>, above threshold: Float, into report: inout FiringReport
  ) {
    door.check(queries: queries, rows: rows, count: count, dimension: dimension)
    guard isWorthChoosing(queries: rows.count, above: threshold) else {
      let any = Structure.allCases.first { held[$0.rawValue] != nil }
      ask(any ?? .scan, queries, rows, above: threshold, into: &report)
      return
    }
    let batchClass = BatchClass(of: rows.count)
    let slot = batchClass.rawValue
    recent.append(queries, rows)
    let isDue = watches[slot]?.isDue(
      batch: rows.count, seen: recent.count, moves: moves, rows: count)
    if isDue ?? true {
      calibrate(batchClass, above: threshold, batch: rows.count)
    }
    let before = counters
    ask(watches[slot]!.choice.structure, queries, rows, above: threshold, into: &report)
    watches[slot]!.note(
      queries: rows.count, candidates: counters.candidates(since: before),
      fired: counters.reported - before.reported, moves: moves)
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
    prepare(structure)
    let own = held[structure.rawValue]!
    var index = own.index
    index.report(queries: queries, rows: rows, above: threshold, into: &report)
    let work = index.work
    counters.add(work, since: own.seen)
    own.seen = work
    own.noteUse()
  }

  // MARK: Moves

  /// Passes on that these rows have moved.
  public func update(rows: UnsafeBufferPointer<Int32>) {
    unsafe door.check(moved: rows, of: weights)
    distance = nil
    unsafe passOn(Moved(rows: rows))
  }

  /// Passes on that these rows have moved, and how far at most.
  public func update(
    rows: UnsafeBufferPointer<Int32>, displacements: UnsafeBufferPointer<Float>
  ) {
    unsafe door.check(moved: rows, displacements: displacements, of: weights)
    distance = unsafe displacements.last
    unsafe passOn(Moved(rows: rows, displacements: displacements))
  }

  private func passOn(_ moved: Moved) {
    let rows = unsafe moved.rows.count
    moves += rows
    updates += 1
    let isTimed = updates % Self.updatesPerClock == 1 || updatesAreLong
    updatesAreLong = false
    for slot in held.indices {
      guard let own = held[slot] else { continue }
      if own.isInUse {
        let start = isTimed ? clock() : 0
        unsafe moved.tell(own.index)
        if isTimed { noteMoves(slot, rows, seconds: clock() - start) }
      } else {
        unsafe own.keep(moved)
      }
      noteIdleness(own, slot, rows)
    }
  }

  private func noteMoves(_ slot: Int, _ rows: Int, seconds: Double) {
    moveTimes[slot].seconds += seconds
    moveTimes[slot].rows += rows
    if seconds > Self.longUpdate { updatesAreLong = true }
  }

  /// A clock takes as long as moving some rows: where updates are short one of so many is timed.
  private static let updatesPerClock = 8
  /// What is long beside looking at a clock.
  private static let longUpdate = 1e-5

  /// What nobody asks is built again when somebody does: never more than twice the least cost.
  private func noteIdleness(_ own: Held, _ slot: Int, _ rows: Int) {
    let (seconds, timed) = moveTimes[slot]
    own.noteIdleness(seconds: timed > 0 ? seconds / Double(timed) * Double(rows) : 0)
    if own.idleSeconds > own.buildSeconds {
      held[slot] = nil
    } else if own.isFull {
      own.catchUp()
    }
  }

  /// A forecast that does not forget what moves have really cost.
  private func corrected(_ forecast: IndexCalibration.Forecast) -> IndexCalibration.Forecast {
    let (seconds, rows) = moveTimes[forecast.structure.rawValue]
    guard rows > 0 else { return forecast }
    return forecast.withMoves(secondsPerRow: seconds / Double(rows))
  }

  // MARK: Choosing

  /// Sees to it that a structure is held and has heard of all moves.
  private func prepare(_ structure: Structure) {
    if let own = held[structure.rawValue] { return own.catchUp() }
    let start = clock()
    let index = structure.makeIndex(weights, threads: threads, basis: basis)
    let seconds = clock() - start
    held[structure.rawValue] = Held(index, buildSeconds: seconds)
    buildSeconds += seconds
  }

  private func calibrate(_ batchClass: BatchClass, above threshold: Float, batch: Int) {
    let start = clock()
    let built = buildSeconds
    calibrations += 1
    let watch = watches[batchClass.rawValue]
    let moved = watch?.movedPerQuery(moves: moves) ?? 0
    let incumbent = watch?.choice.structure
    let awaited = lookForBasis()
    let calibration = IndexCalibration(
      queries: recent.sample(atLeast: min(batch, IndexCalibration.mostQueries)),
      threshold: threshold, batch: batch, threads: threads, basis: basis, movedPerQuery: moved,
      distance: distance, clock: clock)
    var forecasts = calibration.forecasts(weights).map(corrected)
    let close = Preference.close(forecasts.map { ($0.structure, $0.cost) }, incumbent: incumbent)
    // Batches take time in proportion to the rows, sampled or not, unless many rows are candidates
    // which are in cache or not; what one query's take depends on where they lie.
    let isOpen =
      batchClass == .single || close.contains { !$0.isLinear || $0 == .prefixTiles }
    if close.count > 1 && isOpen && calibration.isSampled(weights) {
      let rivals = forecasts.filter { close.contains($0.structure) }
      for rival in rivals { prepare(rival.structure) }
      forecasts = calibration.measured(rivals) { held[$0.rawValue]!.index }
    }
    let winner = Preference.winner(
      forecasts.map { ($0.structure, $0.cost) }, incumbent: incumbent)
    prepare(winner)
    let seen = recent.sample(atLeast: max(recent.count, calibration.queries.rows))
    let rates = calibration.rates(of: held[winner.rawValue]!.index, asked: seen)
    let forecast = forecasts.first { $0.structure == winner }!
    watches[batchClass.rawValue] = Watch(
      choice: Choice(
        structure: winner, batchClass: batchClass, secondsPerQuery: forecast.secondsPerQuery,
        candidateRate: rates.candidates, firingRate: rates.fired, movedPerQuery: moved),
      batch: batch, awaited: awaited, moves: moves,
      patience: watch?.nextPatience(after: winner) ?? 1)
    dropLosers()
    calibrationSeconds += clock() - start - (buildSeconds - built)
  }

  /// Looks for a subspace near which queries lie, once. Returns how many different queries are
  /// awaited before the next choice.
  private func lookForBasis() -> Int {
    if recent.count < Watch.enoughQueries { return Watch.enoughQueries }
    let queries = recent.sample(atLeast: recent.count)
    guard !hasLookedForBasis, TileBasis.seemsToPay(queries) else { return .max }
    guard recent.count >= RecentQueries.capacity else { return RecentQueries.capacity }
    hasLookedForBasis = true
    basis = TileBasis.forQueries(queries, weights: weights)
    return .max
  }

  /// Drops what serves no class, and leaves the work of calibration out of the statistics.
  private func dropLosers() {
    let used = Set(watches.compactMap { $0?.choice.structure.rawValue })
    for slot in held.indices {
      guard used.contains(slot), let own = held[slot] else {
        held[slot] = nil
        continue
      }
      own.seen = own.index.work
    }
  }
}

extension IndexStatistics {
  /// Pairs that had to be decided or reported: what time depends on.
  func candidates(since before: IndexStatistics) -> Int {
    max(rechecked - before.rechecked, reported - before.reported)
  }

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
