// SPDX-License-Identifier: Apache-2.0
internal import HalfspaceLinalg
internal import HalfspaceReporting

/// Finds the rows that fire on any batch, while rows move and join.
///
/// An index is made anew when rows have joined, and comparing indexes takes some ten milliseconds. So
/// the automatic lookup is by brute force as long as rows keep joining.
struct GrowingLookup {
  private let strategy: LookupStrategy
  private let threads: Int
  private var weights: Matrix
  private var index: any HalfSpaceIndex
  /// Work of the indexes before.
  private var earlier = IndexStatistics()
  /// Reports since rows have joined; nil once the automatic lookup has settled.
  private var quietReports: Int? = 0

  /// Reports without new rows after which the automatic lookup settles.
  private static let patience = 32

  init(_ strategy: LookupStrategy, weights: Matrix, threads: Int) {
    self.strategy = strategy
    self.weights = weights
    self.threads = threads
    index = Self.makeIndex(strategy, weights, threads)
  }

  /// Refuses strategies that live on training rows which stay.
  static func check(_ strategy: LookupStrategy) throws(ConfigurationError) {
    guard strategy != .candidateLists, strategy != .staticIndex else {
      throw .invalid("the lookup \(strategy.rawValue) needs training rows that do not move")
    }
  }

  private static func makeIndex(
    _ strategy: LookupStrategy, _ weights: Matrix, _ threads: Int
  ) -> any HalfSpaceIndex {
    switch strategy {
    case .automatic, .dense: BruteForceIndex(weights, threads: threads, nonFinite: .decided)
    case .tiles: CertifiedTileIndex(weights, threads: threads, nonFinite: .decided)
    case .tree: PartitionTreeIndex(weights, threads: threads, nonFinite: .decided)
    case .candidateLists, .staticIndex:
      preconditionFailure("\(strategy.rawValue) needs rows that stay and one training set")
    }
  }

  /// Refills `report` with the rows that fire on the rows of `inputs`.
  mutating func report(
    _ inputs: Matrix, above threshold: Float, into report: inout FiringReport
  ) {
    if strategy == .automatic, let quiet = quietReports {
      quietReports = quiet + 1
      if quiet == Self.patience {
        use(AutomaticIndex(weights, threads: threads, nonFinite: .decided))
        quietReports = nil
      }
    }
    index.report(queries: inputs, above: threshold, into: &report)
  }

  /// Tells which rows have moved.
  mutating func update(rows: UnsafeBufferPointer<Int32>) { unsafe index.update(rows: rows) }

  /// Tells that rows have joined behind the others, in a new matrix.
  mutating func grow(to weights: Matrix) {
    self.weights = weights
    use(Self.makeIndex(strategy, weights, threads))
    quietReports = 0
  }

  private mutating func use(_ index: any HalfSpaceIndex) {
    earlier.add(workOf: self.index.statistics)
    self.index = index
  }

  /// Work of the reports, and memory.
  var work: IndexStatistics {
    var work = index.statistics
    work.add(workOf: earlier)
    return work
  }
}
