// SPDX-License-Identifier: Apache-2.0
import CHalfspace
import Testing

extension Kernels {
  @Suite struct OptimizerTests {
    /// Listed rows with gradients and states, and what became of them.
    private struct Rows {
      let stride: Int
      let ids: Block<Int32>
      let g: Block<Float>
      let u: Block<Float>
      let v: Block<Float>

      init(_ n: Int, stride: Int, dice: inout Dice) {
        self.stride = stride
        let chosen = (0..<2 * n + 1).filter { _ in dice.below(2) == 0 }.prefix(n)
        ids = Block(chosen.map { Int32($0) })
        g = dice.rows(chosen.count, stride)
        u = dice.rows(2 * n + 1, stride)
        v = Block(dice.rows(2 * n + 1, stride).elements.map { abs($0) })
      }

      /// The bits after `body` ran on copies of g, u and v.
      func after(
        _ body: (_ g: Block<Float>, _ u: Block<Float>, _ v: Block<Float>) -> Void
      ) -> Outcome {
        let (g, u, v) = (g.copy(), u.copy(), v.copy())
        body(g, u, v)
        return Outcome(g, u, v)
      }

      /// The bits expected when `rule` is applied to one element of g, u and v after another.
      func expected(_ rule: (inout Float, inout Float, inout Float) -> Void) -> Outcome {
        var (g, u, v) = (g.elements, u.elements, v.elements)
        for k in 0..<ids.count {
          for l in 0..<stride {
            let state = Int(ids[k]) * stride + l
            rule(&g[k * stride + l], &u[state], &v[state])
          }
        }
        return Outcome(Block(g), Block(u), Block(v))
      }

      /// Expects every level to do what `rule` does.
      func expectEveryLevel(
        _ rule: (inout Float, inout Float, inout Float) -> Void,
        _ body: (_ g: Block<Float>, _ u: Block<Float>, _ v: Block<Float>) -> Void
      ) {
        let expected = expected(rule)
        atEveryLevel {
          #expect(after(body) == expected, "\(ids.count) rows of stride \(stride)")
        }
      }
    }

    private func forEachShape(_ body: (Rows) -> Void) {
      var dice = Dice(seed: 19)
      for stride in [1, 3, 16, 17, 32, 48, 64, 80, 100, 160] {
        for n in [0, 1, 2, 15, 16, 17, 50, 130] where n * stride < 8000 {
          body(Rows(n, stride: stride, dice: &dice))
        }
      }
    }

    @Test func `rows are added to`() {
      forEachShape { rows in
        rows.expectEveryLevel { g, u, _ in
          u = u.addingProduct(-0.3, g)
        } _: { g, u, _ in
          unsafe hs_add_rows_f32(
            rows.ids.count, rows.ids.start, rows.stride, -0.3, g.start, u.start)
        }
      }
    }

    @Test func `AdaGrad steps follow their definition`() {
      let epsilon: Float = 1e-6
      forEachShape { rows in
        rows.expectEveryLevel { g, _, v in
          v = v.addingProduct(g, g)
          g = g / (v.squareRoot() + epsilon)
        } _: { g, _, v in
          unsafe hs_adagrad_rows_f32(
            rows.ids.count, rows.ids.start, rows.stride, epsilon, g.start, v.start)
        }
      }
    }

    @Test func `momentum steps follow their definition`() {
      forEachShape { rows in
        rows.expectEveryLevel { g, u, _ in
          u = g.addingProduct(0.9, u)
          g = u
        } _: { g, u, _ in
          unsafe hs_momentum_rows_f32(
            rows.ids.count, rows.ids.start, rows.stride, 0.9, g.start, u.start)
        }
      }
    }

    @Test func `Adam steps follow their definition`() {
      let (beta1, beta2): (Float, Float) = (0.9, 0.999)
      let (scale1, scale2): (Float, Float) = (1 / (1 - 0.9), 1 / (1 - 0.999))
      let epsilon: Float = 1e-8
      forEachShape { rows in
        rows.expectEveryLevel { g, u, v in
          u = ((1 - beta1) * g).addingProduct(beta1, u)
          v = (((1 - beta2) * g) * g).addingProduct(beta2, v)
          g = (u * scale1) / ((v * scale2).squareRoot() + epsilon)
        } _: { g, u, v in
          unsafe hs_adam_rows_f32(
            rows.ids.count, rows.ids.start, rows.stride, beta1, beta2, scale1, scale2, epsilon,
            g.start, u.start, v.start)
        }
      }
    }
  }
}
