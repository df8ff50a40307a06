// SPDX-License-Identifier: Apache-2.0
internal import CHalfspace
internal import Foundation
internal import HalfspaceLinalg
internal import HalfspaceReporting

/// Finds the neurons that fire through an index over the weights as they were, which is told of no
/// move: for weights that stay near their initial values, as those of wide networks do.
///
/// ```
/// reference  [ M, d ]     where the rows were indexed; the index is over these
/// query x                 asked at b - rho ||x||: all r with <w_ref_r, x> + rho ||x|| > b
/// neuron r   limit        no pair outside that answer fires while ||w_r - w_ref_r||² <= limit
/// outsiders  [ 8, 97 ]    beyond their limit, or joined since: looked at for every query
/// ```
///
/// What is answered is decided by the canonical kernel on the weights as they are. After each step
/// the rows that moved are compared with their references, O(d) each: the exact distance, not the
/// length of the path, with rounding accounted for (`DriftBudget`). One that is beyond its limit is
/// a violation and becomes an outsider. When outsiders have cost as much as a new index, one is
/// made over the weights as they are. So a margin that is too small costs time, never a neuron.
///
/// The index is a `PartitionTreeIndex` where there are few coordinates and a `CertifiedTileIndex`
/// otherwise. Queries of unusual length are asked one at a time, those too long for the bounds
/// scanned.
///
/// - Complexity: for a row, a query of the index and O(d) for each candidate and outsider; for a
///   moved row, O(d). Memory: that of the index and 4 (d + 2) bytes per neuron.
/// - Note: One report at a time.
final class StaticIndexLookup: NeuronLookup {
  let strategy = LookupStrategy.staticIndex
  /// Coordinates up to which a tree prunes.
  private static let mostTreeColumns = 16
  /// What a new index costs, in looks at all rows.
  private static let rebuildCost = 8
  /// Queries whose lengths differ by at most this share are asked together.
  private static let lengthTolerance = 0x1p-12
  /// Distances are watched in squares that are wider by this.
  private static let watchSlack = 1 + 0x1p-16

  private let threads: Int
  private let budget: DriftBudget
  private let requestedMargin: Float?
  private var weights: Matrix
  private var index: (any HalfSpaceIndex)?

  // Of each neuron.
  private var reference: Matrix
  /// Largest allowed square of the displacement.
  private var limits: [Float]
  /// The square beyond which the displacement is looked at again: the limit, or less while no other
  /// row has gone as far.
  private var watches: [Float]
  private var isOutside: [Bool]
  /// The neurons that are looked at for every query, ascending; and how many of them an index made
  /// now would cover.
  private var outsiders: [Int32] = []
  private var strays = 0
  private var outsiderChecks = 0

  private var largestSquare = 0.0
  private var certificate: StaticIndexCertificate
  private var counters = IndexStatistics()
  private var earlier = IndexStatistics()
  private var candidates = FiringReport()
  private var workers: [StaticIndexWorker] = []
  /// Scratch of `update`.
  private var found: [Int32] = []
  private var beyond: [Int32] = []

  /// A lookup over the rows of `weights` as they are at the first report.
  init(weights: Matrix, margin: Float?, threads: Int) {
    self.threads = max(1, threads)
    self.weights = weights
    requestedMargin = margin
    budget = DriftBudget(stride: weights.stride)
    certificate = StaticIndexCertificate(margin: Double(margin ?? 0))
    reference = weights.emptyTwin()
    limits = .init(repeating: -1, count: weights.rows)
    watches = .init(repeating: .infinity, count: weights.rows)
    isOutside = .init(repeating: false, count: weights.rows)
  }

  // MARK: Reports

  func report(
    _ batch: LookupBatch, above threshold: Float, into report: inout FiringReport
  ) {
    report.removeAll()
    prepare(above: threshold)
    var start = 0
    while start < batch.count {
      let (count, norm) = leadingQueries(of: batch, from: start)
      answer(batch, start..<start + count, norm: norm, above: threshold, into: &report)
      start += count
    }
    for worker in workers {
      counters.rechecked += worker.checked
      worker.checked = 0
    }
    counters.queries += batch.count
    counters.reported += report.count
    outsiderChecks += batch.count * outsiders.count
  }

  private func prepare(above threshold: Float) {
    certificate.threshold = Double(threshold)
    if index == nil {
      let margin = requestedMargin ?? Float(log(2.0)) / max(1, threshold)
      certificate.margin = Double(margin)
      build()
    } else if strays > 0, outsiderChecks >= Self.rebuildCost * weights.rows {
      build()
      certificate.rebuilds += 1
    }
  }

  /// How many queries from `start` on are of about one length, and an upper bound of it; nil for one
  /// that the bounds do not cover.
  private func leadingQueries(
    of batch: LookupBatch, from start: Int
  ) -> (count: Int, norm: Double?) {
    func norm(_ row: Int) -> Double? {
      unsafe DriftBudget.coveredNorm(stride: weights.stride, query: batch.inputs.row(row))
    }
    guard let first = norm(start) else { return (1, nil) }
    var longest = first
    var end = start + 1
    while end < batch.count, let next = norm(end),
      abs(next - first) <= Self.lengthTolerance * first
    {
      longest = max(longest, next)
      end += 1
    }
    return (end - start, longest)
  }

