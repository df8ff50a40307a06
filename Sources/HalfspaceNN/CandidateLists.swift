// SPDX-License-Identifier: Apache-2.0
internal import CHalfspace
internal import HalfspaceLinalg
internal import HalfspaceReporting

/// Finds the neurons that fire on a training row in a list made long before: for inputs that are
/// known beforehand and weights that move slowly.
///
/// ```
/// training row i    [ 3, 8, 20, 41, ... ]       ids[offsets[i]..<offsets[i + 1]], ascending:
///                                               all r with <w_ref_r, x_i> + margin_r ||x_i|| > b
/// neuron r          margin  limit  reference    no pair outside the lists fires while
///                                               ||w_r - w_ref_r||² <= limit (DriftBudget)
/// movers            [ 8, 97 ]                   those beyond their limit: checked on every row,
/// fast              [ 3, 12, 40, ... ]          and soon found by their codes (FastNeurons)
/// ```
///
/// After each step the neurons that moved are compared with their references, O(d) each: an exact
/// distance. Where the step knows how far it has moved rows at most, they are compared only once the
/// length of the path is beyond the limit, O(1) each. One beyond its limit becomes a *mover*. When checking
/// the movers has cost as much as it takes to encode them, they are put among the *fast* neurons, which are
/// compared with every row by codes of 8 bits. There they stay, unless they go so slowly that a list would
/// cost less. When such neurons have cost what it takes to merge new entries into the lists, they are
/// refreshed together: half-space queries over the training rows, a static structure that needs no
/// maintenance. Margins are chosen for each neuron by how fast it goes: a wide one costs candidates on every
/// visit of a row, a narrow one costs refreshes. Neurons that become slower get narrower margins, for which
/// the lists are decided once more and the training rows need not be asked.
///
/// The threshold may grow, as it does when weights decay; if it ever fell, all lists would be
/// made anew. Rows that are not training rows are scanned. When lists would exceed `mostPairs`,
/// what does not fit is found by codes.
///
/// - Complexity: for a row, O(d) for each candidate and mover, and an 8-bit product for each fast neuron. A
///   refreshed neuron, O(n d), by codes of 8 bits. Memory: 8 bytes per candidate (4 between refreshes where
///   they are many), 4 d per neuron for the reference, d per fast one, and 4 (d + 1), and codes of d + 1
///   bytes, per training row.
/// - Note: One report at a time; nothing is allocated between refreshes, and between the times that
///   movers are encoded, once the scratch has seen its largest batch.
final class CandidateLists: NeuronLookup {
  let strategy = LookupStrategy.candidateLists
  /// Most entries in all lists: 1 GB.
  static let mostPairs = 1 << 28

  let threads: Int
  /// The lifted training rows, and the index that refreshes ask.
  let lifted: Matrix
  let data: CertifiedTileIndex
  let budget: DriftBudget
  var weights: Matrix

  // Of each neuron.
  var reference: Matrix
  var margins: [Float]
  /// Pairs when the candidates were taken; rows answered until then.
  var listed: [Int32]
  var takenAt: [Int]
  /// Largest allowed square of the displacement; infinite for movers, so that they are not found
  /// again.
  var limits: [Float]
  /// A lower bound of the root of the limit, and an upper bound of the displacement: the length of
  /// the path since the row was last measured is added to it. Beyond the allowance it is measured.
  var allowances: [Float]
  var spent: [Float]
  /// 1 for neurons that are not listed: movers, and those among the fast.
  var isMover: [UInt8]
  /// The neurons that are checked on every row, ascending, and those of which codes are.
  var movers: [Int32]
  let fast: FastNeurons

  // Of each training row. The lists end at the last offset; behind it, and in the second array, is
  // room for the next merge.
  var offsets: [Int]
  var ids: [Int32] = []
  var spareIDs: [Int32] = []

