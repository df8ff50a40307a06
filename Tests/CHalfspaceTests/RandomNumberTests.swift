// SPDX-License-Identifier: Apache-2.0
import CHalfspace
import Foundation
import Testing

extension Kernels {
  @Suite struct RandomNumberTests {
    private func philox(_ counter: [UInt32], _ key: [UInt32]) -> [UInt32] {
      var out = [UInt32](repeating: 0, count: 4)
      unsafe hs_philox4x32(counter, key, &out)
      return out
    }

    private func normals(
      seed: UInt64 = 42, stream: UInt32 = 7, first: Int64 = 0, m: Int, n: Int, stride: Int? = nil
    ) -> Block<Float> {
      let z = Block(m * (stride ?? n), of: Float(-1))
      unsafe hs_normal_rows_f32(seed, stream, first, m, n, stride ?? n, z.start)
      return z
    }

    @Test func `Philox gives the known answers`() {
      // The vectors of Random123's kat_vectors for philox4x32, 10 rounds.
      #expect(
        philox([0, 0, 0, 0], [0, 0])
          == [0x6627_E8D5, 0xE169_C58D, 0xBC57_AC4C, 0x9B00_DBD8])
      let ones = [UInt32](repeating: .max, count: 4)
      #expect(
        philox(ones, [.max, .max]) == [0x408F_276D, 0x41C8_3B0E, 0xA20B_C7C6, 0x6D54_51FD])
      #expect(
        philox(
          [0x243F_6A88, 0x85A3_08D3, 0x1319_8A2E, 0x0370_7344], [0xA409_3822, 0x299F_31D0])
          == [0xD16C_FE09, 0x94FD_CCEB, 0x5001_E420, 0x2412_6EA1])
    }

    @Test func `deviates are those of the documented formula`() {
      let (seed, stream, first, m, n) = (UInt64(0x1234_5678_9ABC_DEF0), UInt32(3), 50, 300, 19)
      let z = normals(seed: seed, stream: stream, first: Int64(first), m: m, n: n)
      let key = [UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32)]
      for r in 0..<m {
        for c in 0..<n {
          let words = philox([UInt32(c / 4), stream, UInt32(first + r), 0], key)
          let pair = c / 2 % 2 * 2
          let radius = (-2 * log((Double(words[pair]) + 0.5) * 0x1p-32)).squareRoot()
          let angle = 2 * Double.pi * (Double(words[pair + 1]) + 0.5) * 0x1p-32
          let exact = radius * (c % 2 == 0 ? cos(angle) : sin(angle))
          let value = z[r * n + c]
          #expect(abs(Double(value) - exact) <= Double(value.ulp))
        }
      }
    }

    @Test func `deviates have the moments and tails of the normal distribution`() {
      let (m, n) = (4000, 50)
      let z = normals(m: m, n: n).elements.map { Double($0) }
      let count = Double(m * n)
      func mean(_ f: (Double) -> Double) -> Double { z.reduce(0) { $0 + f($1) } / count }
      // Within five standard deviations of the sample moments.
      #expect(abs(mean { $0 }) < 5 / count.squareRoot())
      #expect(abs(mean { $0 * $0 } - 1) < 5 * (2 / count).squareRoot())
      #expect(abs(mean { $0 * $0 * $0 }) < 5 * (15 / count).squareRoot())
      #expect(abs(mean { $0 * $0 * $0 * $0 } - 3) < 5 * (96 / count).squareRoot())
      for b in [-2.0, -1, 0, 0.5, 1.5, 2.5, 3.5] {
        let tail = erfc(b / 2.0.squareRoot()) / 2
        let share = mean { $0 > b ? 1 : 0 }
        #expect(abs(share - tail) < 5 * (tail * (1 - tail) / count).squareRoot(), "above \(b)")
      }
      #expect(z.allSatisfy { abs($0) < 6.8 })
      // Neighbors in a row, in a pair and in a column are uncorrelated.
      for distance in [1, 2, 4, n] {
        let products = (0..<z.count - distance).reduce(0.0) { $0 + z[$1] * z[$1 + distance] }
        #expect(abs(products / count) < 5 / count.squareRoot(), "distance \(distance)")
      }
    }

    @Test func `a deviate depends on its position only`() {
      let whole = normals(first: 10, m: 40, n: 21)
      for (first, m) in [(10, 1), (11, 7), (30, 20), (49, 1)] {
        let part = normals(first: Int64(first), m: m, n: 21)
        #expect(part.elements == whole.slice((first - 10) * 21, m * 21))
      }
      for n in 1...21 {
        let narrow = normals(first: 10, m: 40, n: n)
        for r in 0..<40 { #expect(narrow.slice(r * n, n) == whole.slice(r * 21, n)) }
      }
    }

    @Test func `seeds, streams and rows far apart differ`() {
      let base = normals(m: 3, n: 8).elements
      #expect(normals(seed: 43, m: 3, n: 8).elements != base)
      #expect(normals(seed: 42 + 1 << 32, m: 3, n: 8).elements != base)
      #expect(normals(stream: 8, m: 3, n: 8).elements != base)
      #expect(normals(first: 1 << 32, m: 3, n: 8).elements != base)
      // Row numbers go on across 2^32.
      let across = normals(first: 1 << 32 - 2, m: 5, n: 8)
      #expect(across.slice(16, 24) == normals(first: 1 << 32, m: 3, n: 8).elements)
    }

    @Test func `every level gives the same deviates and clears the padding`() {
      for n in 0...70 {
        for m in [0, 1, 5, 33] {
          let stride = (n + 15) / 16 * 16
          expectSameBitsAtEveryLevel("m \(m), n \(n)") {
            let z = normals(first: 99, m: m, n: n, stride: stride)
            for r in 0..<m {
              let padding = z.slice(r * stride + n, stride - n)
              #expect(padding.allSatisfy { $0.bitPattern == 0 })
            }
            return Outcome(z)
          }
        }
      }
    }
  }
}
