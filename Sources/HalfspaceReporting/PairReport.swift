// SPDX-License-Identifier: Apache-2.0
internal import CHalfspace
internal import HalfspaceLinalg

/// The answer to a batch of half-space queries row by row: what a `FiringReport` lists query by
/// query, in the order in which a training step moves neurons.
///
/// ```
/// neurons   2 2 7 | 9 |        ascending
/// queries   0 5 2 | 5 |        ascending for each neuron
/// values    .1 .2 .4 .3        <w, x> - b of each pair, positive
///
/// active    2     7   9        the neurons, once each, when the pairs are grouped
/// starts    0     2   3   4    where the pairs of each begin
/// ```
///
/// The buffers grow as needed and keep their room.
@safe
package struct PairReport: ~Copyable, @unchecked Sendable {
  /// Number of reported pairs.
  package private(set) var count = 0
  private var capacity = 0
  @unsafe private var neuronStorage: UnsafeMutablePointer<Int32>
  @unsafe private var queryStorage: UnsafeMutablePointer<Int32>
  @unsafe private var valueStorage: UnsafeMutablePointer<Float>
  /// Number of neurons; nil where pairs are not grouped.
  private var groups: Int?
  private var groupCapacity = 0
  @unsafe private var activeStorage: UnsafeMutablePointer<Int32>
  @unsafe private var startStorage: UnsafeMutablePointer<Int32>
  /// Where queries end.
  private var ends: [Int] = []

  /// What kernels write behind the last pair.
  private static let overrun = 16

  /// No pairs.
  package init() {
    unsafe neuronStorage = .allocate(capacity: 0)
    unsafe queryStorage = .allocate(capacity: 0)
    unsafe valueStorage = .allocate(capacity: 0)
    unsafe activeStorage = .allocate(capacity: 0)
    unsafe startStorage = .allocate(capacity: 0)
  }

  deinit {
    unsafe neuronStorage.deallocate()
    unsafe queryStorage.deallocate()
    unsafe valueStorage.deallocate()
    unsafe activeStorage.deallocate()
    unsafe startStorage.deallocate()
  }

  /// The neuron of every pair; `count` numbers.
  @unsafe package var neurons: UnsafePointer<Int32> { unsafe UnsafePointer(neuronStorage) }
  /// The query of every pair; `count` numbers.
  @unsafe package var queries: UnsafePointer<Int32> { unsafe UnsafePointer(queryStorage) }
  /// `<w, x> - b` of every pair; `count` numbers.
  @unsafe package var values: UnsafePointer<Float> { unsafe UnsafePointer(valueStorage) }

  /// Whether the neurons are known once each.
  package var isGrouped: Bool { groups != nil }
  /// Number of neurons of grouped pairs.
  package var activeCount: Int { groups ?? 0 }
  /// The neurons of grouped pairs, ascending; `activeCount` numbers.
  @unsafe package var active: UnsafePointer<Int32> { unsafe UnsafePointer(activeStorage) }
  /// Where the pairs of each neuron begin; `activeCount + 1` numbers.
  @unsafe package var starts: UnsafePointer<Int32> { unsafe UnsafePointer(startStorage) }

  /// Bytes held.
  package var byteCount: Int { 12 * capacity + 8 * groupCapacity }

  /// Forgets all pairs, keeps the room.
  package mutating func removeAll() {
    count = 0
    groups = nil
  }

  /// Where pairs are written.
  @unsafe package struct Room {
    package let neurons: UnsafeMutablePointer<Int32>
    package let queries: UnsafeMutablePointer<Int32>
    package let values: UnsafeMutablePointer<Float>
  }

  /// Makes room for `additional` more pairs, and for what kernels write behind them; pairs count
  /// only once `commit(_:)` says so. The pointers are good until the next call.
  @unsafe package mutating func reserve(_ additional: Int) -> Room {
    let needed = count + additional + Self.overrun
    if needed > capacity {
      capacity = max(needed, capacity + capacity / 2)
      unsafe neuronStorage = Self.grow(neuronStorage, count, to: capacity)
      unsafe queryStorage = Self.grow(queryStorage, count, to: capacity)
      unsafe valueStorage = Self.grow(valueStorage, count, to: capacity)
    }
    return unsafe Room(
      neurons: neuronStorage + count, queries: queryStorage + count, values: valueStorage + count)
  }

  /// Counts `written` pairs, just written where `reserve(_:)` pointed.
  package mutating func commit(_ written: Int) {
    precondition(
      written >= 0 && count + written + Self.overrun <= capacity, "\(written) pairs, no room")
    count += written
    groups = nil
  }

  // MARK: Groups

  /// Finds the neurons of the pairs. O(pairs).
  package mutating func group() {
    let room = unsafe reserveGroups(count)
    commitGroups(unsafe hs_group_pairs(count, neuronStorage, room.active, room.starts))
  }

  /// Makes room for so many neurons, and for what kernels write behind them; they count only once
  /// `commitGroups(_:)` says so.
  @unsafe package mutating func reserveGroups(
    _ most: Int
  ) -> (active: UnsafeMutablePointer<Int32>, starts: UnsafeMutablePointer<Int32>) {
    let needed = most + 1 + Self.overrun
    if needed > groupCapacity {
      groupCapacity = needed + needed / 4
      unsafe activeStorage.deallocate()
      unsafe startStorage.deallocate()
      unsafe activeStorage = .allocate(capacity: groupCapacity)
      unsafe startStorage = .allocate(capacity: groupCapacity)
    }
    return unsafe (activeStorage, startStorage)
  }

  /// Counts the neurons of the pairs, just written where `reserveGroups(_:)` pointed.
  package mutating func commitGroups(_ found: Int) {
    precondition(found >= 0 && found < groupCapacity, "\(found) neurons, no room")
    groups = found
  }

  // MARK: Dropping

  /// Forgets the pairs of neurons less than `first`, which are few: all others are moved.
  mutating func drop(below first: Int) {
    let dropped = position(of: first)
    guard dropped > 0 else { return }
    count -= dropped
    groups = nil
    unsafe neuronStorage.update(from: neuronStorage + dropped, count: count)
    unsafe queryStorage.update(from: queryStorage + dropped, count: count)
    unsafe valueStorage.update(from: valueStorage + dropped, count: count)
  }

  /// Forgets the pairs of neurons that are at least `end`.
  mutating func drop(from end: Int) {
    count = position(of: end)
    groups = nil
  }

  /// The first pair whose neuron is at least `neuron`.
  private func position(of neuron: Int) -> Int {
    var (low, high) = (0, count)
    while low < high {
      let middle = (low + high) / 2
      if unsafe Int(neuronStorage[middle]) < neuron { low = middle + 1 } else { high = middle }
    }
    return low
  }

  // MARK: Parts

  /// Takes the place of the grouped reports of all parts, in their order. O(pairs).
  package mutating func gather(_ parts: PairParts, threads: Int) {
    removeAll()
    let total = parts.total
    let whole = unsafe reserve(total.pairs)
    let groups = unsafe reserveGroups(total.neurons)
    let to = unsafe Target(
      neurons: whole.neurons, queries: whole.queries, values: whole.values, active: groups.active,
      starts: groups.starts)
    let isLong = total.pairs >= Self.pairsWorthATask
    parallelFor(parts.count, threads: isLong ? threads : 1) { number in
      let start = parts.start(of: number)
      unsafe to.copy(parts[number].pointee.pairs, pair: start.pairs, neuron: start.neurons)
    }
    unsafe groups.starts[total.neurons] = Int32(total.pairs)
    commit(total.pairs)
    commitGroups(total.neurons)
  }

  /// Pairs that take longer to copy than it takes to hand them over.
  private static let pairsWorthATask = 1 << 11

  /// Where parts are copied to; each writes its own range.
  @unsafe private struct Target: @unchecked Sendable {
    let neurons: UnsafeMutablePointer<Int32>
    let queries: UnsafeMutablePointer<Int32>
    let values: UnsafeMutablePointer<Float>
    let active: UnsafeMutablePointer<Int32>
    let starts: UnsafeMutablePointer<Int32>

    func copy(_ part: borrowing PairReport, pair: Int, neuron: Int) {
      unsafe (neurons + pair).update(from: part.neurons, count: part.count)
      unsafe (queries + pair).update(from: part.queries, count: part.count)
      unsafe (values + pair).update(from: part.values, count: part.count)
      unsafe (active + neuron).update(from: part.active, count: part.activeCount)
      let begin = Int32(truncatingIfNeeded: pair)
      for k in 0..<part.activeCount { unsafe starts[neuron + k] = part.starts[k] + begin }
    }
  }

  // MARK: Queries

  /// Appends the pairs to `report`, query by query. O(pairs + queries).
  package mutating func list(queries: Int, into report: inout FiringReport) {
    if ends.count < queries + 1 { ends = .init(repeating: 0, count: queries + 1) }
    let room = unsafe report.reserve(count)
    unsafe hs_pairs_by_query(
      queries, count, neuronStorage, queryStorage, valueStorage, &ends, room.neurons, room.values)
    for query in 0..<queries {
      report.commit(ends[query + 1] - ends[query])
      report.endQuery()
    }
  }

  private static func grow<T>(
    _ old: UnsafeMutablePointer<T>, _ used: Int, to capacity: Int
  ) -> UnsafeMutablePointer<T> {
    let new = unsafe AlignedMemory.allocate(T.self, capacity: capacity)
    unsafe new.update(from: old, count: used)
    unsafe old.deallocate()
    return unsafe new
  }
}
