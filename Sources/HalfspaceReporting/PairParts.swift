// SPDX-License-Identifier: Apache-2.0
internal import CHalfspace
internal import Glibc
internal import HalfspaceLinalg

/// The answer to a batch row by row, in parts: ranges of rows that threads look through at the same time, each
/// with its pairs.
///
/// ```
/// places   0    40    80    120    160    where shards of the rows begin
/// parts    0..<70     | 70..<160          as many as threads are worth it, that take equally long
/// pairs    2 7 7 53   | 75 81 99          grouped, of each part
/// ```
///
/// From loop to loop, and from report to report, a thread has the same rows, and what it has found in them: they
/// stay in its cache. Each part writes lines of memory of its own.
///
/// - Note: `Sendable` is unchecked. A task writes its own part; everything else is done by one thread, while
///   no task runs.
@safe package final class PairParts: @unchecked Sendable {
  /// What a part has come to.
  package struct Part: ~Copyable {
    package var pairs = PairReport()
    /// Pairs that were decided.
    package var checked = 0
    var work = TileWork()
    /// When the pairs were there, by some clock, and seconds that tasks have had the part since the division.
    fileprivate var foundAt = 0.0
    fileprivate var seconds = 0.0
  }

  /// A number of pairs and of neurons.
  package typealias Size = (pairs: Int, neurons: Int)

  /// Row numbers at which shards begin, ascending from 0 to the number of rows; none: there are none.
  package var places: [Int] = []
  /// All rows as one part, and the last division into several.
  private var whole = PartDivision()
  private var division = PartDivision()
  private var isWhole = true
  private var starts: [Size] = []
  /// The pairs of several parts, where they are wanted by query.
  private var joined = PairReport()
  /// Seconds of what was done with the parts, in the last `run`, after they were there.
  package private(set) var secondsAfter = 0.0
  @unsafe private var memory: UnsafeMutableRawPointer
  private var capacity = 0

  /// Two lines may be fetched together.
  private static let line = 128
  private static let partSize = (MemoryLayout<Part>.size + line - 1) / line * line
  /// Bytes from part to part: behind each is the word of the shard in which it begins.
  private static let stride = partSize + line

  /// No parts.
  package init() { unsafe memory = AlignedMemory.allocate(byteCount: 0) }

  deinit {
    for number in 0..<capacity { unsafe self[number].deinitialize(count: 1) }
    unsafe memory.deallocate()
  }

  // MARK: Division

  /// Number of parts.
  package var count: Int { isWhole ? whole.ranges.count : division.ranges.count }

  /// The rows of a part.
  package func range(of part: Int) -> Range<Int> {
    isWhole ? whole.ranges[part] : division.ranges[part]
  }

  /// The shards that a part has rows of.
  package func shards(of part: Int) -> Range<Int> {
    isWhole ? whole.shards[part] : division.shards[part]
  }

  /// Divides so many rows into at most `most` parts; one at least. Where parts have taken longer than others, the
  /// bounds between them have moved.
  package func divide(_ rows: Int, into most: Int) {
    secondsAfter = 0
    isWhole = most <= 1
    guard !isWhole else {
      if !whole.isSame(rows, 1, places) { whole = PartDivision(rows, into: 1, places: places) }
      return reserve()
    }
    if division.isSame(rows, most, places) {
      division.balance { unsafe self[$0].pointee.seconds }
    } else {
      division = PartDivision(rows, into: most, places: places)
      reserve()
    }
    for part in 0..<count {
      unsafe self[part].pointee.seconds = 0
      unsafe word(of: part).pointee = 0
    }
  }

  private func reserve() {
    guard count > capacity else { return }
    let larger = unsafe AlignedMemory.allocate(byteCount: count * Self.stride)
    for number in 0..<count {
      let room = unsafe (larger + number * Self.stride).bindMemory(to: Part.self, capacity: 1)
      if number < capacity {
        unsafe room.moveInitialize(from: self[number], count: 1)
      } else {
        unsafe room.initialize(to: Part())
      }
      unsafe (larger + number * Self.stride + Self.partSize).bindMemory(to: Int32.self, capacity: 1)
        .initialize(to: 0)
    }
    unsafe memory.deallocate()
    unsafe memory = larger
    capacity = count
  }

  // MARK: Parts

  /// A part, which one task at a time has.
  @unsafe package subscript(_ part: Int) -> UnsafeMutablePointer<Part> {
    unsafe (memory + part * Self.stride).assumingMemoryBound(to: Part.self)
  }

  /// What tasks tell each other of the shard of which a part has the rear, and the one before the front, see
  /// `hs_forward_pairs_f32`; nil where the part begins with a shard.
  @unsafe package func sharedShard(before part: Int) -> UnsafeMutablePointer<Int32>? {
    guard !isWhole, part < count, division.isSplit[part] else { return nil }
    return unsafe word(of: part)
  }

  @unsafe private func word(of part: Int) -> UnsafeMutablePointer<Int32> {
    unsafe (memory + part * Self.stride + Self.partSize).assumingMemoryBound(to: Int32.self)
  }

  /// Has `find` look through each part, and then `next` go on with it, while it is in a thread's cache.
  package func run(
    threads: Int, _ find: @Sendable (_ part: Int) -> Void,
    then next: @Sendable (_ part: Int) -> Void
  ) {
    secondsAfter = 0
    guard count > 1 else {
      find(0)
      next(0)
      return
    }
    runTimed(threads: threads) { part in
      find(part)
      if part == 0 { unsafe self[0].pointee.foundAt = Self.now }
      next(part)
    }
    secondsAfter = unsafe Self.now - self[0].pointee.foundAt
  }

  /// Has `body` do something with each part, which takes longer in some than in others.
  package func runTimed(threads: Int, _ body: @Sendable (_ part: Int) -> Void) {
    parallelFor(count, threads: threads) { part in
      let start = Self.now
      body(part)
      unsafe self[part].pointee.seconds += Self.now - start
    }
  }

  private static var now: Double {
    var time = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + 1e-9 * Double(time.tv_nsec)
  }

  // MARK: All of them

  /// Pairs and neurons of all parts, which are grouped. Looks at each part: `start(of:)` is known from then on.
  package var total: Size {
    starts.removeAll(keepingCapacity: true)
    var sum: Size = (0, 0)
    for part in 0..<count {
      starts.append(sum)
      unsafe sum.pairs += self[part].pointee.pairs.count
      unsafe sum.neurons += self[part].pointee.pairs.activeCount
    }
    return sum
  }

  /// Pairs and neurons of the parts before one, when `total` was last asked for.
  package func start(of part: Int) -> Size { starts[part] }

  /// Appends the pairs to `report`, query by query. O(pairs + queries).
  package func list(queries: Int, threads: Int, into report: inout FiringReport) {
    guard count > 1 else {
      return unsafe self[0].pointee.pairs.list(queries: queries, into: &report)
    }
    joined.gather(self, threads: threads)
    joined.list(queries: queries, into: &report)
  }

  /// Pairs that were decided.
  package var checked: Int { (0..<count).reduce(0) { unsafe $0 + self[$1].pointee.checked } }

  /// What reports over tiles have cost.
  var work: TileWork {
    var sum = TileWork()
    for part in 0..<count { unsafe sum += self[part].pointee.work }
    return sum
  }

  /// Bytes held.
  package var byteCount: Int {
    (0..<capacity).reduce(joined.byteCount) {
      unsafe $0 + self[$1].pointee.pairs.byteCount + Self.stride
    }
  }
}
