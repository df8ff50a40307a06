// SPDX-License-Identifier: Apache-2.0
internal import CHalfspace
internal import HalfspaceLinalg
internal import HalfspaceReporting

// Narrower margins without asking the data anew. A list taken with some margin holds, for the same
// reference, whatever a narrower one asks for: a pair that was left out then does not fire while the
// displacement is within the wide limit, so neither while it is within the narrow one. What is listed
// is decided again with the narrow margin, by the same product of lifted rows that a refresh asks
// for; the pairs left out by that are those which `DriftBudget` speaks of.

extension CandidateLists {
  /// Pairs decided for each neuron that is looked at in a review.
  private static let pairsOfReview = 150
  /// Epochs that a speed is taken from, at least.
  private static let leastAge = 0.5
  /// Epochs that deciding all lists again has to pay within.
  private static let horizon = 6.0

  /// Whether half an epoch has passed, and deciding pairs has taken so long that looking at all
  /// neurons is nothing beside it.
  var isReviewDue: Bool {
    2 * (rowsAnswered - reviewedAt) >= rowCount && listedPairs > 0
      && listChecks >= Self.pairsOfReview * weights.rows
  }

  /// Looks for neurons that turned out slower than their margins are wide, and narrows these if the
  /// lists get so much shorter that it pays. O(M d), and O(d) for each listed pair if it does.
  func review(above threshold: Float) {
    reviewedAt = rowsAnswered
    listChecks = 0
    let cost = cost
    var slow: [(neuron: Int32, margin: Float)] = []
    var saved = 0.0
    for (r, margin) in narrowerMargins(cost).enumerated() where margin < margins[r] {
      slow.append((Int32(r), margin))
      let entries = Double(listed[r])
      saved += entries - cost.entries(at: margin, of: entries, at: margins[r])
    }
    if Self.horizon * saved > Double(listedPairs) { narrow(slow, above: threshold) }
  }

  /// The margins that neurons would have if they got new ones, half of which is left; infinite for those that
  /// have none.
  private func narrowerMargins(_ cost: MarginCost) -> [Float] {
    Self.inParallel(weights.rows, threads: threads) {
      [weights, reference, isMover, listed, margins, ages = ages] r in
      guard isMover[r] == 0, ages.of(r) >= Self.leastAge else { return .infinity }
      let distance = Drift.distance(weights, r, reference, r)
      let best = cost.best(
        speed: distance / ages.of(r), entries: Double(listed[r]), at: margins[r]
      ).margin
      return MarginCost.choices.first { $0 >= best && Double($0) >= 2 * distance } ?? .infinity
    }
  }

  /// Gives these neurons, which ascend and are no movers, narrower margins, and drops what is not
  /// listed with them. The entries of movers go as well.
  func narrow(_ slow: [(neuron: Int32, margin: Float)], above threshold: Float) {
    self.threshold = max(self.threshold, threshold)
    for (neuron, margin) in slow {
      let r = Int(neuron)
      precondition(isMover[r] == 0 && margin <= margins[r], "margin \(margin) of \(margins[r])")
      margins[r] = margin
      let limit = unsafe budget.limit(
        stride: weights.stride, row: reference.row(r), margin: margin)
      setLimit(r, limit)
    }
    decideLists(above: threshold)
    // Those that have gone too far for their narrow margin.
    unsafe measure(slow.count, slow.map(\.neuron))
    events.narrowings += 1
  }

