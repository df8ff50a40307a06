// SPDX-License-Identifier: Apache-2.0
import CHalfspace
import Testing

extension Kernels {
  /// Kernels over sparse input rows, against the kernels over the rows with their zeros.
  @Suite struct SparseRowTests {
    /// The floats as numbers: without the sign of zeros.
    private func numbers(_ floats: Block<Float>) -> Outcome {
      Outcome(Block(floats.elements.map { $0 == 0 ? 0 : $0 }))
    }

    @Test(arguments: [16, 32, 48, 64, 80, 128, 176, 1040], [2, 20, 100])
    func `inner products are those of the rows with their zeros`(stride: Int, percent: Int) {
      var dice = Dice(seed: 60)
      for (m, queries) in [(0, 3), (1, 1), (15, 4), (16, 2), (37, 9)] {
        let x = GatheredRows(queries: queries, stride: stride, percent: percent, dice: &dice)
        #expect(x.marks.elements.allSatisfy { $0 == 0 })
        let w = dice.rows(m, stride)
        let ldz = m + 3
        let dense = Block(queries * ldz, of: Float(7))
        // The product is the same number whichever of the two is called the row.
        unsafe hs_preactivations_f32(
          queries, m, stride, x.dense.start, w.start, dense.start, ldz)
        func sparse() -> Block<Float> {
          let z = Block(queries * ldz, of: Float(7))
          let tile = Block(16 * stride, of: Float.nan)
          unsafe hs_sparse_preactivations_f32(
            m, stride, w.start, x.view.start, tile.start, z.start, ldz)
          return z
        }
        expectSameBitsAtEveryLevel("stride \(stride), \(m) rows") { Outcome(sparse()) }
        #expect(numbers(sparse()) == numbers(dense), "stride \(stride), \(m) rows")
      }
    }

    @Test(arguments: SparseStepTests.shapes, [3, 30])
    func `backward is backward, then the optimizer, then adding rows`(
      shape: (Int, Int, Int), percent: Int
    ) {
      let (queries, m, firing) = shape
      var dice = Dice(seed: 61)
      let report = SparseReport(queries: queries, m: m, percent: firing, dice: &dice)
      let lists = report.lists
      let n = report.neurons
      for (input, output) in [(16, 1), (32, 16), (80, 48), (176, 32)] {
        let x = GatheredRows(queries: queries, stride: input, percent: percent, dice: &dice)
        // Ordinary numbers: where a gradient is infinite, a zero beside it makes a NaN.
        let g = dice.normals(queries * output)
        let w = dice.normals(m * input)
        let a = dice.normals(m * output)
        let s = Block(dice.normals(m * input).elements.map { $0 * $0 })
        for (hasState, hasAverage) in [(false, false), (true, false), (false, true), (true, true)] {
          func dense() -> [Block<Float>] {
            let (w, s, sum) = (w.copy(), s.copy(), w.copy())
            let gradient = Block(n * input, of: Float(3))
            unsafe hs_backward_f32(
              0, n, lists.active.start, lists.starts.start, lists.rows.start, lists.h.start, input,
              x.dense.start, output, a.start, g.start, gradient.start, nil)
            if hasState {
              unsafe hs_adagrad_rows_f32(
                n, lists.active.start, input, 1e-3, gradient.start, s.start)
            }
            unsafe hs_add_rows_f32(n, lists.active.start, input, -0.3, gradient.start, w.start)
            if hasAverage {
              unsafe hs_add_rows_f32(n, lists.active.start, input, -0.7, gradient.start, sum.start)
            }
            return [w, s, sum]
          }
          func sparse(_ cuts: [Int]) -> [Block<Float>] {
            let (w, s, sum) = (w.copy(), s.copy(), w.copy())
            let gradient = Block(input, of: Float(0))
            for (begin, end) in zip(cuts, cuts.dropFirst()) {
              unsafe hs_sparse_backward_f32(
                begin, end, lists.active.start, lists.starts.start, lists.rows.start, x.view.start,
                input, output, a.start, g.start, 1e-3, hasState ? s.start : nil, -0.3, w.start,
                -0.7, hasAverage ? sum.start : nil, gradient.start)
            }
            #expect(gradient.elements.allSatisfy { $0 == 0 })
            return [w, s, sum]
          }
          let expected = dense().map(numbers)
          atEveryLevel {
            #expect(sparse([0, n]).map(numbers) == expected, "strides \(input), \(output)")
          }
          #expect(sparse([0, n / 3, n]).map(numbers) == expected)
          expectSameBitsAtEveryLevel("strides \(input), \(output)") {
            var outcome = Outcome()
            for block in sparse([0, n]) { outcome.add(block) }
            return outcome
          }
        }
      }
    }
  }
}
