// SPDX-License-Identifier: Apache-2.0
import CHalfspace
import Halfspace

/// Plain sgemv in one orientation, one query at a time, without looking at the result.
final class GemvContender: Contender {
  let name: String
  private let workload: Workload
  private let usesColumns: Bool
  private let result: Matrix

  init(_ workload: Workload, usesColumns: Bool) {
    self.workload = workload
    self.usesColumns = usesColumns
    name = usesColumns ? "sgemv, column-major" : "sgemv, row-major"
    result = Matrix(rows: 1, columns: workload.m)
  }

  var memoryBytes: Int { usesColumns ? workload.columns.byteCount : workload.rows.byteCount }

  func ask(_ rows: Range<Int>, above threshold: Float) {
    let (m, d) = (workload.m, workload.d)
    for q in rows {
      let x = unsafe workload.queries.row(q)
      if usesColumns {
        let w = workload.columns
        unsafe hs_gemv_t_f32(d, m, 1, w.pointer, w.stride, x, 0, result.pointer)
      } else {
        let w = workload.rows
        unsafe hs_gemv_f32(m, d, 1, w.pointer, w.stride, x, 0, result.pointer)
      }
    }
  }
}

/// Blocked sgemm over all queries, each block compared with the threshold while it is in cache:
/// what a dense implementation would do.
///
/// Pairs next to the threshold are decided by OpenBLAS's rounding, so it is compared for time only.
@safe final class GemmContender: Contender {
  let name = "sgemm + threshold"
  private let workload: Workload
  private let block: Int
  private let result: Matrix
  @unsafe private let found: UnsafeMutablePointer<Int32>
  /// Pairs found by the last ask.
  private(set) var pairs = 0

  init(_ workload: Workload, batch: Int) {
    self.workload = workload
    // The products of a block take up to 1 MiB.
    block = max(256, min(2048, (1 << 18) / batch))
    result = Matrix(rows: batch, columns: block)
    unsafe found = .allocate(capacity: block)
  }

  deinit { unsafe found.deallocate() }

  var memoryBytes: Int { workload.rows.byteCount }

  func ask(_ rows: Range<Int>, above threshold: Float) {
    let (x, w) = (workload.queries, workload.rows)
    pairs = 0
    for start in stride(from: 0, to: w.rows, by: block) {
      let count = min(block, w.rows - start)
      unsafe hs_gemm_f32(
        0, 1, rows.count, count, w.columns, 1, x.row(rows.lowerBound), x.stride, w.row(start),
        w.stride, 0, result.pointer, result.stride)
      for q in 0..<rows.count {
        pairs += unsafe hs_filter_f32(
          count, result.row(q), threshold, Int32(start), found)
      }
    }
  }
}

/// The limit: the firing sets are given, only their values are computed.
final class OracleContender: Contender {
  let name = "firing sets given"
  private(set) var candidates: Int? = 0
  private let workload: Workload
  private let reference: Reference
  private var report = FiringReport()

  init(_ workload: Workload, _ reference: Reference) {
    self.workload = workload
    self.reference = reference
  }

  var memoryBytes: Int { workload.rows.byteCount }

  func ask(_ rows: Range<Int>, above threshold: Float) {
    report.removeAll()
    let w = workload.rows
    for q in rows {
      let given = reference.neurons[q]
      candidates! += given.count
      let room = unsafe report.reserve(given.count)
      report.commit(
        unsafe hs_recheck_f32(
          given.count, given, w.stride, w.pointer, workload.queries.row(q), threshold,
          room.neurons, room.values))
      report.endQuery()
    }
  }

  func mismatches(_ reference: Reference, from first: Int) -> Int? {
    reference.mismatches(report, from: first)
  }
}
