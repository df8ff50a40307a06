// SPDX-License-Identifier: Apache-2.0
internal import CHalfspace
internal import HalfspaceLinalg
internal import HalfspaceReporting

/// What the tasks of one answer of `StaticIndexLookup` read: the candidates of some queries, of
/// which the canonical kernel decides who fires.
///
/// - Note: `Sendable` is unchecked: the pointers belong to a report that does not change meanwhile.
@safe struct StaticIndexPass: @unchecked Sendable {
  var weights: Matrix
  var inputs: Matrix
  /// The row of `inputs` that query 0 is.
  var firstRow: Int
  var threshold: Float
  /// Of the candidates of each query; nil: all rows are.
  @unsafe var offsets: UnsafePointer<Int>?
  @unsafe var candidates: UnsafePointer<Int32>
  /// Candidates of every query.
  var outsiders: [Int32]

  /// Answers some of the queries, appending to `pairs`.
  func answer(
    _ queries: Range<Int>, _ worker: StaticIndexWorker, into pairs: inout FiringReport
  ) {
    for query in queries {
      let x = unsafe inputs.row(firstRow + query)
      guard let offsets = unsafe offsets else {
        let room = unsafe pairs.reserve(weights.rows)
        let fired = unsafe hs_scan_report_f32(
          weights.rows, weights.stride, weights.pointer, x, threshold, 0, room.neurons,
          room.values)
        worker.checked += weights.rows
        pairs.commit(fired)
        pairs.endQuery()
        continue
      }
      var list = unsafe UnsafeBufferPointer(
        rebasing: UnsafeBufferPointer(start: candidates, count: offsets[query + 1])[
          offsets[query]...])
      let fired: Int
      if outsiders.isEmpty {
        fired = unsafe decide(list, x, into: &pairs)
      } else {
        unsafe worker.unite(list, outsiders)
        fired = unsafe worker.united.withUnsafeBufferPointer {
          unsafe list = $0
          return unsafe decide(list, x, into: &pairs)
        }
      }
      worker.checked += list.count
      pairs.commit(fired)
      pairs.endQuery()
    }
  }

  private func decide(
    _ list: UnsafeBufferPointer<Int32>, _ x: UnsafePointer<Float>,
    into pairs: inout FiringReport
  ) -> Int {
    guard let first = list.baseAddress, !list.isEmpty else { return 0 }
    let room = unsafe pairs.reserve(list.count)
    return unsafe hs_recheck_f32(
      list.count, first, weights.stride, weights.pointer, x, threshold, room.neurons, room.values)
  }
}

/// Scratch of one task of an answer from a static index.
///
/// - Note: `Sendable` is unchecked; a worker belongs to one task at a time.
final class StaticIndexWorker: @unchecked Sendable {
  /// The pairs of one task among several.
  var pairs = FiringReport()
  /// Pairs decided since the counter was read.
  var checked = 0
  /// The union last made.
  private(set) var united: [Int32] = []

  /// Unites two ascending lists.
  func unite(_ a: UnsafeBufferPointer<Int32>, _ b: [Int32]) {
    united.removeAll(keepingCapacity: true)
    var i = 0
    var j = 0
    while i < a.count || j < b.count {
      let left = i < a.count ? unsafe a[i] : Int32.max
      let right = j < b.count ? b[j] : Int32.max
      united.append(min(left, right))
      if left <= right { i += 1 }
      if right <= left { j += 1 }
    }
  }
}
