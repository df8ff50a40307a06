// SPDX-License-Identifier: Apache-2.0
internal import CHalfspace
internal import HalfspaceLinalg

extension SparseStep {
  /// `scores[k] = factor * sum_r h_rk a_r` for every query k < `queries` of the grouped pairs, with the
  /// bits that the report of the same pairs gives. `scores` is `[>= queries, C]`. O(pairs * C).
  mutating func forward(
    queries: Int, outputs: Matrix, shards: [Int], factor: Float, scores: Matrix
  ) {
    let pieces = shards.count - 1
    precondition(
      scores.stride == outputs.stride && scores.rows >= queries && pieces > 0,
      "scores [\(scores.rows), \(scores.columns)] for \(queries) queries and outputs "
        + "[\(outputs.rows), \(outputs.columns)]")
    let plane = queries * scores.stride
    unsafe Self.reserve(&sums, pieces * plane)
    let view = unsafe view(scratch: sums)
    // Where the pairs of each shard begin.
    let list = unsafe UnsafeBufferPointer(start: view.active, count: activeCount)
    let first = shards.map { unsafe Int(view.starts[Self.position(of: Int32($0), in: list)]) }
    // Shards do not depend on each other, and their sums are added in their order.
    let workers = min(workers(for: pairCount * outputs.stride), pieces)
    parallelFor(workers, threads: workers) { worker in
      let shards = worker * pieces / workers..<(worker + 1) * pieces / workers
      unsafe first.withUnsafeBufferPointer { first in
        unsafe hs_forward_pairs_f32(
          shards.count, first.baseAddress! + shards.lowerBound, view.owners!, view.rows, view.h,
          outputs.stride, outputs.pointer, plane, view.scratch + shards.lowerBound * plane)
      }
    }
    unsafe hs_add_planes_f32(pieces, plane, plane, sums.baseAddress!, factor, scores.pointer)
  }
}
