// SPDX-License-Identifier: Apache-2.0
internal import HalfspaceLinalg
internal import HalfspaceReporting

/// A lookup by an index over the weights, told about every move.
final class IndexLookup: NeuronLookup {
  let strategy: LookupStrategy
  private let threads: Int
  private var index: any HalfSpaceIndex
  /// The index, where it is of tiles.
  @safe @exclusivity(unchecked) private var tiles: CertifiedTileIndex?
  /// Work of the indexes before neurons joined.
  private var earlier = IndexStatistics()
  @safe @exclusivity(unchecked) private var rows = 0

  /// An index over `weights` as they are; `strategy` names one.
  init(_ strategy: LookupStrategy, weights: Matrix, threads: Int) {
    self.strategy = strategy
    self.threads = threads
    index = Self.makeIndex(strategy, weights, threads)
    tiles = index as? CertifiedTileIndex
  }

  private static func makeIndex(
    _ strategy: LookupStrategy, _ weights: Matrix, _ threads: Int
  ) -> any HalfSpaceIndex {
    // What moves and is asked for comes from the trainer's own reports and batches.
    switch strategy {
    case .tiles: CertifiedTileIndex(weights, threads: threads, nonFinite: .admitted)
    case .tree: PartitionTreeIndex(weights, threads: threads, nonFinite: .admitted)
    case .dense: BruteForceIndex(weights, threads: threads, nonFinite: .admitted)
    case .automatic, .candidateLists, .staticIndex:
      preconditionFailure("\(strategy) is not told of moves")
    }
  }

  func report(
    _ batch: LookupBatch, above threshold: Float, into report: inout FiringReport
  ) {
    index.report(
      queries: batch.inputs, rows: 0..<batch.count, above: threshold, into: &report)
    rows += batch.count
  }

  func report(
    _ batch: LookupBatch, above threshold: Float, byNeuron found: PairParts,
    then next: @Sendable (_ part: Int) -> Void
  ) -> Bool {
    guard
      let tiles,
      tiles.report(
        queries: batch.inputs, rows: 0..<batch.count, above: threshold, byRow: found, then: next)
    else { return false }
    rows += batch.count
    return true
  }

  var wantsDisplacements: Bool { tiles != nil }

  func update(
    rows: UnsafeBufferPointer<Int32>, displacements: UnsafeBufferPointer<Float>?
  ) {
    if let tiles, let displacements = unsafe displacements {
      unsafe tiles.update(rows: rows, displacements: displacements)
    } else if let displacements = unsafe displacements {
      unsafe index.update(rows: rows, displacements: displacements)
    } else {
      unsafe index.update(rows: rows)
    }
  }

  func grow(to weights: Matrix) {
    earlier.add(workOf: index.statistics)
    index = Self.makeIndex(strategy, weights, threads)
    tiles = index as? CertifiedTileIndex
  }

  var work: IndexStatistics {
    var work = index.statistics
    work.add(workOf: earlier)
    return work
  }

  var statistics: LookupStatistics {
    var statistics = LookupStatistics()
    statistics.rowsAnswered[strategy] = rows
    return statistics
  }
}
