// SPDX-License-Identifier: Apache-2.0
import CHalfspace
import Halfspace

/// The product grid, which stores no row. Where rows have moved from it, by no more than `drift`, it
/// is asked with a threshold lower by that, and the rows as they are decide.
final class GridContender: Contender {
  let name = "product grid"
  let buildSeconds: Double
  private let workload: Workload
  private let grid: ProductGrid
  private let drift: Float
  private var report = InitialReport()
  private var decided = FiringReport()
  private var statistics = IndexStatistics()

  init?(_ workload: Workload) {
    guard let (weights, drift, seconds) = workload.grid else { return nil }
    self.workload = workload
    self.drift = drift
    grid = weights
    buildSeconds = seconds
  }

  var memoryBytes: Int { grid.memoryBytes + (drift > 0 ? workload.rows.byteCount : 0) }
  var candidates: Int? { statistics.rechecked }

  func ask(_ rows: Range<Int>, above threshold: Float) {
    // Queries are unit vectors up to rounding; the rest covers that and the canonical products'.
    let margin = drift > 0 ? drift * 1.001 + 1e-3 : 0
    grid.report(
      queries: workload.queries, rows: rows, above: threshold - margin, threads: 1, into: &report,
      statistics: &statistics)
    if drift > 0 { decide(rows, above: threshold) }
  }

  private func decide(_ rows: Range<Int>, above threshold: Float) {
    decided.removeAll()
    let w = workload.rows
    for q in 0..<report.queryCount {
      let range = report.range(of: q)
      let room = unsafe decided.reserve(range.count)
      for k in 0..<range.count {
        unsafe room.neurons[k] = Int32(report.neurons[range.lowerBound + k])
      }
      decided.commit(
        unsafe hs_recheck_f32(
          range.count, room.neurons, w.stride, w.pointer,
          workload.queries.row(rows.lowerBound + q), threshold, room.neurons, room.values))
      decided.endQuery()
    }
  }

  func mismatches(_ reference: Reference, from first: Int) -> Int? {
    drift > 0
      ? reference.mismatches(decided, from: first) : reference.mismatches(report, from: first)
  }
}
