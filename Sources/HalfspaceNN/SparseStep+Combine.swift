// SPDX-License-Identifier: Apache-2.0
internal import CHalfspace
internal import HalfspaceLinalg
internal import HalfspaceReporting

extension SparseStep {
  /// `result[k] = factor * sum_e values[e] rows[neuron_e]` over the pairs e of every query k of a
  /// report: the forward pass with other values over other rows. `result` is `[>= queries, *]` of the
  /// stride of `rows`. O(pairs * columns).
  @unsafe func combine(
    _ report: borrowing FiringReport, values: UnsafePointer<Float>, rows: Matrix, shards: [Int],
    factor: Float, into result: Matrix
  ) {
    let queries = report.queryCount
    precondition(
      result.stride == rows.stride && result.rows >= queries,
      "room [\(result.rows), \(result.columns)] for \(queries) sums of [\(rows.rows), "
        + "\(rows.columns)]")
    let pairs = unsafe Pairs(offsets: report.offsets, neurons: report.neurons, values: values)
    let workers = min(workers(for: report.count * rows.stride), max(1, queries))
    // Queries do not depend on each other: any cut gives the same bits.
    parallelFor(workers, threads: workers) { piece in
      let first = piece * queries / workers
      let last = (piece + 1) * queries / workers
      unsafe hs_forward_queries_f32(
        last - first, pairs.offsets + first, pairs.neurons, pairs.values, rows.pointer, nil, nil,
        nil, nil, shards.count - 1, shards, rows.stride, factor,
        result.pointer + first * result.stride)
    }
  }

  /// The pairs of a report with values of their own, for the C kernel.
  @unsafe private struct Pairs: @unchecked Sendable {
    let offsets: UnsafePointer<Int>
    let neurons: UnsafePointer<Int32>
    let values: UnsafePointer<Float>
  }
}
