// SPDX-License-Identifier: Apache-2.0
import CHalfspace
import Testing

extension Kernels {
  /// The kernels that do several passes in one, against those passes one after another.
  @Suite struct SGDStepTests {
    @Test(arguments: SparseStepTests.shapes + [(1, 700, 90), (70, 300, 60)])
    func `backward with the update of plain SGD is backward, then adding rows`(
      queries: Int, m: Int, percent: Int
    ) {
      var dice = Dice(seed: 40)
      let report = SparseReport(queries: queries, m: m, percent: percent, dice: &dice)
      let lists = report.lists
      let n = report.neurons
      let owners = Block(report.pairs + 16, of: Int32(-1))
      unsafe hs_list_owners(n, lists.active.start, lists.starts.start, owners.start)
      for (input, output) in [
        (16, 1), (32, 1), (64, 1), (80, 1), (32, 32), (48, 16), (64, 48), (80, 64), (176, 80),
        (0, 16), (32, 0),
      ] {
        let x = dice.rows(queries, input)
        let g = dice.rows(queries, output)
        let w = dice.rows(m, input)
        let a = dice.rows(m, output)
        func plain(_ trainsOutputs: Bool) -> Outcome {
          let (w, a) = (w.copy(), a.copy())
          let gradW = Block(n * input, of: Float(3))
          let gradA = Block(n * output, of: Float(3))
          unsafe hs_backward_f32(
            0, n, lists.active.start, lists.starts.start, lists.rows.start, lists.h.start, input,
            x.start, output, a.start, g.start, gradW.start, gradA.start)
          unsafe hs_add_rows_f32(n, lists.active.start, input, -0.3, gradW.start, w.start)
          if trainsOutputs {
            unsafe hs_add_rows_f32(n, lists.active.start, output, 0.7, gradA.start, a.start)
          }
          return Outcome(w, a)
        }
        func fused(_ trainsOutputs: Bool, _ cuts: [Int], hasOwners: Bool) -> Outcome {
          let (w, a) = (w.copy(), a.copy())
          let slopes = Block(report.pairs, of: Float(3))
          for (begin, end) in zip(cuts, cuts.dropFirst()) {
            _ = unsafe hs_backward_sgd_f32(
              begin, end, lists.active.start, lists.starts.start, lists.rows.start,
              hasOwners ? owners.start : nil, lists.h.start, input, x.start, output, g.start, -0.3,
              w.start, 0.7,
              trainsOutputs ? 1 : 0, a.start, slopes.start, nil)
          }
          return Outcome(w, a)
        }
        for trainsOutputs in [true, false] {
          let expected = plain(trainsOutputs)
          atEveryLevel {
            for hasOwners in [false, true] {
              #expect(
                fused(trainsOutputs, [0, n], hasOwners: hasOwners) == expected,
                "strides \(input), \(output)")
              #expect(
                fused(trainsOutputs, [0, n / 3, n / 3, n / 2, n], hasOwners: hasOwners) == expected,
                "strides \(input), \(output), in pieces")
            }
          }
        }
      }
    }

    @Test(arguments: SparseStepTests.shapes + [(1, 700, 90), (70, 300, 60)])
    func `bounds of moves are what their definition says, whatever the shapes`(
      queries: Int, m: Int, percent: Int
    ) {
      var dice = Dice(seed: 62)
      let report = SparseReport(queries: queries, m: m, percent: percent, dice: &dice)
      let lists = report.lists
      let n = report.neurons
      let norms = Block((0..<queries).map { _ in abs(dice.normal()) })
      for (input, output) in [(16, 1), (48, 1), (80, 1), (32, 32), (80, 16)] {
        let x = dice.rows(queries, input)
        let g = dice.rows(queries, output)
        let w = dice.rows(m, input)
        let a = dice.rows(m, output)
        let slopes = Block(report.pairs, of: Float(3))
        let bounds = Block(n, of: Float(-1))
        for cuts in [[0, n], [0, n / 3, n / 3, n / 2, n]] {
          var largest: [Float] = []
          expectSameBitsAtEveryLevel("strides \(input), \(output)") {
            largest = zip(cuts, cuts.dropFirst()).map { begin, end in
              let (w, a) = (w.copy(), a.copy())
              var moves = unsafe hs_move_bounds(
                norms: norms.start, factor: 0.5, floor: 0.25, bounds: bounds.start)
              return unsafe hs_backward_sgd_f32(
                begin, end, lists.active.start, lists.starts.start, lists.rows.start, nil,
                lists.h.start, input, x.start, output, g.start, -0.3, w.start, 0.7, 1, a.start,
                slopes.start, &moves)
            }
            return Outcome(bounds, slopes, Block(largest))
          }
          let expected = (0..<n).map { k in
            report.entries(k).reduce(Float(0)) {
              $0 + abs(slopes[$1]) * norms[Int(report.rows[$1])]
            } * 0.5 + 0.25
          }
          #expect(Outcome(bounds) == Outcome(Block(expected)))
          #expect(largest.max() == expected.reduce(0) { $1 > $0 ? $1 : $0 })
        }
      }
    }

    @Test func `the largest bound is one that is a number`() {
      let active = Block([Int32(0), 1, 2])
      let starts = Block([Int32(0), 1, 2, 3])
      let rows = Block([Int32(0), 1, 2])
      let bounds = Block<Float>([9, 9, 9])
      func largest(_ norms: [Float]) -> Float {
        let norms = Block(norms)
        var moves = unsafe hs_move_bounds(
          norms: norms.start, factor: 1, floor: 0.5, bounds: bounds.start)
        let (h, g) = (Block<Float>([1, 1, 1]), Block<Float>([2, 2, 2]))
        let (x, w) = (Block<Float>(48, of: 1), Block<Float>(48, of: 1))
        let (a, slopes) = (Block<Float>([1, 1, 1]), Block<Float>([0, 0, 0]))
        return unsafe hs_backward_sgd_f32(
          0, 3, active.start, starts.start, rows.start, nil, h.start, 16, x.start, 1, g.start, -1,
          w.start, -1, 1, a.start, slopes.start, &moves)
      }
      atEveryLevel {
        #expect(largest([1, .nan, 3]) == 6.5)
        #expect(largest([1, .infinity, .nan]) == .infinity)
        #expect(largest([.nan, .nan, .nan]) == 0)
      }
    }

    @Test func `neurons without entries are left alone`() {
      var dice = Dice(seed: 41)
      let active = Block([Int32(0), 1, 2, 3, 4, 5, 6])
      let rows = Block([Int32(0), 1, 0, 1, 2])
      let h = dice.normals(5)
      // Several queries; and as many entries as neurons, all of one query.
      for starts in [[Int32(0), 0, 2, 2, 2, 5, 5, 5], [0, 2, 2, 3, 3, 4, 5, 5]].map({ Block($0) }) {
        for (input, output) in [(32, 32), (16, 1), (80, 16)] {
          let x = dice.normals(3 * input)
          let g = dice.normals(3 * output)
          let w = dice.normals(7 * input)
          let a = dice.normals(7 * output)
          expectSameBitsAtEveryLevel("strides \(input), \(output)") {
            let (moved, movedOutputs) = (w.copy(), a.copy())
            let slopes = Block(5, of: Float(0))
            _ = unsafe hs_backward_sgd_f32(
              0, 7, active.start, starts.start, rows.start, nil, h.start, input, x.start, output,
              g.start, -0.5, moved.start, -0.5, 1, movedOutputs.start, slopes.start, nil)
            for n in 0..<7 {
              let isEmpty = starts[n] == starts[n + 1]
              #expect((moved.slice(n * input, input) == w.slice(n * input, input)) == isEmpty)
              #expect(
                (movedOutputs.slice(n * output, output) == a.slice(n * output, output)) == isEmpty)
            }
            return Outcome(moved, movedOutputs)
          }
        }
      }
    }

    @Test(arguments: SparseStepTests.shapes + [(1, 900, 7)])
    func `outputs are sums over neurons in order, shard by shard`(
      queries: Int, m: Int, percent: Int
    ) {
      var dice = Dice(seed: 42)
      let report = SparseReport(queries: queries, m: m, percent: percent, dice: &dice)
      let more = SparseReport(queries: queries, m: 20, percent: 10, dice: &dice)
      for shards in [[0, m], [0, m / 3, m / 3, m / 2, m]] {
        let bounds = Block(shards)
        for stride in [1, 16, 32, 48, 64, 80, 144] {
          let a = dice.rows(m, stride)
          let b = dice.rows(20, stride)
          for addsMore in [false, true] {
            func forward() -> Outcome {
              let out = Block(queries * stride, of: Float(9))
              unsafe hs_forward_queries_f32(
                queries, report.offsets.start, report.ids.start, report.values.start, a.start,
                addsMore ? more.offsets.start : nil, more.ids.start, more.values.start, b.start,
                shards.count - 1, bounds.start, stride, 0.3, out.start)
              return Outcome(out)
            }
            expectSameBitsAtEveryLevel("stride \(stride)") { forward() }
            var expected: [Float] = []
            for q in 0..<queries {
              var total = [Float](repeating: 0, count: stride)
              for (piece, (begin, end)) in zip(shards, shards.dropFirst()).enumerated() {
                var sum = [Float](repeating: 0, count: stride)
                for (neuron, h) in report.firing(q) where (begin..<end).contains(neuron) {
                  for c in 0..<stride { sum[c].addProduct(h, a[neuron * stride + c]) }
                }
                if addsMore && piece == shards.count - 2 {
                  for (neuron, h) in more.firing(q) {
                    for c in 0..<stride { sum[c].addProduct(h, b[neuron * stride + c]) }
                  }
                }
                total = piece == 0 ? sum : zip(total, sum).map { $0 + $1 }
              }
              expected += total.map { $0 * 0.3 }
            }
            #expect(forward() == Outcome(Block(expected)), "stride \(stride)")
          }
        }
      }
    }
  }
}

extension SparseReport {
  /// The neurons that fire on a query, with their values.
  fileprivate func firing(_ query: Int) -> [(Int, Float)] {
    (offsets[query]..<offsets[query + 1]).map { (Int(ids[$0]), values[$0]) }
  }
}
