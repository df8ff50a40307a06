// SPDX-License-Identifier: Apache-2.0
import CHalfspace
import HalfspaceLinalg
import Testing

@testable import HalfspaceReporting

@Suite struct RoundingMarginTests {
  /// Squares of floats and their sums below are exact enough in Double to judge Float bounds.
  private func exactNorm(_ row: [Float]) -> Double {
    row.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
  }

  @Test(arguments: [0x1p-149, 0x1p-100, 0x1p-41, 0x1p-39, 1, 0x1p59, 0x1p61, 0x1p120] as [Float])
  func `a norm is bounded from above, tightly`(scale: Float) {
    for d in [1, 2, 16, 17, 300] {
      let row = gaussian(1, d, seed: UInt64(d), scale: scale)
      let bound = unsafe RoundingMargin.norm(stride: row.stride, row.pointer)
      let exact = exactNorm(row.rowArray(0))
      #expect(bound >= exact)
      #expect(bound <= exact * 1.00001)
    }
  }

  @Test func `norms tell infinity and NaN`() {
    for (elements, isNaN) in [([Float.infinity, 1], false), ([1, .nan], true)] {
      let row = Matrix([elements])
      let bound = unsafe RoundingMargin.norm(stride: 16, row.pointer)
      #expect(bound.isNaN == isNaN && !bound.isFinite)
    }
    let zero = Matrix(rows: 1, columns: 3)
    #expect(unsafe RoundingMargin.norm(stride: 16, zero.pointer) == 0)
  }

  @Test func `products at the cutoff are canonically at or below the threshold`() {
    // Cancellation makes sums in different orders differ as much as they can.
    var generator = SeededGenerator(seed: 3)
    for d in [2, 5, 31, 64, 200] {
      let stride = Matrix.paddedStride(d)
      for _ in 0..<200 {
        let w = Matrix(rows: 1, columns: d)
        let x = gaussian(1, d, seed: generator.next())
        for c in 0..<d { w[0, c] = x[0, d - 1 - c] * (c % 2 == 0 ? 1 : -1) * 1000 }
        let canonical = unsafe hs_dot_f32(stride, w.pointer, x.pointer)
        // The worst plain sum: backwards, without fused multiply-adds.
        var plain: Float = 0
        for c in (0..<d).reversed() { plain += w[0, c] * x[0, c] }
        let rowNorm = unsafe RoundingMargin.norm(stride: stride, w.pointer)
        let queryNorm = unsafe RoundingMargin.norm(stride: stride, x.pointer)
        // With the canonical value just above the threshold the pair must be kept.
        let threshold = canonical.nextDown
        let cutoff = ProductCutoff(threshold: threshold, dimension: d, stride: stride)
        #expect(plain > cutoff.value(rowNorm: rowNorm, queryNorm: queryNorm))
        #expect(
          Double(threshold) - Double(cutoff.value(rowNorm: rowNorm, queryNorm: queryNorm))
            < 3 * Double(d + 8) * 0x1p-24 * rowNorm * queryNorm + 1e-6)
      }
    }
  }

  @Test func `cutoffs are NaN where nothing can be promised`() {
    let product = ProductCutoff(threshold: 1, dimension: 4, stride: 16)
    let grid = GridCutoff(threshold: 1, longestPart: 2, stride: 16)
    for (row, query) in [
      (Double.infinity, 1.0), (1, .nan), (0, .infinity), (1e20, 1e20), (1e38, 1),
    ] {
      #expect(product.value(rowNorm: row, queryNorm: query).isNaN)
      #expect(grid.value(rowNorm: row, queryNorm: query).isNaN)
    }
    let all = GridCutoff(threshold: -.infinity, longestPart: 2, stride: 16)
    #expect(all.value(rowNorm: 1, queryNorm: 1).isNaN)
    let long = ProductCutoff(threshold: 1, dimension: 1 << 24, stride: 1 << 24)
    #expect(long.value(rowNorm: 1, queryNorm: 1).isNaN)
  }

  @Test func `cutoffs lie strictly below the threshold`() {
    for threshold: Float in [-1e38, -3, -0x1p-149, 0, 0x1p-149, 2.5, 1e38] {
      for norm in [0, 1e-30, 1, 1e10] {
        let product = ProductCutoff(threshold: threshold, dimension: 17, stride: 32)
        let grid = GridCutoff(threshold: threshold, longestPart: 9, stride: 32)
        #expect(product.value(rowNorm: 3, queryNorm: norm) < threshold)
        #expect(grid.value(rowNorm: 3, queryNorm: norm) < threshold)
      }
    }
  }
}
