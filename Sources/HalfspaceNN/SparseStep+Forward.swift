// SPDX-License-Identifier: Apache-2.0
internal import CHalfspace
internal import HalfspaceLinalg
internal import HalfspaceReporting

extension SparseStep {
  /// `scores[k] = factor * sum_r h_rk a_r` for every query k < `queries` of grouped pairs that are not divided, with
  /// the bits that the report of the same pairs gives. `scores` is `[>= queries, C]`. O(pairs * C).
  func forward(
    queries: Int, outputs: Matrix, shards: [Int], factor: Float, scores: Matrix
  ) {
    guard queries != 1 else {
      return forwardOne(outputs: outputs, shards: shards, factor: factor, scores: scores)
    }
    let passes = forwardOfShards(
      queries: queries, outputs: outputs, shards: shards, factor: factor, scores: scores)
    let list = unsafe view(scratch: sums)
    // Shards do not depend on each other, and their sums are added in their order.
    let workers = workers(for: pairCount * outputs.stride)
    let pieces = passes.pieces
    let parts = workers == 1 ? 1 : max(min(workers, pieces), pieces / Int(HS_SHARDS_TOGETHER))
    parallelFor(parts, threads: workers) { part in
      unsafe passes.sum(part * pieces / parts..<(part + 1) * pieces / parts, of: list)
    }
    let adders = min(self.workers(for: passes.workOfScores), max(1, queries))
    parallelFor(adders, threads: adders) { part in
      passes.score(part * queries / adders..<(part + 1) * queries / adders)
    }
  }

  /// The same of one query, whose outputs stay in registers.
  private func forwardOne(outputs: Matrix, shards: [Int], factor: Float, scores: Matrix) {
    precondition(
      scores.stride == outputs.stride && scores.rows >= 1 && shards.count > 1,
      "scores [\(scores.rows), \(scores.columns)] for one query and outputs "
        + "[\(outputs.rows), \(outputs.columns)]")
    let list = unsafe view(scratch: sums)
    let offsets = (0, pairCount)
    unsafe withUnsafeBytes(of: offsets) { offsets in
      unsafe hs_forward_queries_f32(
        1, offsets.baseAddress!.assumingMemoryBound(to: Int.self), list.owners!, list.h,
        outputs.pointer, nil, nil, nil, nil, shards.count - 1, shards, outputs.stride, factor,
        scores.pointer)
    }
  }

  /// The two passes of `forward`, for pairs that are divided or not yet found: the sums of shards, part by
  /// part, and what these come to, query by query.
  func forwardOfShards(
    queries: Int, outputs: Matrix, shards: [Int], factor: Float, scores: Matrix
  ) -> ShardPasses {
    let pieces = shards.count - 1
    precondition(
      scores.stride == outputs.stride && scores.rows >= queries && pieces > 0,
      "scores [\(scores.rows), \(scores.columns)] for \(queries) queries and outputs "
        + "[\(outputs.rows), \(outputs.columns)]")
    let plane = queries * scores.stride
    unsafe Self.reserve(&sums, pieces * plane)
    return unsafe ShardPasses(
      parts: parts, outputs: outputs, shards: shards, factor: factor, scores: scores, plane: plane,
      sums: sums.baseAddress!)
  }

  /// See `forwardOfShards`. Each call writes what belongs to its own shards, or queries.
  @safe struct ShardPasses: @unchecked Sendable {
    fileprivate let parts: PairParts
    fileprivate let outputs: Matrix
    fileprivate let shards: [Int]
    fileprivate let factor: Float
    fileprivate let scores: Matrix
    fileprivate let plane: Int
    @unsafe fileprivate let sums: UnsafeMutablePointer<Float>

    fileprivate var pieces: Int { shards.count - 1 }
    /// Additions of `score`, over all queries.
    var workOfScores: Int { pieces * plane }

    /// Sums the shards that a part of divided pairs has. Where a shard has pairs of two parts, the second goes
    /// on from the sums of the first: if these are not there yet, then whoever has made them does it.
    func sum(part: Int) {
      let own = parts.shards(of: part)
      guard !own.isEmpty else { return }
      let front = unsafe parts.sharedShard(before: part)
      let rear = unsafe parts.sharedShard(before: part + 1)
      let result = unsafe sum(
        own, of: View(parts[part].pointee.pairs, scratch: sums), telling: rear, awaiting: front)
      if result & HS_SHARDS_FIRST_LEFT != 0, unsafe hs_await_shard(front) == 1 { goOn(with: part) }
      if result & HS_SHARDS_LAST_AWAITED != 0 { goOn(with: part + 1) }
    }

    /// Adds what a part has of the shard within which it begins.
    private func goOn(with part: Int) {
      let first = parts.shards(of: part).lowerBound
      let left = unsafe sum(
        first..<first + 1, of: View(parts[part].pointee.pairs, scratch: sums), telling: nil,
        awaiting: parts.sharedShard(before: part))
      precondition(left == 0, "shard \(first) goes on before it has begun")
    }

    /// Sums some shards, of which `list` has all pairs, or the pairs of its part.
    @discardableResult
    fileprivate func sum(
      _ some: Range<Int>, of list: View, telling told: UnsafeMutablePointer<Int32>? = nil,
      awaiting awaited: UnsafeMutablePointer<Int32>? = nil
    ) -> Int32 {
      unsafe withUnsafeTemporaryAllocation(of: Int.self, capacity: some.count + 1) { firsts in
        let active = unsafe UnsafeBufferPointer(start: list.active, count: list.count)
        for (k, shard) in (some.lowerBound...some.upperBound).enumerated() {
          let first = unsafe SparseStep.position(of: Int32(shards[shard]), in: active)
          unsafe firsts[k] = Int(list.starts[first])
        }
        return unsafe hs_forward_pairs_f32(
          some.count, firsts.baseAddress!, list.owners!, list.rows, list.h, outputs.stride,
          outputs.pointer, plane, sums + some.lowerBound * plane, told, awaited)
      }
    }

    /// Adds the sums of shards to the scores of some queries.
    func score(_ queries: Range<Int>) {
      let first = queries.lowerBound * scores.stride
      unsafe hs_add_planes_f32(
        pieces, plane, queries.count * scores.stride, sums + first, factor, scores.pointer + first)
    }
  }
}
