// SPDX-License-Identifier: Apache-2.0

/// Where one task of a report leaves its pairs until they are put in the order of the queries.
///
/// Filters work on a block of rows (or a group of a grid) against a block of queries, so pairs
/// come block by block and, within a block, query by query: a *run* of pairs for each.
///
/// ```
/// pairs   a a a | b | c c | d d ...      in the order in which they were found
/// runs    (q0,3) (q4,1) (q7,2) | (q0,2)  empty runs are left out
///         `---- first block --´ `- second block
/// ```
///
/// Blocks ascend, so collecting a query's runs in order gives its neurons in ascending order.
/// `merge` does that for several stages at once, in two passes over the runs.
///
/// - Note: `Sendable` is unchecked; a stage belongs to one task of a parallel loop at a time.
@safe final class ReportStage<Neuron: FixedWidthInteger & Sendable>: @unchecked Sendable {
  struct Run {
    var query: Int
    var count: Int
  }

  /// The pairs; its queries are not used, only its growing room.
  var pairs = CSRReport<Neuron>()
  var runs: [Run] = []
  /// Candidates decided by the canonical kernel since `removeAll()`.
  var rechecked = 0

  /// Forgets everything, keeps the room.
  func removeAll() {
    removePairs()
    rechecked = 0
  }

  /// Forgets the pairs, for the next query.
  func removePairs() {
    pairs.removeAll()
    runs.removeAll(keepingCapacity: true)
  }

  /// Counts the last `count` committed pairs to a query.
  func endRun(query: Int, count: Int) {
    if count > 0 { runs.append(Run(query: query, count: count)) }
  }

  /// Appends the pairs of all `stages`, which are about queries `0..<queries`, to `report`.
  /// `positions` is scratch. O(pairs + runs + queries).
  static func merge(
    _ stages: some Sequence<ReportStage>, queries: Int, positions: inout [Int],
    into report: inout CSRReport<Neuron>
  ) {
    positions.removeAll(keepingCapacity: true)
    positions.append(contentsOf: repeatElement(0, count: queries + 1))
    for stage in stages {
      for run in stage.runs { positions[run.query + 1] += run.count }
    }
    // Prefix sums: positions[q] is where query q begins, and moves on as its runs arrive.
    for query in 0..<queries { positions[query + 1] += positions[query] }
    let room = unsafe report.reserve(positions[queries])
    for stage in stages {
      var source = 0
      for run in stage.runs {
        let target = positions[run.query]
        unsafe (room.neurons + target).update(from: stage.pairs.neurons + source, count: run.count)
        unsafe (room.values + target).update(from: stage.pairs.values + source, count: run.count)
        positions[run.query] += run.count
        source += run.count
      }
    }
    // Now positions[q] is where query q ends.
    var begin = 0
    for query in 0..<queries {
      report.commit(positions[query] - begin)
      report.endQuery()
      begin = positions[query]
    }
  }
}
