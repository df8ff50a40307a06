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
  private static let pairsOfReview = 100
  /// Epochs that a speed is taken from, at least.
  private static let leastAge = 0.5
  /// Epochs that deciding all lists again has to pay within.
  private static let horizon = 6.0

  /// Whether half an epoch has passed, and deciding pairs has taken so long that looking at all
  /// neurons is nothing beside it.
  var isReviewDue: Bool {
    2 * (rowsAnswered - reviewedAt) >= rowCount && listedPairs > 0
      && counters.rechecked - reviewedPairs >= Self.pairsOfReview * weights.rows
  }

  /// Looks for neurons that turned out slower than their margins are wide, and narrows these if the
  /// lists get so much shorter that it pays. O(M d), and O(d) for each listed pair if it does.
  func review(above threshold: Float) {
    reviewedAt = rowsAnswered
    reviewedPairs = counters.rechecked
    let cost = cost
    var slow: [(neuron: Int32, margin: Float)] = []
    var saved = 0.0
    for r in 0..<weights.rows where isMover[r] == 0 && age(r) >= Self.leastAge {
      let distance = Drift.distance(weights, r, reference, r)
      let entries = Double(listed[r])
      let best = cost.best(speed: distance / age(r), entries: entries, at: margins[r]).margin
      // Half of the margin has to be left.
      guard
        let margin = MarginCost.choices.first(where: { $0 >= best && Double($0) >= 2 * distance }),
        margin < margins[r]
      else { continue }
      slow.append((Int32(r), margin))
      saved += entries - cost.entries(at: margin, of: entries, at: margins[r])
    }
    if Self.horizon * saved > Double(listedPairs) { narrow(slow, above: threshold) }
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
    for r in 0..<weights.rows {
      guard isMover[r] == 0 else {
        // Not listed for any input.
        rows[r, weights.columns] = -.infinity
        continue
      }
      unsafe rows.row(r).update(from: reference.row(r), count: weights.columns)
      rows[r, weights.columns] = margins[r]
      listed[r] = 0
    }
    let needed = listedPairs + Self.overrun
    if spareIDs.count < needed { spareIDs = .init(repeating: 0, count: needed) }
    let longest = (0..<rowCount).reduce(0) { max($0, offsets[$1 + 1] - offsets[$1]) }
    var values = [Float](repeating: 0, count: longest + Self.overrun)
    var written = 0
    unsafe ids.withUnsafeBufferPointer { ids in
      unsafe spareIDs.withUnsafeMutableBufferPointer { kept in
        for i in 0..<rowCount {
          let list = offsets[i]..<offsets[i + 1]
          offsets[i] = written
          guard !list.isEmpty else { continue }
          let room = unsafe kept.baseAddress! + written
          let count = unsafe hs_recheck_f32(
            list.count, ids.baseAddress! + list.lowerBound, rows.stride, rows.pointer,
            lifted.row(i), threshold, room, &values)
          for e in 0..<count { listed[unsafe Int(room[e])] += 1 }
          written += count
        }
      }
    }
    counters.innerProducts += listedPairs
    offsets[rowCount] = written
    swap(&ids, &spareIDs)
    if spareIDs.count > Self.mostSparePairs { spareIDs = [] }
  }

  /// What a kernel writes behind the last entry.
  private static let overrun = 16
}
