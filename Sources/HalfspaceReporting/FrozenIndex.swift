// SPDX-License-Identifier: Apache-2.0
public import HalfspaceLinalg
internal import Synchronization

/// Half-space reports over rows that do not move any more, for any number of callers at once.
///
/// ```swift
/// let index = FrozenIndex(weights)
/// var report = FiringReport()
/// index.report(queries: batch, rows: 0..<batch.rows, above: 2.5, into: &report)
/// ```
///
/// Callers share the structures; each brings, from a pool, scratch of its own. It begins with
/// `BruteForceIndex`. Once callers have spent on that what a comparison costs, the structures are
/// compared with the queries that come (`AutomaticIndex`), for each class of batch sizes by itself,
/// and the fastest answers from then on. Who asks meanwhile is answered by brute force. Every
/// structure gives the same report, bit for bit: the choice depends on the clock, reports do not.
///
/// Nothing is allocated for a report once choices are made and the buffers have seen their largest
/// batch.
///
/// - Complexity: that of the chosen structure. Memory: that of the structures in use, and scratch for
///   as many callers as there have been at once.
public final class FrozenIndex: Sendable {
  /// The rows, `[m, d]`, which must not change.
  public let weights: Matrix

  /// By class of batch sizes: the structure chosen, -1 where none is.
  private let chosen: [Choice] = AutomaticIndex.BatchClass.allCases.map { _ in Choice() }
  private let door: Door
  private let structures = Structures()
  private let pool = ScratchPool<Asker>()

  private final class Choice: Sendable {
    let structure = Atomic<Int>(-1)
    /// Floats of rows looked at by brute force.
    let work = Atomic<Int>(0)
  }

  /// What callers share.
  ///
  /// - Note: `Sendable` is unchecked; all but the lock is used by its holder only.
  private final class Structures: @unchecked Sendable {
    let lock = Guarded(())
    var prototypes = [Structure: any ForkableIndex]()
    var comparisons = [AutomaticIndex.BatchClass: Comparison]()
  }

  /// What has been chosen: a structure of `AutomaticIndex`, or brute force as long as none is.
  private enum Structure: Hashable {
    case bruteForce
    case chosen(AutomaticIndex.Structure)
  }

  private struct Comparison {
    let index: AutomaticIndex
    var queries = 0
  }

  /// A comparison takes some ten milliseconds; so do about as many floats by brute force.
  private let patience: Int
  /// Below this many floats brute force takes less time than thinking about it.
  private static let smallestSize = 1 << 13

  /// An index over `weights`, which must be finite. O(m d); the first report makes the norms.
  public convenience init(_ weights: Matrix) { self.init(weights, nonFinite: .refused) }

  /// As the public initializer; says what becomes of rows and queries that are not finite.
  package convenience init(_ weights: Matrix, nonFinite: NonFiniteNumbers) {
    self.init(weights, patience: 1 << 28, nonFinite: nonFinite)
  }

  /// As the public initializer; tests have less patience.
  init(_ weights: Matrix, patience: Int, nonFinite: NonFiniteNumbers = .refused) {
    precondition(weights.rows <= Int(Int32.max), "\(weights.rows) rows exceed 32-bit numbers")
    door = Door(nonFinite)
    door.check(rows: weights)
    self.weights = weights
    self.patience = patience
  }

  /// What answers batches of a size; nil while that has not been decided.
  public func choice(forBatchesOf queries: Int) -> AutomaticIndex.Structure? {
    let number = chosen[AutomaticIndex.BatchClass(of: queries).rawValue].structure
      .load(ordering: .acquiring)
    return AutomaticIndex.Structure(rawValue: number)
  }

  // MARK: Reports

  /// Answers queries `rows` of `queries` as `HalfSpaceIndex.report` does.
  public func report(
    queries: Matrix, rows: Range<Int>, above threshold: Float, into report: inout FiringReport
  ) {
    door.check(queries: queries, rows: rows, count: weights.rows, dimension: weights.columns)
    if let structure = choice(forBatchesOf: rows.count) {
      ask(.chosen(structure), queries, rows, above: threshold, into: &report)
      return
    }
    let size = weights.rows * weights.stride
    guard size >= Self.smallestSize, threshold.isFinite, !rows.isEmpty else {
      ask(.bruteForce, queries, rows, above: threshold, into: &report)
      return
    }
    let batchClass = AutomaticIndex.BatchClass(of: rows.count)
    let work = chosen[batchClass.rawValue].work
      .wrappingAdd(size * rows.count, ordering: .relaxed).newValue
    guard work > patience else {
      ask(.bruteForce, queries, rows, above: threshold, into: &report)
      return
    }
    let isAnswered = compare(batchClass, queries, rows, above: threshold, into: &report)
    if !isAnswered { ask(.bruteForce, queries, rows, above: threshold, into: &report) }
  }

