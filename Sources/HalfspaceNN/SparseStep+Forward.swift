// SPDX-License-Identifier: Apache-2.0
internal import CHalfspace
internal import HalfspaceLinalg
internal import HalfspaceReporting

extension SparseStep {
  /// `scores[k] = factor * sum_r h_rk a_r` for every query k < `queries` of the grouped pairs, with the
  /// bits that the report of the same pairs gives. `scores` is `[>= queries, C]`. O(pairs * C).
  func forward(
    queries: Int, outputs: Matrix, shards: [Int], factor: Float, scores: Matrix
  ) {
    let pieces = shards.count - 1
    precondition(
      scores.stride == outputs.stride && scores.rows >= queries && pieces > 0,
      "scores [\(scores.rows), \(scores.columns)] for \(queries) queries and outputs "
        + "[\(outputs.rows), \(outputs.columns)]")
    if queries == 1 {
      // One query's outputs stay in registers.
      let offsets = (0, pairCount)
      return unsafe withUnsafeBytes(of: offsets) { offsets in
        unsafe hs_forward_queries_f32(
          1, offsets.baseAddress!.assumingMemoryBound(to: Int.self), pairs.neurons, pairs.values,
          outputs.pointer, nil, nil, nil, nil, pieces, shards, outputs.stride, factor,
          scores.pointer)
      }
    }
    let plane = queries * scores.stride
    unsafe Self.reserve(&sums, pieces * plane)
    let view = unsafe view(scratch: sums)
    unsafe Self.reserve(&firsts, shards.count)
    let list = unsafe activeNeurons
    for (k, shard) in shards.enumerated() {
      unsafe firsts[k] = Int(view.starts[Self.position(of: Int32(shard), in: list)])
    }
    let first = unsafe Firsts(pointer: UnsafePointer(firsts.baseAddress!))
    // Shards do not depend on each other, and their sums are added in their order.
    let workers = workers(for: pairCount * outputs.stride)
    // They differ in their number of pairs: more parts than threads.
    let parts = workers == 1 ? 1 : pieces
    parallelFor(parts, threads: workers) { part in
      let shards = part * pieces / parts..<(part + 1) * pieces / parts
      unsafe hs_forward_pairs_f32(
        shards.count, first.pointer + shards.lowerBound, view.owners!, view.rows, view.h,
        outputs.stride, outputs.pointer, plane, view.scratch + shards.lowerBound * plane)
    }
    let adders = min(self.workers(for: pieces * plane), max(1, queries))
    parallelFor(adders, threads: adders) { part in
      let first = part * queries / adders * scores.stride
      let last = (part + 1) * queries / adders * scores.stride
      unsafe hs_add_planes_f32(
        pieces, plane, last - first, view.scratch + first, factor, scores.pointer + first)
    }
  }

  /// Where shards begin, as a parallel loop reads it.
  @unsafe private struct Firsts: @unchecked Sendable {
    let pointer: UnsafePointer<Int>
  }
}
