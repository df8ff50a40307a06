// SPDX-License-Identifier: Apache-2.0
internal import CHalfspace
internal import HalfspaceLinalg

// Moves: an account for each row of how far it may have gone, and the exact distance from its reference
// when that says too far.

extension CandidateLists {
  // A row of few coordinates is measured as fast as its account is kept, if it is in the cache.
  var wantsDisplacements: Bool {
    weights.stride >= 64 || weights.byteCount >= Self.uncachedBytes
  }

  private static let uncachedBytes = 3 << 19

  func update(rows: UnsafeBufferPointer<Int32>, displacements: UnsafeBufferPointer<Float>?) {
    guard let moving = rows.baseAddress, rows.count > 0 else { return }
    unsafe fast.update(rows: rows, displacements: displacements?.baseAddress)
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
    let suspected = unsafe spend(rows.count, moving, bounds)
    guard suspected > 0 else { return }
    unsafe measure(suspected, suspects)
    for neuron in suspects[..<suspected] where isMover[Int(neuron)] == 0 {
      let r = Int(neuron)
      spent[r] = Drift.upperBound(
        Drift.distance(weights, r, reference, r), stride: weights.stride)
    }
  }

  /// Takes bounds of moves from what rows may go; `suspects` begins with those that have gone too far,
  /// whose number comes back.
  private func spend(
    _ count: Int, _ rows: UnsafePointer<Int32>, _ distances: UnsafePointer<Float>
  ) -> Int {
    let list = unsafe MovedRows(rows: rows, distances: distances)
    return unsafe spent.withUnsafeMutableBufferPointer { spent in
      let spending = unsafe Spending(spent: spent.baseAddress!)
      return unsafe suspects.withUnsafeMutableBufferPointer { suspects in
        unsafe parallelFilter(
          count, parts: SparseStep.workers(for: count * Self.workOfSpending, of: threads),
          room: suspects.baseAddress!
        ) { [allowances] range, suspects in
          unsafe hs_spend_f32(
            range.count, list.rows + range.lowerBound, list.distances! + range.lowerBound,
            spending.spent, allowances, suspects)
        }
      }
    }
  }

  /// What spending takes of the time of a multiplication and addition.
  private static let workOfSpending = 16

  /// A list that the parts of a parallel loop read.
  @unsafe private struct MovedRows: @unchecked Sendable {
    let rows: UnsafePointer<Int32>
    let distances: UnsafePointer<Float>?
  }

  /// What rows have spent: each part writes its own rows.
  @unsafe private struct Spending: @unchecked Sendable {
    let spent: UnsafeMutablePointer<Float>
  }

  /// Compares rows with their references; those beyond their limit become movers.
  func measure(_ count: Int, _ rows: UnsafePointer<Int32>) {
    let list = unsafe MovedRows(rows: rows, distances: nil)
    let found = unsafe moved.withUnsafeMutableBufferPointer { moved in
      unsafe parallelFilter(
        count, parts: SparseStep.workers(for: count * weights.stride, of: threads),
        room: moved.baseAddress!
      ) { [weights, reference, limits] range, moved in
        unsafe hs_moved_beyond_f32(
          range.count, list.rows + range.lowerBound, weights.stride, weights.pointer,
          reference.pointer, limits, moved)
      }
    }
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
    movers = Self.merged(movers, Array(new))
  }

  func grow(to weights: Matrix) {
    let old = reference.rows
    let new = weights.rows
    fast.grow(to: weights)
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
}