  /// Makes the choice for batches of the size of `queries` now, with them, rather than after some
  /// waiting; some dozens of typical queries serve best. O(m d) and some ten milliseconds.
  public func prepare(forBatchesOf size: Int, like queries: Matrix, above threshold: Float) {
    precondition(size > 0 && queries.rows > 0, "batches of \(size), \(queries.rows) queries")
    door.check(
      queries: queries, rows: 0..<queries.rows, count: weights.rows, dimension: weights.columns)
    let batchClass = AutomaticIndex.BatchClass(of: size)
    guard weights.rows * weights.stride >= Self.smallestSize, threshold.isFinite else { return }
    var report = FiringReport()
    let range = 0..<min(size, queries.rows)
    structures.lock.withLock { _ in
      guard choice(forBatchesOf: size) == nil else { return }
      let index = AutomaticIndex(weights, sampleQueries: queries, nonFinite: .decided)
      index.report(queries: queries, rows: range, above: threshold, into: &report)
      adopt(index, batchClass, range.count)
    }
  }

  /// Answers while comparing; false, and nothing done, when another caller is at it.
  private func compare(
    _ batchClass: AutomaticIndex.BatchClass, _ queries: Matrix, _ rows: Range<Int>,
    above threshold: Float, into report: inout FiringReport
  ) -> Bool {
    let isDone: Void? = structures.lock.withLockIfAvailable { _ in
      let index =
        structures.comparisons[batchClass]?.index ?? AutomaticIndex(weights, nonFinite: .decided)
      index.report(queries: queries, rows: rows, above: threshold, into: &report)
      let seen = (structures.comparisons[batchClass]?.queries ?? 0) + rows.count
      structures.comparisons[batchClass] = Comparison(index: index, queries: seen)
      if seen >= AutomaticIndex.Watch.enoughQueries {
        adopt(index, batchClass, rows.count)
      }
    }
    return isDone != nil
  }

  private func adopt(
    _ index: AutomaticIndex, _ batchClass: AutomaticIndex.BatchClass, _ size: Int
  ) {
    guard let structure = index.choice(forBatchesOf: size)?.structure else { return }
    structures.comparisons[batchClass] = nil
    structures.prototypes[.chosen(structure)] = index.heldIndex(structure)
    chosen[batchClass.rawValue].structure.store(structure.rawValue, ordering: .releasing)
  }

  private func ask(
    _ structure: Structure, _ queries: Matrix, _ rows: Range<Int>, above threshold: Float,
    into report: inout FiringReport
  ) {
    let asker = pool.take { Asker() }
    if asker.forks[structure] == nil { addFork(structure, to: asker) }
    var index = asker.forks[structure]!
    index.report(queries: queries, rows: rows, above: threshold, into: &report)
    pool.give(asker)
  }

  private func addFork(_ structure: Structure, to asker: Asker) {
    structures.lock.withLock { _ in
      // What has been chosen has been made.
      let prototype =
        structures.prototypes[structure] ?? BruteForceIndex(weights, nonFinite: .decided)
      structures.prototypes[structure] = prototype
      asker.forks[structure] = prototype.fork()
    }
  }

  /// One caller's structures, with their scratch.
  ///
  /// - Note: `Sendable` is unchecked; an asker belongs to one caller at a time.
  private final class Asker: @unchecked Sendable {
    var forks: [Structure: any ForkableIndex] = [:]
  }
}

/// An index that can be asked by several callers at once, each through a fork of its own, as long as
/// no row moves.
protocol ForkableIndex: AnyObject, HalfSpaceIndex {
  /// The statistics without the memory, which takes some time to add up.
  var work: IndexStatistics { get }
  /// An index over the same structure, shared, with scratch of its own. O(1), or little more.
  func fork() -> Self
}
