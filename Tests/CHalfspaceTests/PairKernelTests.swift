// SPDX-License-Identifier: Apache-2.0
import CHalfspace
import Testing

extension Kernels {
  /// The kernels on reports row by row, against their definitions and against those on reports query by
  /// query.
  @Suite struct PairKernelTests {
    private func bytes(_ count: Int, _ dice: inout Dice) -> [UInt8] {
      (0..<count).map { _ in dice.below(16) == 0 ? 255 : UInt8(dice.below(256)) }
    }

    @Test(arguments: [1, 2, 5, 9, 16])
    func `the filter keeps what the filter of batches keeps, row by row`(groups: Int) {
      var dice = Dice(seed: 50)
      for m in [0, 1, 64, 65, 200] {
        let tiles = (m + 63) / 64
        let codes = bytes(tiles * 256 * groups, &dice)
        let spans = [Int32](repeating: .max, count: tiles)
        for n in [1, 5, 8, 33, 62, 63, 64, 65, 150, 300] {
          let q = bytes(n * 4 * groups, &dice).map { Int8(bitPattern: $0) / 2 }
          let starts = [Int32](repeating: 0, count: n * (1 + (groups + 7) / 8))
          // Rows with no query, few, most and all of them.
          let spread = 40_000 * Int(Double(groups).squareRoot())
          let thresholds = (0..<(tiles * n)).map { k -> Int32 in
            switch k / max(1, n) {
            case 1: .min
            case 2: .max
            default: Int32(dice.below(spread) - spread / 8)
            }
          }
          var expected: [[Int32]] = []
          var counts = [Int32](repeating: 0, count: n)
          var candidates = [Int32](repeating: 0, count: n * (m + 16))
          unsafe hs_tile_filter_batch(
            m, groups, codes, spans, n, q, starts, .max, thresholds, 7, 16, nil,
            Int32(HS_FEW_KEPT), m + 16, &counts, &candidates)
          for k in 0..<n {
            for i in 0..<Int(counts[k]) {
              expected.append([candidates[k * (m + 16) + i], Int32(k)])
            }
          }
          expected.sort { $0[0] == $1[0] ? $0[1] < $1[1] : $0[0] < $1[0] }
          atEveryLevel {
            var ids = [Int32](repeating: -1, count: m * n + 16)
            var queries = ids
            var order = [Int8](repeating: 0, count: (n + 63) / 64 * 256 * groups)
            let isOrdered = unsafe hs_query_lanes(n, groups, q, &order) != 0
            let lanes = isOrdered ? order : nil
            let stride = [16, 32, 80][n % 3]
            let rows = n == 63 ? nil : [Float](repeating: 0, count: stride * m)
            let kept = unsafe hs_tile_filter_pairs(
              m, groups, codes, spans, n, q, lanes, starts, .max, thresholds, 7, stride, rows, &ids,
              &queries)
            #expect(
              (0..<kept).map { [ids[$0], queries[$0]] } == expected, "\(m) rows, \(n) queries")
            // Rows have room for a word more.
            let words = (n + 63) / 64 + 1
            var masks = [UInt64](repeating: 7, count: tiles * 64 * words)
            let marked = unsafe hs_tile_pair_masks(
              m, groups, codes, spans, n, q, lanes, starts, .max, thresholds, words, &masks)
            var pairs: [[Int32]] = []
            for r in 0..<(tiles * 64) {
              for j in 0..<(64 * (words - 1)) {
                let word: UInt64 = masks[(r / 64 * words + j / 64) * 64 + r % 64]
                if word >> UInt64(j % 64) & 1 == 1 { pairs.append([7 + Int32(r), Int32(j)]) }
              }
            }
            #expect(pairs == expected && marked == kept, "bits of \(m) rows, \(n) queries")
            #expect((0..<tiles).allSatisfy { masks[($0 * words + words - 1) * 64] == 7 })
            guard n <= Int(HS_WORD_QUERIES) else { return }
            var shortRows = [UInt16](repeating: 0, count: m * n + Int(HS_WORD_OVERRUN))
            var shortQueries = [UInt8](repeating: 0, count: m * n + Int(HS_WORD_OVERRUN))
            let listed = unsafe hs_tile_filter_word(
              m, groups, codes, spans, n, q, lanes, starts, .max, thresholds, stride, rows,
              &shortRows, &shortQueries)
            #expect(
              (0..<listed).map { [7 + Int32(shortRows[$0]), Int32(shortQueries[$0])] } == expected,
              "\(m) rows, a word of \(n) queries")
          }
        }
      }
    }

    @Test(arguments: SparseStepTests.shapes + [(70, 300, 60)])
    func `pairs are decided, grouped and listed as their definitions say`(
      queries: Int, m: Int, percent: Int
    ) {
      var dice = Dice(seed: 51)
      let report = SparseReport(queries: queries, m: m, percent: percent, dice: &dice)
      let lists = report.lists
      let pairs = report.pairs
      let owners = Block(pairs + 16, of: Int32(-1))
      expectSameBitsAtEveryLevel("owners") {
        let own = owners.copy()
        unsafe hs_list_owners(report.neurons, lists.active.start, lists.starts.start, own.start)
        var outcome = Outcome()
        outcome.add(own, first: pairs)
        return outcome
      }
      unsafe hs_list_owners(report.neurons, lists.active.start, lists.starts.start, owners.start)
      expectSameBitsAtEveryLevel("groups") {
        let active = Block(pairs + 17, of: Int32(-1))
        let starts = active.copy()
        let n = unsafe hs_group_pairs(pairs, owners.start, active.start, starts.start)
        #expect(Array(active.elements.prefix(n)) == report.active)
        #expect(Array(starts.elements.prefix(n + 1)) == report.starts)
        var outcome = Outcome()
        outcome.add(n)
        return outcome
      }
      for stride in [0, 16, 32, 48, 64, 80, 176] {
        let w = dice.rows(m, stride)
        let x = dice.rows(queries, stride)
        expectSameBitsAtEveryLevel("stride \(stride)") {
          let h = Block(pairs, of: Float(3))
          let third = pairs / 3
          for (first, last) in [(0, third), (third, third), (third, pairs)] {
            unsafe hs_pair_dots_f32(
              first, last, owners.start, lists.rows.start, stride, w.start, x.start, 0.5, h.start)
          }
          let (ids, rows) = (Block(pairs + 16, of: Int32(-1)), Block(pairs + 16, of: Int32(-1)))
          let values = Block(pairs + 16, of: Float(3))
          let fired = unsafe hs_recheck_pairs_f32(
            pairs, owners.start, lists.rows.start, stride, w.start, x.start, 0.5, ids.start,
            rows.start, values.start)
          let expected = (0..<pairs).filter { h[$0] > 0 }
          #expect(fired == expected.count)
          for (k, e) in expected.enumerated() {
            #expect(ids[k] == owners[e] && rows[k] == lists.rows[e] && values[k] == h[e])
          }
          if queries <= Int(HS_WORD_QUERIES) {
            // Rows from the second third on, counted from there.
            let (begin, count) = (third, pairs - third)
            let before = count > 0 ? owners[begin] : 0
            let shortRows = (begin..<pairs).map { UInt16(owners[$0] - before) }
            let shortQueries = (begin..<pairs).map { UInt8(lists.rows[$0]) }
            let kept = unsafe hs_recheck_word_f32(
              count, shortRows, shortQueries, before, stride, w.start + Int(before) * stride,
              x.start, 0.5, ids.start, rows.start, values.start)
            let late = expected.filter { $0 >= begin }
            #expect(kept == late.count)
            for (k, e) in late.enumerated() {
              #expect(ids[k] == owners[e] && rows[k] == lists.rows[e] && values[k] == h[e])
            }
          }
          var outcome = Outcome(h)
          outcome.add(fired)
          return outcome
        }
      }
    }

    @Test(arguments: SparseStepTests.shapes + [(70, 300, 60), (3, 0, 50)])
    func `outputs summed pair by pair are those summed query by query`(
      queries: Int, m: Int, percent: Int
    ) {
      var dice = Dice(seed: 52)
      let report = SparseReport(queries: queries, m: m, percent: percent, dice: &dice)
      let lists = report.lists
      let owners = Block(report.pairs + 16, of: Int32(-1))
      unsafe hs_list_owners(report.neurons, lists.active.start, lists.starts.start, owners.start)
      for shards in [[0, m], [0, m / 7, m / 7, m / 3, m / 2, m / 2, m]] {
        let pieces = shards.count - 1
        let first = shards.map { shard in
          report.starts[report.active.firstIndex { $0 >= shard } ?? report.neurons]
        }
        let begins = Block(first.map { Int($0) })
        for stride in [1, 16, 32, 48, 64, 80, 176] {
          let a = dice.rows(m, stride)
          let plane = queries * stride
          expectSameBitsAtEveryLevel("stride \(stride), \(pieces) shards") {
            let expected = Block(plane, of: Float(3))
            unsafe hs_forward_queries_f32(
              queries, report.offsets.start, report.ids.start, report.values.start, a.start, nil,
              nil, nil, nil, pieces, shards, stride, 0.7, expected.start)
            let sums = Block(pieces * plane, of: Float(3))
            let out = Block(plane, of: Float(3))
            let result = unsafe hs_forward_pairs_f32(
              pieces, begins.start, owners.start, lists.rows.start, lists.h.start, stride, a.start,
              plane, sums.start, nil, nil)
            #expect(result == 0)
            unsafe hs_add_planes_f32(pieces, plane, plane, sums.start, 0.7, out.start)
            #expect(Outcome(out) == Outcome(expected))
            // The same in two parts, which share a shard.
            for shared in 0..<pieces {
              let divided = Block(pieces * plane, of: Float(3))
              expectSharedShard(
                shared, begins, divided, lists: (owners, lists.rows, lists.h), stride: stride,
                a: a, plane: plane)
              #expect(Outcome(divided) == Outcome(sums), "shard \(shared) of two parts")
            }
            return Outcome(out)
          }
        }
      }
    }

    /// Sums shards in two parts, of which each has half of the pairs of one shard: the second part once before the
    /// first, once after it.
    private func expectSharedShard(
      _ shared: Int, _ begins: Block<Int>, _ sums: Block<Float>,
      lists: (owners: Block<Int32>, rows: Block<Int32>, h: Block<Float>), stride: Int,
      a: Block<Float>, plane: Int
    ) {
      let word = Block([Int32(0)])
      let middle = (begins[shared] + begins[shared + 1]) / 2
      let front = Block((0...shared).map { begins[$0] } + [middle])
      let rear = Block([middle] + (shared + 1..<begins.count).map { begins[$0] })
      func sum(_ firsts: Block<Int>, _ count: Int, from shard: Int, isFront: Bool) -> Int32 {
        unsafe hs_forward_pairs_f32(
          count, firsts.start, lists.owners.start, lists.rows.start, lists.h.start, stride, a.start,
          plane, sums.start + shard * plane, isFront ? word.start : nil,
          isFront ? nil : word.start)
      }
      func sumFront() -> Int32 { sum(front, shared + 1, from: 0, isFront: true) }
      func sumRear() -> Int32 { sum(rear, rear.count - 1, from: shared, isFront: false) }
      if shared % 2 == 0 {
        #expect(sumRear() == HS_SHARDS_FIRST_LEFT)
        #expect(unsafe hs_await_shard(word.start) == 0)
        #expect(sumFront() == HS_SHARDS_LAST_AWAITED)
        #expect(sum(rear, 1, from: shared, isFront: false) == 0)
      } else {
        #expect(sumFront() == 0)
        #expect(unsafe hs_await_shard(word.start) == 1)
        #expect(sumRear() == 0)
      }
      #expect(word[0] == HS_SHARD_DONE)
    }
  }
}
