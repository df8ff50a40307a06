// SPDX-License-Identifier: Apache-2.0
internal import CHalfspace
internal import HalfspaceLinalg

/// Consecutive independent rows, drawn, with certified tiles over them.
///
/// - Note: `Sendable` is unchecked; a slice belongs to one task at a time.
@safe final class IndependentGaussianSlice: @unchecked Sendable {
  /// The pairs of the last report.
  let stage = ReportStage<Int64>()
  private var statistics = IndexStatistics()
  private let rows: Matrix
  private let index: CertifiedTileIndex
  private var report = FiringReport()

  /// Room for `count` rows, which are zero.
  init(count: Int, dimension: Int) {
    rows = Matrix(rows: count, columns: dimension)
    index = CertifiedTileIndex(rows, nonFinite: .decided)
  }

  /// Bytes of rows, codes and scratch.
  var memoryBytes: Int { rows.byteCount + index.statistics.memoryBytes }

  /// Takes other rows, as many as there is room for.
  func fill(_ draw: (UnsafeMutablePointer<Float>) -> Void) {
    unsafe draw(rows.pointer)
    index.encodeAgain()
  }

  /// Forgets pairs and work.
  func removeAll() {
    stage.removeAll()
    statistics = IndexStatistics()
  }

  /// Adds the work since `removeAll()`.
  func drain(into total: inout IndexStatistics) {
    total.innerProducts += statistics.innerProducts
    total.rechecked += statistics.rechecked
    total.bytesScanned += statistics.bytesScanned
    total.nodesVisited += statistics.nodesVisited
    total.nodesPruned += statistics.nodesPruned
    statistics = IndexStatistics()
  }

  /// Leaves the pairs of queries `asked` in the stage: numbers below `end`, when the first row has
  /// number `first`.
  func ask(
    _ queries: Matrix, _ asked: Range<Int>, above threshold: Float, first: Int, end: Int
  ) {
    let before = index.statistics
    index.report(queries: queries, rows: asked, above: threshold, into: &report)
    let after = index.statistics
    statistics.innerProducts += after.innerProducts - before.innerProducts
    statistics.rechecked += after.rechecked - before.rechecked
    statistics.bytesScanned += after.bytesScanned - before.bytesScanned
    statistics.nodesVisited += after.nodesVisited - before.nodesVisited
    statistics.nodesPruned += after.nodesPruned - before.nodesPruned
    let room = unsafe stage.pairs.reserve(report.count)
    var written = 0
    for q in 0..<report.queryCount {
      let start = written
      for pair in report.range(of: q) {
        let number = unsafe first + Int(report.neurons[pair])
        guard number < end else { break }
        unsafe room.neurons[written] = Int64(number)
        unsafe room.values[written] = report.values[pair]
        written += 1
      }
      stage.endRun(query: q, count: written - start)
    }
    stage.pairs.commit(written)
  }
}
