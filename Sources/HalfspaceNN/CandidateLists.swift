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
/// movers            [ 8, 97 ]                   those beyond their limit: checked on every row
/// ```
///
/// After each step the neurons that moved are compared with their references, O(d) each: an exact
/// distance. Where the step knows how far it has moved rows at most, they are compared only once the
/// length of the path is beyond the limit, O(1) each. One beyond its limit becomes a *mover*. When the movers
/// have cost as much as it takes to merge new entries into the lists, they are refreshed together:
/// half-space queries over the training rows, a static structure that needs no maintenance. Margins
/// are chosen for each neuron by how fast it goes: a wide one costs candidates on every visit of a
/// row, a narrow one costs refreshes. Neurons that become slower get narrower margins, for which the
/// lists are decided once more and the training rows need not be asked.
///
/// The threshold may grow, as it does when weights decay; if it ever fell, all lists would be
/// made anew. Rows that are not training rows are scanned. When lists would exceed `mostPairs`,
/// what does not fit stays a mover: exact, but no longer fast.
///
/// - Complexity: for a row, O(d) for each candidate and mover. A refreshed neuron, O(n d), by codes of
///   8 bits. Memory: 8 bytes per candidate (4 between refreshes where they are many), 4 d per neuron for
///   the reference, and 4 (d + 1), and codes of d + 1 bytes, per training row.
/// - Note: One report at a time; nothing is allocated between refreshes once the scratch has seen
///   its largest batch.
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
  /// 1 for movers.
  var isMover: [UInt8]
  /// The neurons that are checked on every row, ascending.
  var movers: [Int32]

  // Of each training row. The lists end at the last offset; behind it, and in the second array, is
  // room for the next merge.
  var offsets: [Int]
  var ids: [Int32] = []
  var spareIDs: [Int32] = []

  /// The largest threshold that candidates were taken above.
  var threshold = -Float.infinity
  /// Rows answered, and pairs of them with movers since the last refresh.
  var rowsAnswered = 0
  var moverChecks = 0
  /// Rows answered, and pairs decided, when margins were last looked through.
  var reviewedAt = 0
  var reviewedPairs = 0

  var counters = IndexStatistics()
  var events = LookupStatistics()
  private var workers: [CandidateWorker] = []
  /// Scratch of refreshes.
  var found = FiringReport()
  var scratch = MergeScratch()
  /// Scratch of `update`.
  private var moved: [Int32] = []
  private var suspects: [Int32] = []

  /// Lists for `inputs` `[n, d]`, to be made at the first report, and the rows of `weights`.
  init(inputs: Matrix, weights: Matrix, threads: Int) {
    precondition(
      inputs.columns == weights.columns,
      "inputs [\(inputs.rows), \(inputs.columns)] for rows of \(weights.columns)")
    self.threads = max(1, threads)
    self.weights = weights
    lifted = DriftBudget.lifted(queries: inputs)
    data = CertifiedTileIndex(lifted, threads: self.threads, nonFinite: .decided)
    budget = DriftBudget(lifted: lifted)
    reference = weights.emptyTwin()
    margins = .init(repeating: Self.firstMargin, count: weights.rows)
    listed = .init(repeating: -1, count: weights.rows)
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
    prepare(above: threshold)
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
      worker.checked = 0
    }
    counters.queries += batch.count
    counters.reported += report.count
    counters.bytesScanned = counters.innerProducts * weights.stride * 4
    rowsAnswered += batch.count
    moverChecks += batch.count * movers.count
  }

  /// Parts of the batch: one, unless there is enough to do for several threads.
  private func pieces(of batch: LookupBatch) -> Int {
    guard threads > 1 else { return 1 }
    var pairs = batch.count * (batch.numbers == nil ? weights.rows : movers.count)
    for row in batch.numbers ?? [] { pairs += offsets[row + 1] - offsets[row] }
    return max(1, min(threads, batch.count, pairs * weights.stride / Self.floatsWorthATask))
  }

  /// Multiply-adds of floats that take as long as starting a task, some microseconds.
  private static let floatsWorthATask = 1 << 15

  // MARK: Moves

  // A row of few coordinates is measured as fast as its account is kept, if it is in the cache.
  var wantsDisplacements: Bool {
    weights.stride >= 64 || weights.byteCount >= Self.uncachedBytes
  }

  private static let uncachedBytes = 3 << 19

  func update(rows: UnsafeBufferPointer<Int32>, displacements: UnsafeBufferPointer<Float>?) {
    guard let moving = rows.baseAddress, rows.count > 0 else { return }
    if moved.count < rows.count {
      moved = .init(repeating: 0, count: rows.count)
      suspects = moved
    }
    guard let bounds = unsafe displacements?.baseAddress else {
      // Distances that are not accounted for: rows are measured when they move the next time.
      for k in 0..<rows.count { unsafe spent[Int(moving[k])] = .infinity }
      unsafe measure(rows.count, moving)
      return
    }
    let suspected = unsafe hs_spend_f32(
      rows.count, moving, bounds, &spent, allowances, &suspects)
    guard suspected > 0 else { return }
    unsafe measure(suspected, suspects)
    for neuron in suspects[..<suspected] where isMover[Int(neuron)] == 0 {
      let r = Int(neuron)
      spent[r] = Drift.upperBound(
        Drift.distance(weights, r, reference, r), stride: weights.stride)
    }
  }

  /// Compares rows with their references; those beyond their limit become movers.
  func measure(_ count: Int, _ rows: UnsafePointer<Int32>) {
    let found = unsafe hs_moved_beyond_f32(
      count, rows, weights.stride, weights.pointer, reference.pointer, limits, &moved)
    // What is no number is found again and again.
    let new = moved[..<found].filter { isMover[Int($0)] == 0 }
    if !new.isEmpty { becomeMovers(new) }
  }

  /// Has these neurons, which ascend and are no movers yet, checked on every row from now on.
  /// O(movers).
  func becomeMovers(_ new: some Collection<Int32>) {
    for neuron in new {
      isMover[Int(neuron)] = 1
      limits[Int(neuron)] = .infinity
      allowances[Int(neuron)] = .infinity
      spent[Int(neuron)] = 0
    }
    var merged: [Int32] = []
    merged.reserveCapacity(movers.count + new.count)
    var others = movers[...]
    for neuron in new {
      let before = others.prefix { $0 < neuron }
      merged += before
      merged.append(neuron)
      others = others[before.endIndex...]
    }
    movers = merged + others
  }

  func grow(to weights: Matrix) {
    let old = reference.rows
    let new = weights.rows
    self.weights = weights
    reference = reference.growing(toRows: new)
    margins += repeatElement(Self.firstMargin, count: new - old)
    listed += repeatElement(-1, count: new - old)
    takenAt += repeatElement(rowsAnswered, count: new - old)
    limits += repeatElement(.infinity, count: new - old)
    allowances += repeatElement(.infinity, count: new - old)
    spent += repeatElement(0, count: new - old)
    isMover += repeatElement(1, count: new - old)
    movers += (Int32(old)..<Int32(new)).map { $0 }
  }

  // MARK: Statistics

  var work: IndexStatistics {
    var work = counters
    work.innerProducts += data.statistics.innerProducts
    work.memoryBytes =
      4 * (ids.capacity + spareIDs.capacity) + 8 * offsets.count + reference.byteCount
      + lifted.byteCount
      + data.statistics.memoryBytes + weights.rows * 33
      + workers.reduce(0) { $0 + $1.byteCount } + 8 * found.count + scratch.byteCount
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