  /// The largest threshold that candidates were taken above.
  var threshold = -Float.infinity
  /// Rows answered, and pairs of them with movers since these were last put among the fast.
  var rowsAnswered = 0
  var moverChecks = 0
  /// Rows of the last batch that was asked for.
  var batchRows = 0
  /// What listing those of the fast neurons for which it pays would save in an epoch, and what it would
  /// have saved so far, in pairs of a dense product; when this was last looked through.
  var saving = 0.0
  var lost = 0.0
  var judgedAt = 0
  /// Rows answered when margins were last looked through, and pairs of lists and movers decided since.
  var reviewedAt = 0
  var listChecks = 0

  var counters = IndexStatistics()
  var events = LookupStatistics()
  /// A report that is wanted row by row.
  private let grouped = PairParts()
  private var workers: [CandidateWorker] = []
  private var ranges: [CandidateRange] = []
  /// Scratch of refreshes.
  var found = FiringReport()
  var scratch = MergeScratch()
  /// Scratch of `update`.
  var moved: [Int32] = []
  var suspects: [Int32] = []

  /// What is known of the neurons when lists are made.
  struct Start {
    /// The margins that suit them; 0 for those that are too fast for a list.
    var margins: [Float]
    /// Training rows that one fires on, about.
    var entries: Double
  }

  /// Lists for `inputs` `[n, d]`, to be made at the first report, and the rows of `weights`.
  init(inputs: Matrix, weights: Matrix, threads: Int, start: Start? = nil) {
    precondition(
      inputs.columns == weights.columns,
      "inputs [\(inputs.rows), \(inputs.columns)] for rows of \(weights.columns)")
    precondition(
      start?.margins.count ?? weights.rows == weights.rows,
      "\(start?.margins.count ?? 0) margins for \(weights.rows) rows")
    self.threads = max(1, threads)
    self.weights = weights
    fast = FastNeurons(of: weights.rows, threads: self.threads)
    lifted = DriftBudget.lifted(queries: inputs)
    data = CertifiedTileIndex(lifted, threads: self.threads, nonFinite: .decided)
    budget = DriftBudget(lifted: lifted)
    reference = weights.emptyTwin()
    margins = start?.margins ?? .init(repeating: Self.firstMargin, count: weights.rows)
    listed = .init(repeating: -1, count: weights.rows)
    // As if these had been listed, and were far from there by now: their references are zero.
    if let start {
      for r in 0..<weights.rows where margins[r] == 0 {
        listed[r] = Int32(min(start.entries, Double(inputs.rows)))
      }
    }
    takenAt = .init(repeating: 0, count: weights.rows)
    limits = .init(repeating: .infinity, count: weights.rows)
    allowances = limits
    spent = .init(repeating: 0, count: weights.rows)
    isMover = .init(repeating: 1, count: weights.rows)
    movers = (0..<Int32(weights.rows)).map { $0 }
    offsets = .init(repeating: 0, count: inputs.rows + 1)
  }

  /// Training rows, `n`.
  var rowCount: Int { lifted.rows }
  /// Whether candidates were left out for want of room: movers stay what they are from then on.
  var isFull = false
  /// Entries in all lists.
  var listedPairs: Int { offsets[rowCount] }

  // MARK: Reports

  func report(
    _ batch: LookupBatch, above threshold: Float, into report: inout FiringReport
  ) {
    report.removeAll()
    if self.report(batch, above: threshold, byNeuron: grouped, then: { _ in }) {
      grouped.list(queries: batch.count, threads: threadsToHave(threads), into: &report)
      return
    }
    prepare(for: batch.count, above: threshold)
    if batch.numbers != nil { fast.find(batch, above: threshold) }
    let pieces = pieces(of: batch)
    while workers.count < pieces { workers.append(CandidateWorker()) }
    let pass = CandidatePass(self, batch, threshold)
    if pieces == 1 {
      pass.answer(0..<batch.count, workers[0], into: &report)
    } else {
      let workers = workers
      parallelFor(pieces, threads: threads) { piece in
        let range = piece * batch.count / pieces..<(piece + 1) * batch.count / pieces
        workers[piece].pairs.removeAll()
        pass.answer(range, workers[piece], into: &workers[piece].pairs)
      }
      for piece in 0..<pieces { report.append(workers[piece].pairs) }
    }
    for worker in workers {
      counters.innerProducts += worker.checked
      counters.rechecked += worker.checked
      listChecks += worker.checked
      worker.checked = 0
    }
    note(batch, reported: report.count)
  }

