// SPDX-License-Identifier: Apache-2.0
import Halfspace
import _HalfspaceReport

/// A way to find the neurons that fire, ready to be asked for queries of a workload.
protocol Contender: AnyObject {
  /// The name in results.
  var name: String { get }
  /// Bytes read or held to answer, rows included.
  var memoryBytes: Int { get }
  /// Seconds to build it from the rows or the seed; 0 for the rows as they are.
  var buildSeconds: Double { get }
  /// Pairs decided by the canonical kernel so far, where that is counted.
  var candidates: Int? { get }
  /// What it says about itself.
  var remark: String? { get }
  /// Whether it changes with what it is asked.
  var isAdaptive: Bool { get }
  /// How many queries it is asked at once at most: what it is not for would only take time.
  var mostQueries: Int { get }
  func ask(_ rows: Range<Int>, above threshold: Float)
  /// Hears that rows have moved, and how far at most.
  func update(rows: [Int32], displacements: [Float])
  /// Differences from the reference in the last answer; nil for products that report nothing.
  func mismatches(_ reference: Reference, from first: Int) -> Int?
}

extension Contender {
  var buildSeconds: Double { 0 }
  var candidates: Int? { nil }
  var remark: String? { nil }
  var isAdaptive: Bool { false }
  var mostQueries: Int { .max }
  func update(rows: [Int32], displacements: [Float]) {}
  func mismatches(_ reference: Reference, from first: Int) -> Int? { nil }
}

/// An index over the explicit rows.
final class IndexContender<Index: HalfSpaceIndex>: Contender {
  let name: String
  private let ownBuildSeconds: Double
  private let workload: Workload
  private var index: Index
  private var report = FiringReport()
  private let describe: (Index) -> (remark: String?, seconds: Double)

  /// - Parameter describe: what the index tells about itself, and seconds of building that its
  ///   initializer has put off.
  init(
    _ name: String, _ workload: Workload,
    describe: @escaping (Index) -> (remark: String?, seconds: Double) = { _ in (nil, 0) },
    build: (Matrix) -> Index
  ) {
    self.name = name
    self.workload = workload
    self.describe = describe
    let start = MonotonicClock.now
    index = build(workload.rows)
    ownBuildSeconds = MonotonicClock.now - start
  }

  var buildSeconds: Double { ownBuildSeconds + describe(index).seconds }
  var memoryBytes: Int { workload.rows.byteCount + index.statistics.memoryBytes }
  var candidates: Int? { index.statistics.rechecked }
  var remark: String? { describe(index).remark }
  var isAdaptive: Bool { index is AutomaticIndex }
  var mostQueries: Int { index is NestedTileIndex ? 2 : .max }

  func ask(_ rows: Range<Int>, above threshold: Float) {
    index.report(queries: workload.queries, rows: rows, above: threshold, into: &report)
  }

  func update(rows: [Int32], displacements: [Float]) {
    unsafe rows.withUnsafeBufferPointer { rows in
      unsafe displacements.withUnsafeBufferPointer {
        unsafe index.update(rows: rows, displacements: $0)
      }
    }
  }

  func mismatches(_ reference: Reference, from first: Int) -> Int? {
    reference.mismatches(report, from: first)
  }
}
