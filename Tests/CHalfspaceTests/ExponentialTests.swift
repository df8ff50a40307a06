// SPDX-License-Identifier: Apache-2.0
import CHalfspace
import Foundation
import Testing

extension Kernels {
  @Suite struct ExponentialTests {
    private func exponentials(_ x: [Float]) -> [Float] {
      let input = Block(x)
      let output = Block(x.count, of: Float(-1))
      unsafe hs_exp_f32(x.count, input.start, output.start)
      return output.elements
    }

    @Test func `exponentials are within the stated errors`() {
      var dice = Dice(seed: 20)
      var x = (0..<20_000).map { _ in Float(dice.below(1 << 24)) / Float(1 << 24) * 193 - 104 }
      x += (0..<5_000).map { _ in dice.normal() * 1e-3 }
      x += (0..<1_000).map { _ in dice.tiny() }
      atEveryLevel {
        for (argument, value) in zip(x, exponentials(x)) {
          let exact = exp(Double(argument))
          if exact < 0x1p-126 {
            #expect(abs(Double(value) - exact) <= 0x1p-149, "exp(\(argument))")
          } else if argument <= 88.72 {
            #expect(abs(Double(value) / exact - 1) < 1e-7, "exp(\(argument))")
          }
        }
      }
    }

    @Test func `the ends of the range are exact`() {
      let x: [Float] = [
        0, -0.0, -104, -1e30, -.infinity, 88.73, 1e30, .infinity, .nan, -.nan, 88.72, -103.9,
      ]
      atEveryLevel {
        let y = exponentials(x)
        #expect(y.prefix(2) == [1, 1])
        #expect(y[2..<5].allSatisfy { $0.bitPattern == 0 })
        #expect(y[5..<8].allSatisfy { $0 == .infinity })
        #expect(y[8].isNaN && y[9].isNaN)
        #expect(y[10] > 3e38 && y[10] < .infinity)
        #expect(y[11] == 0x1p-149)
      }
    }

    @Test func `every level gives the same exponentials, also in place`() {
      var dice = Dice(seed: 21)
      for n in 0...130 {
        let x = Block((0..<n).map { _ in dice.normal() * 40 })
        expectSameBitsAtEveryLevel("n \(n)") {
          let y = x.copy()
          unsafe hs_exp_f32(n, y.start, y.start)
          #expect(Outcome(y) == Outcome(Block(exponentials(x.elements))))
          return Outcome(y)
        }
      }
    }

    @Test(arguments: [16, 32, 48, 80])
    func `softmax is the same at every level and sums to one`(stride: Int) {
      var dice = Dice(seed: 22)
      for classes in 0...stride {
        let rows = 1 + classes % 5
        let scale: Float = classes % 3 == 0 ? 40 : 2
        let z = Block((0..<rows * stride).map { _ in dice.normal() * scale })
        func softmax(inPlace: Bool) -> (Outcome, Block<Float>, Block<Float>, Block<Float>) {
          let p = inPlace ? z.copy() : Block(rows * stride, of: Float(-1))
          let input = inPlace ? p : z
          let maximum = Block(rows, of: Float(-1))
          let sum = Block(rows, of: Float(-1))
          unsafe hs_softmax_f32(
            rows, classes, stride, input.start, p.start, maximum.start, sum.start)
          return (Outcome(p, maximum, sum), p, maximum, sum)
        }
        expectSameBitsAtEveryLevel("\(classes) of \(stride)") { softmax(inPlace: false).0 }
        atEveryLevel { #expect(softmax(inPlace: true).0 == softmax(inPlace: false).0) }
        let (_, p, maximum, sum) = softmax(inPlace: false)
        for r in 0..<rows {
          let scores = z.slice(r * stride, classes)
          let shares = p.slice(r * stride, classes)
          #expect(maximum[r] == scores.max() ?? -.infinity)
          #expect(p.slice(r * stride + classes, stride - classes).allSatisfy { $0.bitPattern == 0 })
          let exact = scores.reduce(0.0) { $0 + exp(Double($1) - Double(maximum[r])) }
          #expect(abs(Double(sum[r]) - exact) <= 1e-6 * exact)
          for (score, share) in zip(scores, shares) {
            let expected = exp(Double(score) - Double(maximum[r])) / exact
            #expect(abs(Double(share) - expected) <= 1e-6 * expected + 0x1p-126)
          }
        }
      }
    }

    @Test func `a NaN score makes its row NaN and leaves others alone`() {
      var scores = [Float](repeating: 1, count: 32)
      scores[3] = .nan
      let z = Block(scores)
      atEveryLevel {
        let p = Block(32, of: Float(-1))
        let maximum = Block(2, of: Float(-1))
        let sum = Block(2, of: Float(-1))
        unsafe hs_softmax_f32(2, 10, 16, z.start, p.start, maximum.start, sum.start)
        #expect(maximum.elements == [1, 1])
        #expect(sum[0].isNaN && sum[1] == 10)
        #expect(p.slice(0, 10).allSatisfy { $0.isNaN })
        #expect(p.slice(16, 10).allSatisfy { $0 == 0.1 })
      }
    }
  }
}
