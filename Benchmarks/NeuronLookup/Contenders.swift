// SPDX-License-Identifier: Apache-2.0
import CHalfspace
import Halfspace
import _HalfspaceReport

/// A way to find the neurons that fire, ready to be asked for queries of a workload.
protocol Contender: AnyObject {
  var name: String { get }
  /// Bytes read or held to answer, rows included.
  var memoryBytes: Int { get }
  /// Seconds to build it from the rows or the seed; 0 for the rows as they are.
  var buildSeconds: Double { get }
  func ask(_ rows: Range<Int>)
  /// Differences from the reference in the last answer; nil for products that report nothing.
  func mismatches(_ reference: Reference, from first: Int) -> Int?
  /// Pairs decided by the canonical kernel so far.
  var candidates: Int? { get }
}

/// Plain sgemv in one orientation, one query at a time, without looking at the result.
final class GemvContender: Contender {
  let name: String
  let buildSeconds = 0.0
  let candidates: Int? = nil
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

  func ask(_ rows: Range<Int>) {
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

  func mismatches(_ reference: Reference, from first: Int) -> Int? { nil }
}

/// Plain sgemm over all queries, in blocks of rows so that the result stays in cache.
final class GemmContender: Contender {
  let name = "sgemm"
  let buildSeconds = 0.0
  let candidates: Int? = nil
  private static let block = 2048
  private let workload: Workload
  private let result: Matrix

  init(_ workload: Workload) {
    self.workload = workload
    result = Matrix(rows: workload.queries.rows, columns: Self.block)
  }

  var memoryBytes: Int { workload.rows.byteCount }

  func ask(_ rows: Range<Int>) {
    let (x, w) = (workload.queries, workload.rows)
    for start in stride(from: 0, to: w.rows, by: Self.block) {
      unsafe hs_gemm_f32(
        0, 1, rows.count, min(Self.block, w.rows - start), w.columns, 1, x.row(rows.lowerBound),
        x.stride, w.row(start), w.stride, 0, result.pointer, result.stride)
    }
  }

  func mismatches(_ reference: Reference, from first: Int) -> Int? { nil }
}

/// Brute force over the explicit rows.
final class BruteForceContender: Contender {
  let name: String
  let buildSeconds: Double
  private let workload: Workload
  private let threshold: Float
  private var index: BruteForceIndex
  private var report = FiringReport()

  init(_ workload: Workload, above threshold: Float, method: BruteForceIndex.Method) {
    self.workload = workload
    self.threshold = threshold
    name = "brute force, \(method.rawValue)"
    let start = MonotonicClock.now
    index = BruteForceIndex(workload.rows, method: method)
    buildSeconds = MonotonicClock.now - start
  }

  var memoryBytes: Int { workload.rows.byteCount + index.statistics.memoryBytes }
  var candidates: Int? { index.statistics.rechecked }

  func ask(_ rows: Range<Int>) {
    index.report(queries: workload.queries, rows: rows, above: threshold, into: &report)
  }

  func mismatches(_ reference: Reference, from first: Int) -> Int? {
    reference.mismatches(report, from: first)
  }
}

/// Certified tiles over the explicit rows.
final class TileContender: Contender {
  let name = "certified tiles"
  let buildSeconds: Double
  private let workload: Workload
  private let threshold: Float
  private var index: CertifiedTileIndex
  private var report = FiringReport()

  init(_ workload: Workload, above threshold: Float) {
    self.workload = workload
    self.threshold = threshold
    let start = MonotonicClock.now
    index = CertifiedTileIndex(workload.rows)
    buildSeconds = MonotonicClock.now - start
  }

  var memoryBytes: Int { workload.rows.byteCount + index.statistics.memoryBytes }
  var candidates: Int? { index.statistics.rechecked }

  func ask(_ rows: Range<Int>) {
    index.report(queries: workload.queries, rows: rows, above: threshold, into: &report)
  }

  func mismatches(_ reference: Reference, from first: Int) -> Int? {
    reference.mismatches(report, from: first)
  }
}

/// The product grid, which stores no row.
final class GridContender: Contender {
  let name = "product grid"
  private let workload: Workload
  private let threshold: Float
  private var report = InitialReport()
  private var statistics = IndexStatistics()

  init(_ workload: Workload, above threshold: Float) {
    self.workload = workload
    self.threshold = threshold
  }

  var buildSeconds: Double { workload.gridSeconds }
  var memoryBytes: Int { workload.grid.memoryBytes }
  var candidates: Int? { statistics.rechecked }

  func ask(_ rows: Range<Int>) {
    workload.grid.report(
      queries: workload.queries, rows: rows, above: threshold, threads: 1, into: &report,
      statistics: &statistics)
  }

  func mismatches(_ reference: Reference, from first: Int) -> Int? {
    reference.mismatches(report, from: first)
  }
}

/// The limit: the firing sets are given, only their values are computed.
final class OracleContender: Contender {
  let name = "firing sets given"
  let buildSeconds = 0.0
  private(set) var candidates: Int? = 0
  private let workload: Workload
  private let reference: Reference
  private var report = FiringReport()

  init(_ workload: Workload, _ reference: Reference) {
    self.workload = workload
    self.reference = reference
  }

  var memoryBytes: Int { workload.rows.byteCount }

  func ask(_ rows: Range<Int>) {
    report.removeAll()
    let w = workload.rows
    for q in rows {
      let given = reference.neurons[q]
      candidates! += given.count
      let room = unsafe report.reserve(given.count)
      report.commit(
        unsafe hs_recheck_f32(
          given.count, given, w.stride, w.pointer, workload.queries.row(q), reference.threshold,
          room.neurons, room.values))
      report.endQuery()
    }
  }

  func mismatches(_ reference: Reference, from first: Int) -> Int? {
    reference.mismatches(report, from: first)
  }
}

/// The partition tree over the explicit rows, for few dimensions.
final class PartitionTreeContender: Contender {
  let name = "partition tree"
  let buildSeconds: Double
  /// Dimensions beyond which nearly all rows are looked at.
  static let mostDimensions = 12
  private let workload: Workload
  private let threshold: Float
  private let index: PartitionTreeIndex
  private var report = FiringReport()

  init(_ workload: Workload, above threshold: Float) {
    self.workload = workload
    self.threshold = threshold
    let start = MonotonicClock.now
    index = PartitionTreeIndex(workload.rows)
    buildSeconds = MonotonicClock.now - start
  }

  var memoryBytes: Int { index.statistics.memoryBytes }
  var candidates: Int? { index.statistics.rechecked }

  func ask(_ rows: Range<Int>) {
    index.report(queries: workload.queries, rows: rows, above: threshold, into: &report)
  }

  func mismatches(_ reference: Reference, from first: Int) -> Int? {
    reference.mismatches(report, from: first)
  }
}
