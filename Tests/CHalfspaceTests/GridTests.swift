// SPDX-License-Identifier: Apache-2.0
import CHalfspace
import Testing

extension Kernels {
  @Suite struct GridTests {
    /// A grid's half products. Beta's padding holds what must not matter.
    private struct Halves {
      let s1: Int
      let s2: Int
      let alpha: Block<Float>
      let beta: Block<Float>
      let largest: Float

      init(_ s1: Int, _ s2: Int, dice: inout Dice, undefined: Bool) {
        self.s1 = s1
        self.s2 = s2
        var a = (0..<s1).map { _ in dice.integer() }
        var b = (0..<s2).map { _ in dice.integer() }
        if undefined {
          a[dice.below(s1)] = .nan
          b[dice.below(s2)] = .nan
        }
        largest = b.contains { $0.isNaN } ? .nan : b.max()!
        let padding = (s2 + 15) / 16 * 16 - s2
        alpha = Block(a)
        beta = Block(b + .init(repeating: .infinity, count: padding))
      }

      /// Local numbers below `limit` that must be kept.
      func kept(above cutoff: Float, limit: Int) -> [Int32] {
        (0..<s1 * s2).prefix(limit).filter { !(beta[$0 % s2] <= cutoff - alpha[$0 / s2]) }
          .map { Int32($0) }
      }

      /// What the kernel keeps, asked again until all rows are done.
      func filtered(above cutoff: Float, limit: Int, capacity: Int) -> [Int32] {
        var result: [Int32] = []
        var row = 0
        while row < s1 {
          let locals = Block(capacity, of: Int32(-1))
          let start = row
          let count = unsafe hs_grid_filter_f32(
            s1, s2, alpha.start, beta.start, largest, cutoff, Int64(limit), &row, capacity,
            locals.start)
          #expect(row > start, "no progress")
          #expect(row == s1 || capacity - count < s2, "stopped with room left")
          result += locals.elements.prefix(count)
        }
        return result
      }
    }

    @Test func `products with a table have the same bits at every level`() {
      var dice = Dice(seed: 12)
      for stride in [16, 32, 48, 64, 80, 96, 128, 144, 208, 272] {
        for h in [1, 2, 3, 4, 5, 7, 8, 23] {
          let table = Block((0..<h * stride).map { _ in dice.normal() })
          let x = Block((0..<h).map { _ in dice.normal() })
          expectSameBitsAtEveryLevel("\(h) x \(stride)") {
            let products = Block(stride, of: Float.nan)
            unsafe hs_grid_products_f32(h, stride, table.start, x.start, products.start)
            for i in 0..<stride {
              let exact = (0..<h).reduce(0.0) {
                $0 + Double(table[$1 * stride + i]) * Double(x[$1])
              }
              #expect(abs(Double(products[i]) - exact) < 1e-4)
            }
            return Outcome(products)
          }
        }
      }
    }

    @Test func `the filter keeps exactly the pairs above the cutoff, in order`() {
      var dice = Dice(seed: 10)
      for s1 in [1, 2, 15, 16, 17, 40] {
        for s2 in [1, 15, 16, 17, 33, 64, 70] {
          let halves = Halves(s1, s2, dice: &dice, undefined: dice.below(3) == 0)
          for cutoff: Float in [-7, -2, 0, 3, 5, 6, .nan] {
            let limit = dice.below(2) == 0 ? s1 * s2 : dice.below(s1 * s2 + 1)
            let capacity = s2 + dice.below(s1 * s2)
            let expected = halves.kept(above: cutoff, limit: limit)
            atEveryLevel {
              let kept = halves.filtered(above: cutoff, limit: limit, capacity: capacity)
              #expect(kept == expected, "\(s1) x \(s2), cutoff \(cutoff), limit \(limit)")
            }
          }
        }
      }
    }

