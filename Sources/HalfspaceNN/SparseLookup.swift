// SPDX-License-Identifier: Apache-2.0
internal import HalfspaceLinalg
internal import HalfspaceReporting

/// The lookup for sparse rows: every neuron against every row, at the cost of the row's entries.
final class SparseLookup: NeuronLookup {
  let strategy = LookupStrategy.dense
  private let threads: Int
  private var scan: SparseScan
  /// Work of the scans before neurons joined.
  private var earlier = IndexStatistics()
  private var rows = 0

  init(weights: Matrix, threads: Int) {
    self.threads = threads
    scan = SparseScan(weights, threads: threads)
  }

  func report(
    _ batch: LookupBatch, above threshold: Float, into report: inout FiringReport
  ) {
    guard let queries = batch.sparse else {
      preconditionFailure("a lookup for sparse rows was asked about a matrix")
    }
    scan.report(queries, above: threshold, into: &report)
    rows += batch.count
  }

  var wantsDisplacements: Bool { false }

  func update(
    rows: UnsafeBufferPointer<Int32>, displacements: UnsafeBufferPointer<Float>?
  ) {}

  func grow(to weights: Matrix) {
    earlier.add(workOf: scan.statistics)
    scan = SparseScan(weights, threads: threads)
  }

  var work: IndexStatistics {
    var work = scan.statistics
    work.add(workOf: earlier)
    return work
  }

  var statistics: LookupStatistics {
    var statistics = LookupStatistics()
    statistics.rowsAnswered[strategy] = rows
    return statistics
  }
}
