// SPDX-License-Identifier: Apache-2.0
import CHalfspace
import Testing
import _HalfspaceTestSupport

extension Kernels {
  @Suite struct CanonicalProductTests {
    private func dot(_ w: Block<Float>, _ x: Block<Float>) -> Float {
      unsafe hs_dot_f32(w.count, w.start, x.start)
    }

    @Test(arguments: Array(stride(from: 0, through: 320, by: 16)))
    func `the product is the documented sequence of operations`(stride: Int) {
      var dice = Dice(seed: 1)
      for _ in 0..<20 {
        let w = Block(dice.row(stride))
        let x = Block(dice.row(stride))
        let expected = canonicalReference(w.elements, x.elements)
        atEveryLevel {
          let value = dot(w, x)
          #expect(
            value.bitPattern == expected.bitPattern || value.isNaN && expected.isNaN,
            "\(value) instead of \(expected)")
        }
      }
    }

    @Test(arguments: [16, 32, 48, 64, 80, 128, 160, 512])
    func `the product is within the stated bound of the exact one`(stride: Int) {
      var dice = Dice(seed: 2)
      let u = 0x1p-24
      let operations = Double((stride + 63) / 64 + 6)
      let gamma = operations * u / (1 - operations * u)
      for round in 0..<60 {
        let tiny = round % 3 == 0
        let w = Block((0..<stride).map { _ in tiny ? dice.tiny() : dice.normal() })
        let x = Block((0..<stride).map { _ in tiny ? dice.tiny() : dice.normal() })
        var exact = 0.0
        var magnitude = 0.0
        for (a, b) in zip(w.elements, x.elements) {
          exact += Double(a) * Double(b)
          magnitude += abs(Double(a) * Double(b))
        }
        let bound = gamma * magnitude + Double(stride) * 0x1p-149
        #expect(abs(Double(dot(w, x)) - exact) <= bound * (1 + 1e-9))
      }
    }

    @Test func `infinite and undefined products are reported as such`() {
      var w = [Float](repeating: 1, count: 32)
      let ones = Block(w)
      w[20] = .infinity
      #expect(dot(Block(w), ones) == .infinity)
      w[21] = -.infinity
      #expect(dot(Block(w), ones).isNaN)
      w[20] = 0
      w[21] = .nan
      #expect(dot(Block(w), ones).isNaN)
    }

    @Test(arguments: [0, 16, 32, 48, 64, 80, 144, 160, 1024, 1040])
    func `products of all pairs are the single products`(stride: Int) {
      var dice = Dice(seed: 3)
      for (m, n) in [(0, 5), (5, 0), (1, 1), (3, 5), (4, 6), (7, 16), (17, 23), (33, 40)] {
        if stride > 200 && m > 17 { continue }
        let w = dice.rows(m, stride)
        let x = dice.rows(n, stride)
        for gap in [0, 3] {
          let ldz = n + gap
          expectSameBitsAtEveryLevel("m \(m), n \(n), stride \(stride), gap \(gap)") {
            let z = Block(m * ldz, of: Float(-77))
            unsafe hs_preactivations_f32(m, n, stride, w.start, x.start, z.start, ldz)
            return Outcome(z)
          }
          let z = Block(m * ldz, of: Float(-77))
          unsafe hs_preactivations_f32(m, n, stride, w.start, x.start, z.start, ldz)
          for r in 0..<m {
            for q in 0..<n {
              let single = unsafe hs_dot_f32(
                stride, w.start + r * stride, x.start + q * stride)
              let value = z[r * ldz + q]
              #expect(value.bitPattern == single.bitPattern || value.isNaN && single.isNaN)
            }
            #expect(z.slice(r * ldz + n, gap).allSatisfy { $0 == -77 })
          }
        }
      }
    }

    @Test func `every size up to 130 gives the same products at every level`() {
      var dice = Dice(seed: 4)
      let w = dice.rows(131, 48)
      let x = dice.rows(19, 48)
      for m in 0...130 {
        expectSameBitsAtEveryLevel("m \(m)") {
          let z = Block(m * 19, of: Float(0))
          unsafe hs_preactivations_f32(m, 19, 48, w.start, x.start, z.start, 19)
          return Outcome(z)
        }
      }
    }
  }
}
