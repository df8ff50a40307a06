// SPDX-License-Identifier: Apache-2.0
internal import HalfspaceLinalg

/// The partition tree that `IndependentGaussian` grows over its rows once it has been asked often
/// enough, shared by all copies of the value.
///
/// Drawing all rows for a report costs what it costs, again and again; a tree costs some thirty
/// times that, once. When as much time has gone into reports as the tree would take, the next
/// report builds it: at worst, twice the time of the better choice is spent. Answers are the same
/// bits before and after.
final class IndependentGaussianTree: Sendable {
  private struct State: ~Copyable {
    var spent = 0.0
    var isBuilding = false
    var tree: PartitionTree?
  }

  private let state = Guarded(State())
  private let workers = ScratchPool<PartitionTreeWorker>()

  /// Most dimensions, and bytes, for which a tree is grown; fewest rows.
  private static let mostDimensions = 8
  static let mostBytes = 512 << 20
  private static let fewestRows = 4096

  /// Bytes of the tree, if there is one.
  var memoryBytes: Int { state.withLock { $0.tree?.byteCount ?? 0 } }

  /// Whether rows of this shape may get a tree: it and the rows from which it is built, padded,
  /// take at most `mostBytes`.
  static func isWorthwhile(count: Int, dimension: Int) -> Bool {
    guard dimension <= mostDimensions, count >= fewestRows else { return false }
    let bytesPerRow = 4 * Matrix.paddedStride(dimension) + 5 * dimension + 24
    return count <= mostBytes / bytesPerRow
  }

  /// The tree, or nil when the rows are better drawn again for this report of `queries` queries.
  /// `rows` is called at most once in the life of this object.
  func tree(queries: Int, count: Int, dimension: Int, rows: () -> Matrix) -> PartitionTree? {
    guard Self.isWorthwhile(count: count, dimension: dimension) else { return nil }
    let (tree, builds) = state.withLock { state -> (PartitionTree?, Bool) in
      if state.tree != nil || state.isBuilding { return (state.tree, false) }
      // In nanoseconds per row, measured: drawing a deviate, a product with one query; a tree.
      state.spent += 8 * Double(dimension) + 0.7 * Double(queries)
      state.isBuilding = state.spent > 1000
      return (nil, state.isBuilding)
    }
    guard builds else { return tree }
    let built = PartitionTree(rows())
    state.withLock { $0.tree = built }
    return built
  }

  /// Answers queries `rows` by the tree.
  func report(
    _ tree: PartitionTree, queries: Matrix, rows: Range<Int>, above threshold: Float,
    threads: Int, into report: inout InitialReport, statistics: inout IndexStatistics
  ) {
    let parts = threads <= 1 ? 1 : max(1, min(rows.count, 4 * threads))
    let workers = (0..<parts).map { _ in self.workers.take { PartitionTreeWorker() } }
    parallelFor(parts, threads: threads) { part in
      let worker = workers[part]
      worker.report.removeAll()
      let begin = rows.lowerBound + rows.count * part / parts
      for row in begin..<rows.lowerBound + rows.count * (part + 1) / parts {
        unsafe tree.report(queries.row(row), above: threshold, worker, into: &worker.report)
      }
    }
    for worker in workers {
      for query in 0..<worker.report.queryCount {
        let range = worker.report.range(of: query)
        let room = unsafe report.reserve(range.count)
        for (k, pair) in range.enumerated() {
          unsafe room.neurons[k] = Int64(worker.report.neurons[pair])
          unsafe room.values[k] = worker.report.values[pair]
        }
        report.commit(range.count)
        report.endQuery()
      }
      worker.drain(into: &statistics)
      self.workers.give(worker)
    }
    statistics.queries += rows.count
    statistics.reported += report.count
  }
}