  /// Decides every list anew, by references and margins as they are.
  private func decideLists(above threshold: Float) {
    let rows = Matrix(rows: weights.rows, columns: lifted.columns)
    for r in 0..<weights.rows where isMover[r] == 0 { listed[r] = 0 }
    parallelFor(weights.rows, grain: Self.rowsOfTask, threads: threads) {
      [columns = weights.columns, reference, isMover, margins] range in
      for r in range {
        guard isMover[r] == 0 else {
          // Not listed for any input.
          rows[r, columns] = -.infinity
          continue
        }
        unsafe rows.row(r).update(from: reference.row(r), count: columns)
        rows[r, columns] = margins[r]
      }
    }
    let parts = max(1, min(threads, rowCount, listedPairs / Self.pairsOfTask))
    // Each part has room for all of its entries, and for what kernels write behind them.
    let needed = listedPairs + parts * Self.overrun
    if spareIDs.count < needed { spareIDs = .init(repeating: 0, count: needed) }
    let tasks = (0..<parts).map { part in
      ListDecision(part * rowCount / parts..<(part + 1) * rowCount / parts, neurons: weights.rows)
    }
    unsafe spareIDs.withUnsafeMutableBufferPointer { kept in
      let room = unsafe Room(pointer: kept.baseAddress!)
      parallelFor(parts, threads: parts) { [offsets, ids, lifted] part in
        let first = offsets[tasks[part].rows.lowerBound] + part * Self.overrun
        unsafe tasks[part].decide(
          offsets, ids, by: rows, lifted, above: threshold, into: room.pointer + first)
      }
    }
    counters.innerProducts += listedPairs
    take(tasks)
  }

  /// Puts what tasks have kept of their lists together.
  private func take(_ tasks: [ListDecision]) {
    var written = 0
    unsafe spareIDs.withUnsafeMutableBufferPointer { kept in
      let room = kept.baseAddress!
      for (part, task) in tasks.enumerated() {
        let first = offsets[task.rows.lowerBound] + part * Self.overrun
        unsafe (room + written).update(from: room + first, count: task.ends.last ?? 0)
        tasks[part].begin = written
        written += task.ends.last ?? 0
      }
    }
    for task in tasks {
      for (i, end) in zip(task.rows, task.ends) { offsets[i + 1] = task.begin + end }
      for r in 0..<weights.rows { listed[r] += task.listed[r] }
    }
    swap(&ids, &spareIDs)
    if spareIDs.count > Self.mostSparePairs { spareIDs = [] }
  }

  /// Pairs that take longer to decide than it takes to hand them over.
  private static let pairsOfTask = 1 << 10
  /// Rows that take longer to copy.
  private static let rowsOfTask = 64

  /// Where tasks write, each its own part.
  @unsafe private struct Room: @unchecked Sendable {
    let pointer: UnsafeMutablePointer<Int32>
  }

  /// What a kernel writes behind the last entry.
  fileprivate static let overrun = 16
}

/// The lists of some training rows, decided anew.
///
/// - Note: `Sendable` is unchecked; a decision belongs to one task at a time.
private final class ListDecision: @unchecked Sendable {
  let rows: Range<Int>
  /// Where the lists end, among those decided here, and where these begin among all.
  private(set) var ends: [Int] = []
  var begin = 0
  /// Entries of each neuron.
  private(set) var listed: [Int32]

  init(_ rows: Range<Int>, neurons: Int) {
    self.rows = rows
    listed = .init(repeating: 0, count: neurons)
  }

  /// Keeps, at `room`, what is still listed for the rows.
  func decide(
    _ offsets: [Int], _ ids: [Int32], by neurons: Matrix, _ lifted: Matrix,
    above threshold: Float, into room: UnsafeMutablePointer<Int32>
  ) {
    let longest = rows.reduce(0) { max($0, offsets[$1 + 1] - offsets[$1]) }
    var values = [Float](repeating: 0, count: longest + CandidateLists.overrun)
    var written = 0
    unsafe ids.withUnsafeBufferPointer { ids in
      for i in rows {
        let list = offsets[i]..<offsets[i + 1]
        if !list.isEmpty {
          let count = unsafe hs_recheck_f32(
            list.count, ids.baseAddress! + list.lowerBound, neurons.stride, neurons.pointer,
            lifted.row(i), threshold, room + written, &values)
          for e in 0..<count { listed[unsafe Int(room[written + e])] += 1 }
          written += count
        }
        ends.append(written)
      }
    }
  }
}