  private func answer(
    _ batch: LookupBatch, _ rows: Range<Int>, norm: Double?, above threshold: Float,
    into report: inout FiringReport
  ) {
    let cutoff =
      norm.map { DriftBudget.cutoff(threshold, margin: Float(certificate.margin), norm: $0) }
      ?? .nan
    let isAsked = !cutoff.isNaN
    if isAsked {
      index?.report(queries: batch.inputs, rows: rows, above: cutoff, into: &candidates)
    }
    let pieces = isAsked ? min(threads, rows.count) : 1
    while workers.count < pieces { workers.append(StaticIndexWorker()) }
    let pass = unsafe StaticIndexPass(
      weights: weights, inputs: batch.inputs, firstRow: rows.lowerBound, threshold: threshold,
      offsets: isAsked ? candidates.offsets : nil, candidates: candidates.neurons,
      outsiders: outsiders)
    if pieces == 1 {
      pass.answer(0..<rows.count, workers[0], into: &report)
      return
    }
    let workers = workers
    parallelFor(pieces, threads: threads) { piece in
      let range = piece * rows.count / pieces..<(piece + 1) * rows.count / pieces
      workers[piece].pairs.removeAll()
      pass.answer(range, workers[piece], into: &workers[piece].pairs)
    }
    for piece in 0..<pieces { report.append(workers[piece].pairs) }
  }

  // MARK: Moves

  var wantsDisplacements: Bool { false }

  func update(
    rows: UnsafeBufferPointer<Int32>, displacements: UnsafeBufferPointer<Float>?
  ) {
    guard index != nil, let moved = rows.baseAddress, rows.count > 0 else { return }
    if found.count < rows.count { found = .init(repeating: 0, count: rows.count) }
    let far = unsafe hs_moved_beyond_f32(
      rows.count, moved, weights.stride, weights.pointer, reference.pointer, watches, &found)
    guard far > 0 else { return }
    if beyond.count < far { beyond = .init(repeating: 0, count: far) }
    let tooFar = unsafe hs_moved_beyond_f32(
      far, found, weights.stride, weights.pointer, reference.pointer, limits, &beyond)
    let violators = beyond[..<tooFar].filter { !isOutside[Int($0)] }
    for neuron in violators { isOutside[Int(neuron)] = true }
    certificate.violations += violators.count
    strays += violators.count
    if !violators.isEmpty { listOutsiders() }
    for neuron in found[..<far] {
      let square = squareOfDisplacement(Int(neuron))
      largestSquare = max(largestSquare, square.isFinite ? square : .infinity)
    }
    for neuron in found[..<far] { watch(Int(neuron)) }
  }

  /// Watches a row that has gone no further than the furthest.
  private func watch(_ r: Int) {
    let square = Float(largestSquare * Self.watchSlack)
    watches[r] = isOutside[r] ? square : min(limits[r], square)
  }

  private func squareOfDisplacement(_ r: Int) -> Double {
    let p = unsafe weights.row(r)
    let q = unsafe reference.row(r)
    var sum = 0.0
    for l in 0..<weights.columns {
      let difference = unsafe Double(p[l]) - Double(q[l])
      sum += difference * difference
    }
    return sum
  }

  private func listOutsiders() {
    outsiders = (0..<Int32(weights.rows)).filter { isOutside[Int($0)] }
  }

  func grow(to weights: Matrix) {
    let old = self.weights.rows
    let new = weights.rows
    self.weights = weights
    reference = reference.growing(toRows: new)
    limits += repeatElement(-1, count: new - old)
    watches += repeatElement(.infinity, count: new - old)
    // Before the first report there is no index to be outside of.
    isOutside += repeatElement(index != nil, count: new - old)
    guard index != nil else { return }
    for r in old..<new {
      unsafe reference.row(r).update(from: weights.row(r), count: weights.stride)
      watch(r)
      outsiders.append(Int32(r))
    }
    strays += new - old
  }

  // MARK: Building

  /// Makes the index over the weights as they are.
  private func build() {
    if let index { earlier.add(workOf: index.statistics) }
    reference = weights.copy()
    let margin = Float(certificate.margin)
    for r in 0..<weights.rows {
      limits[r] = unsafe budget.limit(
        stride: weights.stride, row: reference.row(r), margin: margin)
      // What has no limit is never left to the index.
      isOutside[r] = !(limits[r] >= 0)
      watch(r)
    }
    listOutsiders()
    strays = 0
    outsiderChecks = 0
    index =
      weights.columns <= Self.mostTreeColumns
      ? PartitionTreeIndex(reference, threads: threads, nonFinite: .decided)
      : CertifiedTileIndex(reference, threads: threads, nonFinite: .decided)
  }

  // MARK: Statistics

  var work: IndexStatistics {
    var work = counters
    work.innerProducts = counters.rechecked
    work.bytesScanned = 4 * weights.stride * counters.rechecked
    for part in [earlier, index?.statistics ?? IndexStatistics()] {
      work.innerProducts += part.innerProducts
      work.rechecked += part.rechecked
      work.bytesScanned += part.bytesScanned
      work.nodesVisited += part.nodesVisited
      work.nodesPruned += part.nodesPruned
    }
    work.memoryBytes =
      (index?.statistics.memoryBytes ?? 0) + reference.byteCount + 9 * weights.rows
      + 4 * (outsiders.count + found.count + beyond.count)
    return work
  }

  var statistics: LookupStatistics {
    var statistics = LookupStatistics()
    statistics.rowsAnswered[strategy] = counters.queries
    statistics.driftQuantiles =
      index == nil
      ? []
      : Drift.quantiles((0..<weights.rows).map { squareOfDisplacement($0).squareRoot() })
    var certificate = certificate
    certificate.largestDisplacement = largestSquare.squareRoot()
    certificate.candidates = counters.rechecked
    certificate.firings = counters.reported
    statistics.certificate = certificate
    return statistics
  }
}
