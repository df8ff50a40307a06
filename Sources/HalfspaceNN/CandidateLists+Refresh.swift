// SPDX-License-Identifier: Apache-2.0
internal import CHalfspace
internal import HalfspaceLinalg
internal import HalfspaceReporting

extension CandidateLists {
  /// The margin of a neuron of which nothing is known.
  static let firstMargin: Float = 0.25

  // MARK: When

  /// Does what is due before a report above `threshold`.
  func prepare(above threshold: Float) {
    if threshold < self.threshold {
      // Nothing is known about lower thresholds.
      becomeMovers(0..<Int32(weights.rows))
      offsets = .init(repeating: 0, count: rowCount + 1)
      self.threshold = -.infinity
      isFull = false
    }
    if isReviewDue, !isFull { review() }
    if isRefreshDue { refresh(above: threshold) }
  }

  /// Whether checking the movers has cost what refreshing them costs beside their queries.
  private var isRefreshDue: Bool {
    guard !movers.isEmpty, !isFull else { return false }
    if listedPairs == 0 || movers.count > weights.rows / 4 { return true }
    return Double(moverChecks * weights.stride) >= MarginCost.merge * Double(listedPairs)
  }

  /// Whether an epoch has passed, and deciding pairs has taken so long that looking at all neurons is
  /// nothing beside it.
  private var isReviewDue: Bool {
    rowsAnswered - reviewedAt >= rowCount
      && counters.rechecked - reviewedPairs >= Self.pairsOfReview * weights.rows
  }

  /// Pairs decided for each neuron that is looked at.
  private static let pairsOfReview = 50

  /// Looks for neurons that have become so slow that a narrower margin pays within two epochs.
  private func review() {
    reviewedAt = rowsAnswered
    reviewedPairs = counters.rechecked
    let cost = cost
    let slow = (0..<Int32(weights.rows)).filter { neuron in
      let r = Int(neuron)
      guard isMover[r] == 0, age(r) >= 1 else { return false }
      let speed = Drift.distance(weights, r, reference, r) / age(r)
      let entries = Double(listed[r])
      let best = cost.best(speed: speed, entries: entries, at: margins[r])
      let present = cost.of(
        margin: margins[r], speed: speed, entries: entries, at: margins[r])
      return best.margin < margins[r]
        && 2 * (present - best.cost) > MarginCost.refresh * Double(rowCount)
    }
    if !slow.isEmpty { becomeMovers(slow) }
  }

  // MARK: Margins

  /// Epochs since a neuron's candidates were taken, at least a little.
  private func age(_ r: Int) -> Double {
    Double(max(1, rowsAnswered - takenAt[r])) / Double(rowCount)
  }

  private var cost: MarginCost { MarginCost(rows: rowCount, threshold: threshold) }

  // MARK: Refreshing

  /// Takes the candidates of all movers anew, above `threshold`.
  private func refresh(above threshold: Float) {
    self.threshold = max(self.threshold, threshold)
    let cost = cost
    var queries = FreshQueries()
    for neuron in movers {
      let r = Int(neuron)
      if listed[r] >= 0 {
        let distance = Drift.distance(weights, r, reference, r)
        margins[r] =
          cost.best(speed: distance / age(r), entries: Double(listed[r]), at: margins[r]).margin
      }
      let limit = unsafe budget.limit(
        stride: weights.stride, row: weights.row(r), margin: margins[r])
      // What has no limit stays a mover.
      if limit >= 0 { queries.append(neuron, limit: limit) }
    }
    // Blocks bound the memory of the reports.
    let block = max(1024, weights.rows / 8)
    var report = FiringReport()
    for start in stride(from: 0, to: queries.neurons.count, by: block) {
      guard !isFull else { break }
      list(queries, start..<min(start + block, queries.neurons.count), &report)
    }
    movers = movers.filter { isMover[Int($0)] == 1 }
    moverChecks = 0
    events.refreshes += 1
  }

  /// Neurons to be refreshed, ascending, and their new limits.
  private struct FreshQueries {
    var neurons: [Int32] = []
    var limits: [Float] = []

    mutating func append(_ neuron: Int32, limit: Float) {
      neurons.append(neuron)
      limits.append(limit)
    }
  }

  /// Asks which training rows a range of movers needs to be listed for, and lists them.
  private func list(_ fresh: FreshQueries, _ range: Range<Int>, _ report: inout FiringReport) {
    let names = Array(fresh.neurons[range])
    let queries = Matrix(rows: names.count, columns: lifted.columns)
    for (k, neuron) in names.enumerated() {
      unsafe queries.row(k).update(from: weights.row(Int(neuron)), count: weights.columns)
      queries[k, weights.columns] = margins[Int(neuron)]
    }
    data.report(queries: queries, rows: 0..<names.count, above: threshold, into: &report)
    isFull = listedPairs + report.count >= Self.mostPairs
    guard !isFull else { return }
    merge(report, names)
    for (k, neuron) in names.enumerated() {
      let r = Int(neuron)
      unsafe reference.row(r).update(from: weights.row(r), count: weights.stride)
      limits[r] = fresh.limits[range.lowerBound + k]
      allowances[r] = limits[r].squareRoot() * (1 - 0x1p-20)
      spent[r] = 0
      listed[r] = Int32(report.range(of: k).count)
      takenAt[r] = rowsAnswered
      isMover[r] = 0
    }
    events.refreshedNeurons += names.count
  }

  /// Puts the pairs of a report over the training rows, query k being neuron names[k], into the
  /// lists, and leaves out what they hold of movers.
  private func merge(_ report: borrowing FiringReport, _ names: [Int32]) {
    let pairs = report.count
    let rows = rowCount
    var counts = [Int32](repeating: 0, count: rows)
    var active = [Int32](repeating: 0, count: min(rows, pairs))
    var starts = [Int32](repeating: 0, count: min(rows, pairs) + 1)
    var positions = [Int32](repeating: 0, count: pairs)
    var values = [Float](repeating: 0, count: pairs)
    let lists = unsafe hs_transpose_report(
      names.count, rows, report.offsets, report.neurons, report.values, &counts, &active,
      &starts, &positions, &values)
    var merged = [Int](repeating: 0, count: rows + 1)
    // Two arrays take turns: memory that is new costs more than the merge.
    let needed = listedPairs + pairs + 1
    if spareIDs.count < needed { spareIDs = .init(repeating: 0, count: needed + needed / 4) }
    _ = unsafe spareIDs.withUnsafeMutableBufferPointer { room in
      unsafe hs_merge_lists(
        rows, offsets, ids, isMover, lists, active, starts, positions, names, &merged,
        room.baseAddress!)
    }
    swap(&ids, &spareIDs)
    if spareIDs.count > Self.mostSparePairs { spareIDs = [] }
    offsets = merged
  }

  /// Entries for which room is kept from merge to merge: 256 MB.
  private static let mostSparePairs = 1 << 26
}
