// SPDX-License-Identifier: Apache-2.0
import CHalfspace
import Testing

extension Kernels {
  @Suite struct SharedSumTests {
    @Test(arguments: SparseStepTests.shapes + [(1, 900, 7)])
    func `sums of shards, combined, are the sums of one process`(
      queries: Int, m: Int, percent: Int
    ) {
      var dice = Dice(seed: 43)
      let report = SparseReport(queries: queries, m: m, percent: percent, dice: &dice)
      for shards in [[0, m], [0, m / 3, m / 3, m / 2, m]] {
        let bounds = Block(shards)
        let pieces = shards.count - 1
        for stride in [1, 16, 32, 48, 64, 80, 144] {
          let a = dice.rows(m, stride)
          let plane = (queries + 2) * stride
          func shared() -> Outcome {
            let sums = Block(pieces * plane, of: Float(9))
            unsafe hs_forward_shards_f32(
              queries, report.offsets.start, report.ids.start, report.values.start, a.start, pieces,
              bounds.start, stride, plane, sums.start)
            for piece in 0..<pieces {
              // Room between the shards is left alone.
              let gap = sums.slice(piece * plane + queries * stride, 2 * stride)
              #expect(gap.allSatisfy { $0 == 9 })
            }
            let out = Block(queries * stride, of: Float(9))
            unsafe hs_add_planes_f32(
              pieces, plane, queries * stride, sums.start, 0.3, out.start)
            return Outcome(sums, out)
          }
          expectSameBitsAtEveryLevel("stride \(stride)") { shared() }
          func scores(_ fill: (UnsafeMutablePointer<Float>) -> Void) -> Outcome {
            let out = Block(queries * stride, of: Float(9))
            unsafe fill(out.start)
            return Outcome(out)
          }
          let alone = unsafe scores { out in
            unsafe hs_forward_queries_f32(
              queries, report.offsets.start, report.ids.start, report.values.start, a.start, nil,
              nil, nil, nil, pieces, bounds.start, stride, 0.3, out)
          }
          let combined = unsafe scores { out in
            let sums = Block(pieces * plane, of: Float(9))
            unsafe hs_forward_shards_f32(
              queries, report.offsets.start, report.ids.start, report.values.start, a.start, pieces,
              bounds.start, stride, plane, sums.start)
            unsafe hs_add_planes_f32(pieces, plane, queries * stride, sums.start, 0.3, out)
          }
          #expect(alone == combined, "stride \(stride), shards \(shards)")
        }
      }
    }

    @Test(arguments: [0, 1, 7, 15, 16, 17, 64, 100], [1, 2, 5])
    func `planes are added in order, and nothing else is touched`(count: Int, pieces: Int) {
      var dice = Dice(seed: 44)
      let plane = count + 3
      let parts = dice.rows(pieces, plane)
      func added() -> Outcome {
        let out = Block(count + 2, of: Float(9))
        unsafe hs_add_planes_f32(pieces, plane, count, parts.start, 1.5, out.start)
        #expect(out.slice(count, 2) == [9, 9])
        return Outcome(out)
      }
      expectSameBitsAtEveryLevel("\(count), \(pieces)") { added() }
      var expected: [Float] = []
      for i in 0..<count {
        var total = parts[i]
        for piece in 1..<max(1, pieces) { total += parts[piece * plane + i] }
        expected.append(total * 1.5)
      }
      #expect(added() == Outcome(Block(expected + [9, 9])))
    }
  }
}
