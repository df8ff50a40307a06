// SPDX-License-Identifier: Apache-2.0

/// The answer to a batch of half-space queries, in compressed sparse row form.
///
/// ```
/// offsets   0      3   4              queryCount + 1 numbers, offsets[0] = 0
///           |      |   |
/// neurons   2 7 9 | 7 |               ascending within a query
/// values    .1 .4 .2 | .3 |           <w, x> - b of each pair, positive
/// ```
///
/// Query `q` fires neurons `neurons[offsets[q]..<offsets[q + 1]]`. The buffers grow as needed and
/// keep their room: refilling a report allocates nothing once it has seen its largest batch.
///
/// `FiringReport` (32-bit row numbers) is what indexes over stored rows give;
/// `InitialReport` (64-bit) is what initial weights of any width give.
@safe
public struct CSRReport<Neuron: FixedWidthInteger & Sendable>: ~Copyable, @unchecked Sendable {
  /// Number of queries answered.
  public private(set) var queryCount = 0
  /// Number of reported pairs.
  public private(set) var count = 0

  private var queryCapacity = 0
  private var capacity = 0
  @unsafe private var offsetStorage: UnsafeMutablePointer<Int>
  @unsafe private var neuronStorage: UnsafeMutablePointer<Neuron>
  @unsafe private var valueStorage: UnsafeMutablePointer<Float>

  /// An empty report with room for `queries` queries and `pairs` pairs.
  public init(queries: Int = 0, pairs: Int = 0) {
    precondition(queries >= 0 && pairs >= 0, "room for \(queries) queries, \(pairs) pairs")
    queryCapacity = queries
    capacity = pairs
    unsafe offsetStorage = .allocate(capacity: queries + 1)
    unsafe neuronStorage = .allocate(capacity: max(1, pairs))
    unsafe valueStorage = .allocate(capacity: max(1, pairs))
    unsafe offsetStorage[0] = 0
  }

  deinit {
    unsafe offsetStorage.deallocate()
    unsafe neuronStorage.deallocate()
    unsafe valueStorage.deallocate()
  }

  // MARK: Reading

  /// `queryCount + 1` ascending positions; query `q` owns `offsets[q]..<offsets[q + 1]`.
  @unsafe public var offsets: UnsafePointer<Int> { unsafe UnsafePointer(offsetStorage) }
  /// The reported neurons, ascending within a query; `count` numbers.
  @unsafe public var neurons: UnsafePointer<Neuron> { unsafe UnsafePointer(neuronStorage) }
  /// `<w, x> - b` of every reported pair; `count` numbers.
  @unsafe public var values: UnsafePointer<Float> { unsafe UnsafePointer(valueStorage) }

  /// The values as they may be changed in place, by whoever makes something else of them.
  @unsafe public var pairValues: UnsafeMutablePointer<Float> {
    mutating get { unsafe valueStorage }
  }

  /// Positions of the pairs of one query.
  public func range(of query: Int) -> Range<Int> {
    precondition(query >= 0 && query < queryCount, "query \(query) of \(queryCount)")
    return unsafe offsetStorage[query]..<offsetStorage[query + 1]
  }

  /// Neurons that fire on one query, ascending, copied. For inspection and tests.
  public func neurons(of query: Int) -> [Neuron] {
    range(of: query).map { unsafe neuronStorage[$0] }
  }

  /// `<w, x> - b` for the neurons of one query, copied. For inspection and tests.
  public func values(of query: Int) -> [Float] {
    range(of: query).map { unsafe valueStorage[$0] }
  }

  // MARK: Filling, in the order of the queries

  /// Forgets all queries, keeps the room.
  public mutating func removeAll() {
    queryCount = 0
    count = 0
  }

  /// Makes room for `additional` more pairs and returns where they are to be written; pairs
  /// count only once `commit(_:)` says so. The pointers are good until the next call.
  @unsafe public mutating func reserve(
    _ additional: Int
  ) -> (neurons: UnsafeMutablePointer<Neuron>, values: UnsafeMutablePointer<Float>) {
    let needed = count + additional
    if needed > capacity {
      let larger = max(needed, capacity + capacity / 2)
      unsafe neuronStorage = Self.grow(neuronStorage, count, to: larger)
      unsafe valueStorage = Self.grow(valueStorage, count, to: larger)
      capacity = larger
    }
    return unsafe (neuronStorage + count, valueStorage + count)
  }

  /// Counts `written` pairs, just written where `reserve(_:)` pointed, to the current query.
  public mutating func commit(_ written: Int) {
    precondition(written >= 0 && count + written <= capacity, "\(written) pairs, no room")
    count += written
  }

  /// Ends the current query: its pairs are those committed since the last call.
  public mutating func endQuery() {
    if queryCount == queryCapacity {
      let larger = max(16, queryCapacity * 2)
      unsafe offsetStorage = Self.grow(offsetStorage, queryCount + 1, to: larger + 1)
      queryCapacity = larger
    }
    unsafe offsetStorage[0] = 0
    queryCount += 1
    unsafe offsetStorage[queryCount] = count
  }

  /// Appends all queries of `other`, as if they had been asked here.
  public mutating func append(_ other: borrowing CSRReport) {
    let start = count
    let room = unsafe reserve(other.count)
    unsafe room.neurons.update(from: other.neuronStorage, count: other.count)
    unsafe room.values.update(from: other.valueStorage, count: other.count)
    for query in 0..<other.queryCount {
      count = unsafe start + other.offsetStorage[query + 1]
      endQuery()
    }
  }

  private static func grow<T>(
    _ old: UnsafeMutablePointer<T>, _ used: Int, to capacity: Int
  ) -> UnsafeMutablePointer<T> {
    let new = UnsafeMutablePointer<T>.allocate(capacity: max(1, capacity))
    unsafe new.update(from: old, count: used)
    unsafe old.deallocate()
    return unsafe new
  }
}

/// A report over stored rows (materialized neurons).
public typealias FiringReport = CSRReport<Int32>

/// A report over initial weights, whose number of rows may exceed 2^31.
public typealias InitialReport = CSRReport<Int64>
