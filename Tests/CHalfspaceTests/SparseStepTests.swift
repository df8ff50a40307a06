// SPDX-License-Identifier: Apache-2.0
import CHalfspace
import Testing

extension Kernels {
  @Suite struct SparseStepTests {
    /// Reports of all densities: (queries, neurons, percent).
    static let shapes = [
      (0, 0, 0), (0, 5, 0), (1, 40, 50), (1, 300, 100), (2, 130, 30), (3, 33, 0), (5, 17, 100),
      (40, 60, 90), (64, 200, 1), (64, 130, 4), (100, 15, 60), (130, 3, 70),
    ]

    // The last one is transposed range of rows by range.
    @Test(arguments: shapes + [(5, 40_000, 2)])
    func `a transpose lists what it should and leaves its scratch zero`(
      queries: Int, m: Int, percent: Int
    ) {
      var dice = Dice(seed: 13)
      let report = SparseReport(queries: queries, m: m, percent: percent, dice: &dice)
      atEveryLevel {
        let counts = Block(m, of: Int32(0))
        let room = min(m, report.pairs)
        let active = Block(room, of: Int32(-1))
        let starts = Block(room + 1, of: Int32(-1))
        let rows = Block(report.pairs, of: Int32(-1))
        let h = Block(report.pairs, of: Float(-1))
        let n = unsafe hs_transpose_report(
          queries, m, report.offsets.start, report.ids.start, report.values.start, counts.start,
          active.start, starts.start, rows.start, h.start)
        #expect(Array(active.elements.prefix(n)) == report.active)
        #expect(Array(starts.elements.prefix(n + 1)) == report.starts)
        #expect(rows.elements == report.rows)
        #expect(h.elements == report.h)
        #expect(counts.elements.allSatisfy { $0 == 0 })
      }
    }

    @Test(arguments: shapes)
    func `sampled products are the canonical products minus the threshold`(
      queries: Int, m: Int, percent: Int
    ) {
      var dice = Dice(seed: 14)
      let report = SparseReport(queries: queries, m: m, percent: percent, dice: &dice)
      let lists = report.lists
      for stride in [0, 16, 32, 48, 64, 80, 160] {
        let w = dice.rows(m, stride)
        let x = dice.rows(queries, stride)
        let b: Float = 0.75
        func sampled() -> Outcome {
          let h = Block(report.pairs, of: Float(-1))
          unsafe hs_sddmm_f32(
            0, report.neurons, lists.active.start, lists.starts.start, lists.rows.start, stride,
            w.start, x.start, b, h.start)
          return Outcome(h)
        }
        expectSameBitsAtEveryLevel("stride \(stride)") { sampled() }
        var expected = [Float](repeating: 0, count: report.pairs)
        for n in 0..<report.neurons {
          for e in report.entries(n) {
            let wn = Int(report.active[n]) * stride
            let xe = Int(report.rows[e]) * stride
            expected[e] = unsafe hs_dot_f32(stride, w.start + wn, x.start + xe) - b
          }
        }
        #expect(sampled() == Outcome(Block(expected)))
      }
    }

    @Test(arguments: shapes)
    func `gradients are the same at every level`(queries: Int, m: Int, percent: Int) {
      var dice = Dice(seed: 16)
      let report = SparseReport(queries: queries, m: m, percent: percent, dice: &dice)
      for (input, output) in [
        (16, 1), (32, 32), (48, 16), (64, 48), (80, 64), (160, 80), (0, 16), (32, 0),
      ] {
        let backward = Backward(report, input, output, dice: &dice)
        expectSameBitsAtEveryLevel("strides \(input), \(output)") {
          backward.gradients([0, report.neurons])
        }
      }
    }

    @Test(arguments: [(1, 40, 50), (5, 17, 100), (64, 130, 4), (100, 15, 60)])
    func `gradients depend neither on cuts nor on whether the other is wanted`(
      queries: Int, m: Int, percent: Int
    ) {
      var dice = Dice(seed: 30)
      let report = SparseReport(queries: queries, m: m, percent: percent, dice: &dice)
      let n = report.neurons
      for (input, output) in [(16, 1), (32, 32), (80, 64)] {
        let backward = Backward(report, input, output, dice: &dice)
        atEveryLevel {
          let whole = backward.gradients([0, n])
          #expect(backward.gradients([0, n / 3, n / 3, n / 2, n]) == whole)
          for one in [(true, false), (false, true)] {
            #expect(
              backward.gradients([0, n], wanted: one) == backward.gradients([0, n], kept: one))
          }
        }
      }
    }

    @Test(arguments: shapes)
    func `gradients agree with sums in Double`(queries: Int, m: Int, percent: Int) {
      var dice = Dice(seed: 17)
      let report = SparseReport(queries: queries, m: m, percent: percent, dice: &dice)
      for (input, output) in [(32, 32), (16, 1)] {
        let backward = Backward(report, input, output, dice: &dice, ordinary: true)
        let (gradW, gradA) = backward.blocks([0, report.neurons])
        var largest = 0.0  // error in units of the terms' size
        for n in 0..<report.neurons {
          let exact = backward.exact(n)
          let scale = 1 + exact.size
          for l in 0..<input {
            largest = max(largest, abs(Double(gradW[n * input + l]) - exact.w[l]) / scale)
          }
          for c in 0..<output {
            largest = max(largest, abs(Double(gradA[n * output + c]) - exact.a[c]) / scale)
          }
        }
        #expect(largest < 1e-5)
      }
    }

    @Test func `neurons without entries have zero gradients and disturb no others`() {
      var dice = Dice(seed: 18)
      let active = Block([Int32(0), 1, 2, 3, 4, 5, 6])
      let starts = Block([Int32(0), 0, 2, 2, 2, 5, 5, 5])
      let rows = Block([Int32(0), 1, 0, 1, 2])
      let h = dice.normals(5)
      let w = dice.normals(7 * 32)
      let x = dice.normals(3 * 32)
      for output in [1, 32] {
        let a = dice.normals(7 * output)
        let g = dice.normals(3 * output)
        expectSameBitsAtEveryLevel("output stride \(output)") {
          let gradW = Block(7 * 32, of: Float(9))
          let gradA = Block(7 * output, of: Float(9))
          let z = Block(5, of: Float(0))
          unsafe hs_sddmm_f32(
            0, 7, active.start, starts.start, rows.start, 32, w.start, x.start, 0, z.start)
          unsafe hs_backward_f32(
            0, 7, active.start, starts.start, rows.start, h.start, 32, x.start, output, a.start,
            g.start, gradW.start, gradA.start)
          for n in [0, 2, 3, 5, 6] {
            #expect(gradW.slice(n * 32, 32).allSatisfy { $0.bitPattern == 0 })
            #expect(gradA.slice(n * output, output).allSatisfy { $0.bitPattern == 0 })
          }
          #expect(gradW.slice(32, 32).contains { $0 != 0 && $0 != 9 })
          return Outcome(z, gradW, gradA)
        }
      }
    }
  }
}
