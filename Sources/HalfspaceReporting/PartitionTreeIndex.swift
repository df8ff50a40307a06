// SPDX-License-Identifier: Apache-2.0
internal import CHalfspace
public import HalfspaceLinalg

/// Geometric search: a partition tree that discards and reports whole groups of rows at once.
///
/// For rows of few coordinates, or rows near a surface of few dimensions. The work of a query
/// grows like a power of `m` below 1: about 0.5 for Gaussian rows of 4 coordinates, 0.75 for 8
/// (Matoušek's shallow partition trees have `1 - 1 / floor(d / 2)`, `Reporting points in
/// halfspaces`, 1992). Beyond some ten dimensions nearly all rows are looked at.
///
/// Nodes are bounded by a box and a ball: with center `c`, half-widths `h` and radius `R`, all rows
/// of a node have `<w, x>` within `<c, x> ± min(<h, |x|>, R ||x||)`. Bounds carry a proven rounding
/// margin (`NodeMargin`); what they do not decide the canonical inner product does, so the report
/// is that of `BruteForceIndex`, bit for bit.
///
/// A moved row widens the bounds of its tile and of the nodes above it. Bounds are taken again
/// from the rows when as many moves have happened below a node as it has rows. A row that has
/// left its node by far is a *stray*: it is counted at the smallest node in whose original ball it
/// still lies, and when strays are a quarter of the tiles below that node, the subtree is built
/// again; if its tiles are then still larger than they once were, so is the one above. Small moves
/// never rebuild anything.
///
/// An index keeps scratch between calls and allocates nothing once it has seen its largest answer.
/// One report at a time.
///
/// - Complexity: build O(m d log m). Query: O(d) per visited node and looked-at tile, O(k) for the
///   `k` pairs. Memory: about `4.6 d + 10` bytes per row, and the scratch.
public final class PartitionTreeIndex: HalfSpaceIndex, ForkableIndex {
  /// The rows, `[m, d]`, shared with their owner.
  public let weights: Matrix
  /// Threads that a report may use, for different queries; it does not depend on them.
  public let threads: Int

  private let door: Door
  private let tree: PartitionTree
  private var moves: PartitionTreeMoves
  private var workers = [PartitionTreeWorker()]
  private(set) var work = IndexStatistics()

  /// An index over `weights` as they are, which must be finite. O(m d log m).
  public convenience init(_ weights: Matrix, threads: Int = 1) {
    self.init(weights, threads: threads, nonFinite: .refused)
  }

  /// As the public initializer; says what becomes of rows and queries that are not finite.
  package convenience init(_ weights: Matrix, threads: Int = 1, nonFinite: NonFiniteNumbers) {
    let door = Door(nonFinite)
    door.check(rows: weights)
    let tree = PartitionTree(weights)
    self.init(weights, max(1, threads), tree, PartitionTreeMoves(tree), door)
  }

  private init(
    _ weights: Matrix, _ threads: Int, _ tree: PartitionTree, _ moves: PartitionTreeMoves,
    _ door: Door
  ) {
    self.weights = weights
    self.door = door
    self.threads = threads
    self.tree = tree
    self.moves = moves
  }

  func fork() -> PartitionTreeIndex { PartitionTreeIndex(weights, threads, tree, moves, door) }

  /// Number of rows, `m`.
  public var count: Int { weights.rows }
  /// Number of coordinates of a row, `d`.
  public var dimension: Int { weights.columns }
  /// Subtrees built again because too many rows had left them.
  public var rebuilds: Int { moves.rebuilds }

  /// Memory and work so far. Every row of a tile that is looked at counts as an inner product; it
  /// counts as decided by the canonical kernel unless its node was accepted as a whole, so that
  /// only its value was wanted. A node counts as visited when its bound is computed.
  public var statistics: IndexStatistics {
    var statistics = work
    statistics.memoryBytes =
      tree.byteCount + moves.byteCount + workers.reduce(0) { $0 + $1.byteCount }
    return statistics
  }

  /// Answers queries `rows` of `queries`.
  public func report(
    queries: Matrix, rows: Range<Int>, above threshold: Float, into report: inout FiringReport
  ) {
    door.check(queries: queries, rows: rows, count: count, dimension: dimension)
    report.removeAll()
    tree.report(
      queries: queries, rows: rows, above: threshold, threads: threads, workers: &workers,
      into: &report)
    work.queries += rows.count
    work.reported += report.count
    for worker in workers { worker.drain(into: &work) }
  }

  /// Widens the bounds around rows that have moved, and mends the tree where it has suffered.
  /// O(d log m) each, and rebuilding.
  public func update(rows: UnsafeBufferPointer<Int32>) {
    unsafe door.check(moved: rows, of: weights)
    for k in 0..<rows.count { moves.move(unsafe Int(rows[k]), in: tree, weights) }
    moves.mend(tree, weights)
  }
}
