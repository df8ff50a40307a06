// SPDX-License-Identifier: Apache-2.0
internal import HalfspaceLinalg

/// The answer to a batch of half-space queries row by row: what a `FiringReport` lists query by
/// query, in the order in which a training step moves neurons.
///
/// ```
/// neurons   2 2 7 | 9 |        ascending
/// queries   0 5 2 | 5 |        ascending for each neuron
/// values    .1 .2 .4 .3        <w, x> - b of each pair, positive
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

  /// What kernels write behind the last pair.
  private static let overrun = 16

  /// No pairs.
  package init() {
    unsafe neuronStorage = .allocate(capacity: 0)
    unsafe queryStorage = .allocate(capacity: 0)
    unsafe valueStorage = .allocate(capacity: 0)
  }

  deinit {
    unsafe neuronStorage.deallocate()
    unsafe queryStorage.deallocate()
    unsafe valueStorage.deallocate()
  }

  /// The neuron of every pair; `count` numbers.
  @unsafe package var neurons: UnsafePointer<Int32> { unsafe UnsafePointer(neuronStorage) }
  /// The query of every pair; `count` numbers.
  @unsafe package var queries: UnsafePointer<Int32> { unsafe UnsafePointer(queryStorage) }
  /// `<w, x> - b` of every pair; `count` numbers.
  @unsafe package var values: UnsafePointer<Float> { unsafe UnsafePointer(valueStorage) }

  /// Bytes held.
  package var byteCount: Int { 12 * capacity }

  /// Forgets all pairs, keeps the room.
  package mutating func removeAll() { count = 0 }

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
  }

  /// Appends the pairs of `other`, whose neurons come later.
  package mutating func append(_ other: borrowing PairReport) {
    let room = unsafe reserve(other.count)
    unsafe room.neurons.update(from: other.neuronStorage, count: other.count)
    unsafe room.queries.update(from: other.queryStorage, count: other.count)
    unsafe room.values.update(from: other.valueStorage, count: other.count)
    commit(other.count)
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
