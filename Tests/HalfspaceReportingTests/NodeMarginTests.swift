// SPDX-License-Identifier: Apache-2.0
import CHalfspace
import HalfspaceLinalg
import Testing

@testable import HalfspaceReporting

@Suite struct NodeMarginTests {
  /// What becomes of a node over these rows: discarded, kept or accepted.
  private enum Verdict { case discarded, kept, accepted }

  private func verdict(_ rows: Matrix, _ x: Matrix, above threshold: Float) -> Verdict {
    let d = rows.columns
    let margin = NodeMargin(dimension: d, stride: rows.stride)
    let bounds = Matrix(rows: 1, columns: (2 * d + 1) * 16)
    let order = (0..<Int32(rows.rows)).map { $0 }
    unsafe hs_node_cover_f32(
      rows.rows, d, margin.relative, rows.stride, rows.pointer, order, bounds.pointer)
    let norm = unsafe RoundingMargin.norm(stride: x.stride, x.pointer)
    let cutoffs = margin.cutoffs(threshold: threshold, rowNorm: 1e6, queryNorm: norm)
    var kept = [Int32](repeating: 0, count: 32)
    var whole = kept
    var accepted = 0
    let count = unsafe hs_node_filter_f32(
      d, 1, [0], bounds.pointer, 1, x.pointer, Float(norm).nextUp, cutoffs.discard,
      cutoffs.accept, &kept, &whole, &accepted)
    return accepted == 1 ? .accepted : count == 1 ? .kept : .discarded
  }

  @Test func `slack keeps both cutoffs away from the threshold`() {
    let margin = NodeMargin(dimension: 9, stride: 16)
    for slack in [0, 1e-6, 0.5, 1e6] {
      let cutoffs = margin.cutoffs(threshold: 2, rowNorm: 1, queryNorm: 1, slack: slack)
      #expect(Double(cutoffs.discard) <= 2 - slack && Double(cutoffs.accept) >= 2 + slack)
    }
    for slack in [Double.infinity, .nan] {
      let cutoffs = margin.cutoffs(threshold: 2, rowNorm: 1, queryNorm: 1, slack: slack)
      #expect(cutoffs.discard.isNaN && cutoffs.accept.isNaN)
    }
  }

  @Test(arguments: [1, 2, 5, 31, 64, 200])
  func `the smallest nodes are decided by the canonical value at the threshold`(d: Int) {
    // One row, so that only the margin separates the bounds; cancellation makes sums in
    // different orders differ as much as they can.
    for seed in 0..<100 {
      let x = gaussian(1, d, seed: UInt64(seed))
      let w = Matrix(rows: 1, columns: d)
      for c in 0..<d { w[0, c] = x[0, d - 1 - c] * (c % 2 == 0 ? 1 : -1) * 1000 }
      let z = unsafe hs_dot_f32(w.stride, w.pointer, x.pointer)
      #expect(verdict(w, x, above: z.nextDown) != .discarded)
      #expect(verdict(w, x, above: z) != .accepted)
      // Within a few margins everything is decided.
      let norms =
        unsafe RoundingMargin.norm(stride: w.stride, w.pointer)
        * RoundingMargin.norm(stride: x.stride, x.pointer)
      let room = Float(20 * Double(d + 8) * 0x1p-24 * norms * Double(d).squareRoot())
      #expect(verdict(w, x, above: z - room) == .accepted)
      #expect(verdict(w, x, above: z + room) == .discarded)
    }
  }

  @Test func `products that underflow lose no row`() {
    for exponent in [-149, -140, -126, -100, -75] {
      for d in [1, 3, 17] {
        let x = gaussian(
          1, d, seed: 4, scale: Float(sign: .plus, exponent: exponent + 70, significand: 1))
        let w = gaussian(1, d, seed: 5, scale: 0x1p-70)
        let z = unsafe hs_dot_f32(w.stride, w.pointer, x.pointer)
        #expect(verdict(w, x, above: z.nextDown) != .discarded)
        #expect(verdict(w, x, above: z) != .accepted)
      }
    }
  }

  @Test func `nothing is promised where products might overflow or dimensions are too many`() {
    let margin = NodeMargin(dimension: 4, stride: 16)
    for (row, query) in [
      (Double.infinity, 1.0), (1, .nan), (0, .infinity), (1e20, 1e20), (1e38, 1),
    ] {
      let cutoffs = margin.cutoffs(threshold: 1, rowNorm: row, queryNorm: query)
      #expect(cutoffs.discard.isNaN && cutoffs.accept.isNaN)
    }
    #expect(NodeMargin(dimension: 1 << 22, stride: 1 << 22).relative == .infinity)
    for threshold: Float in [-1e38, -3, -0x1p-149, 0, 0x1p-149, 2.5, 1e38] {
      let cutoffs = margin.cutoffs(threshold: threshold, rowNorm: 1, queryNorm: 1)
      #expect(cutoffs.discard < threshold && threshold < cutoffs.accept)
    }
  }
}