  func report(
    _ batch: LookupBatch, above threshold: Float, byNeuron found: PairParts,
    then next: @Sendable (_ part: Int) -> Void
  ) -> Bool {
    guard let numbers = batch.numbers, batch.count >= Self.fewestRowsByNeuron, weights.columns > 0
    else { return false }
    prepare(for: batch.count, above: threshold)
    // While fast neurons are found, the lists come near.
    unsafe numbers.withUnsafeBufferPointer {
      unsafe hs_fetch_lists(batch.count, $0.baseAddress!, offsets, ids)
    }
    fast.findCandidates(batch, above: threshold)
    let candidates =
      batch.count * movers.count + fast.candidateCount
      + numbers.reduce(0) { $0 + offsets[$1 + 1] - offsets[$1] }
    let work = candidates * (weights.stride + Self.floatsOfCandidate)
    found.divide(weights.rows, into: min(threadsToHave(threads), work / Self.floatsWorthATask))
    while ranges.count < found.count { ranges.append(CandidateRange()) }
    let fastCandidates = unsafe fast.candidates
    found.run(
      threads: threads,
      { [ranges, offsets, ids, movers, weights] part in
        let neurons = unsafe CandidateRange.Neurons(
          found.range(of: part), movers: movers, fast: fastCandidates)
        unsafe ranges[part].decide(
          neurons, numbers, (offsets, ids), inputs: batch.inputs.pointer, weights: weights,
          above: threshold, into: &found[part].pointee)
      }, then: next)
    let checked = found.checked
    counters.innerProducts += checked
    counters.rechecked += checked
    listChecks += checked - fast.candidateCount
    note(batch, reported: found.total.pairs)
    return true
  }

  /// Counts a report.
  private func note(_ batch: LookupBatch, reported: Int) {
    counters.queries += batch.count
    counters.reported += reported
    counters.bytesScanned = counters.innerProducts * weights.stride * 4
    rowsAnswered += batch.count
    moverChecks += batch.count * movers.count
    lost += saving * Double(batch.count) / Double(rowCount)
  }

  /// Rows of a batch from which on candidates are decided neuron by neuron.
  private static let fewestRowsByNeuron = 4
  /// What it takes to put a candidate in order, in multiply-adds.
  private static let floatsOfCandidate = 32

  /// Parts of the batch: one, unless there is enough to do for several threads.
  private func pieces(of batch: LookupBatch) -> Int {
    guard threadsToHave(threads) > 1 else { return 1 }
    var pairs = batch.count * (batch.numbers == nil ? weights.rows : movers.count)
    for row in batch.numbers ?? [] { pairs += offsets[row + 1] - offsets[row] }
    return max(1, min(threads, batch.count, pairs * weights.stride / Self.floatsWorthATask))
  }

  /// Multiply-adds of floats that take as long as starting a task, some microseconds.
  private static let floatsWorthATask = 1 << 15

  // MARK: Statistics

  /// Seconds of what is done now and then.
  var maintenanceSeconds: Double { events.refreshSeconds + events.narrowingSeconds }

  var work: IndexStatistics {
    var work = counters
    work.innerProducts += data.statistics.innerProducts
    let codes = fast.work
    work.innerProducts += codes.innerProducts
    work.rechecked += codes.rechecked
    work.memoryBytes =
      4 * (ids.capacity + spareIDs.capacity) + 8 * offsets.count + reference.byteCount
      + lifted.byteCount + data.statistics.memoryBytes + codes.memoryBytes + weights.rows * 33
      + workers.reduce(0) { $0 + $1.byteCount } + ranges.reduce(0) { $0 + $1.byteCount }
      + 8 * found.count + grouped.byteCount + scratch.byteCount
    return work
  }

  var statistics: LookupStatistics {
    var statistics = events
    statistics.rowsAnswered[strategy] = rowsAnswered
    statistics.listedPairs = listedPairs
    statistics.driftQuantiles = Drift.quantiles(
      (0..<weights.rows).map { Drift.distance(weights, $0, reference, $0) })
    return statistics
  }
}