    @Test func `the filter stops and goes on at the same rows at every level`() {
      var dice = Dice(seed: 11)
      let halves = Halves(37, 45, dice: &dice, undefined: false)
      for extra in 0..<60 {
        expectSameBitsAtEveryLevel("capacity \(45 + extra)") {
          var outcome = Outcome()
          var row = 0
          while row < halves.s1 {
            let locals = Block(45 + extra, of: Int32(-1))
            let count = unsafe hs_grid_filter_f32(
              halves.s1, halves.s2, halves.alpha.start, halves.beta.start, halves.largest, 1,
              Int64(37 * 45), &row, 45 + extra, locals.start)
            outcome.add(row)
            outcome.add(locals, first: count)
          }
          return outcome
        }
      }
    }

    @Test(arguments: Array(stride(from: 0, through: 160, by: 16)))
    func `grid candidates are decided by the assembled rows`(stride: Int) {
      var dice = Dice(seed: 12)
      let (s1, s2) = (9, 13)
      let half = stride / 2
      var u: [Float] = []
      var v: [Float] = []
      for _ in 0..<s1 { u += dice.row(half) + .init(repeating: 0, count: stride - half) }
      for _ in 0..<s2 { v += .init(repeating: 0, count: half) + dice.row(stride - half) }
      let (uRows, vRows) = (Block(u), Block(v))
      var sums: [Float] = []
      for local in 0..<s1 * s2 {
        let (i, j) = local.quotientAndRemainder(dividingBy: s2)
        for l in 0..<stride { sums.append(u[i * stride + l] + v[j * stride + l]) }
      }
      let assembled = Block(sums)
      let x = dice.integers(stride)
      let first = Int64(1) << 40
      for count in 0...70 {
        let locals = Block((0..<count).map { _ in Int32(dice.below(s1 * s2)) })
        let tie = unsafe hs_dot_f32(stride, assembled.start, x.start)
        let b = count % 3 == 0 ? tie : Float(count % 4)
        func recheck() -> Outcome {
          let ids = Block(count, of: Int64(-1))
          let values = Block(count, of: Float(-1))
          let fired = unsafe hs_grid_recheck_f32(
            count, locals.start, s2, stride, uRows.start, vRows.start, x.start, b, first,
            ids.start, values.start)
          var outcome = Outcome()
          outcome.add(ids, first: fired)
          outcome.add(values, first: fired)
          return outcome
        }
        expectSameBitsAtEveryLevel("\(count) candidates, stride \(stride), b \(b)") { recheck() }
        // The same decisions as over stored rows.
        let ids = Block(count, of: Int32(-1))
        let values = Block(count, of: Float(-1))
        let fired = unsafe hs_recheck_f32(
          count, locals.start, stride, assembled.start, x.start, b, ids.start, values.start)
        var expected = Outcome()
        for id in ids.elements.prefix(fired) { expected.add(Int(first) + Int(id)) }
        expected.add(values, first: fired)
        #expect(recheck() == expected)
      }
    }

    @Test(arguments: [(20, 1), (20, 3), (31, 1000), (46_340, 46_341), (40_000, 7)])
    func `local numbers are split correctly up to the largest`(s1: Int, s2: Int) {
      // Row i of U is i + 1 in lane 0, row j of V is j + 1 in lane 1: x picks one of them.
      func rows(_ count: Int, lane: Int) -> Block<Float> {
        var rows = [Float](repeating: 0, count: count * 16)
        for i in 0..<count { rows[i * 16 + lane] = Float(i + 1) }
        return Block(rows)
      }
      let (u, v) = (rows(s1, lane: 0), rows(s2, lane: 1))
      let numbers = [0, 1, s1 / 3, s1 / 2, s1 - 2, s1 - 1].flatMap { i in
        [0, s2 / 3, s2 / 2, s2 - 1].map { j in (i, j) }
      }
      let locals = Block(numbers.map { Int32($0 * s2 + $1) })
      for axis in 0..<2 {
        let x = Block((0..<16).map { Float($0 == axis ? 1 : 0) })
        let expected = numbers.map { Float((axis == 0 ? $0 : $1) + 1) }
        atEveryLevel {
          let ids = Block(numbers.count, of: Int64(-1))
          let values = Block(numbers.count, of: Float(-1))
          let fired = unsafe hs_grid_recheck_f32(
            numbers.count, locals.start, s2, 16, u.start, v.start, x.start, 0, 0, ids.start,
            values.start)
          #expect(fired == numbers.count)
          #expect(values.elements == expected)
        }
      }
    }
  }
}
