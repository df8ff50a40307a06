// SPDX-License-Identifier: Apache-2.0
internal import HalfspaceLinalg

// A tree discards a node of rows when an upper bound of all their inner products with the query
// is at or below a cutoff. This file derives how far node bounds are widened and how far the
// cutoff lies below the threshold, so that no row of a discarded node fires. Notation and points
// 1 to 4 are those of `RoundingMargin`.
//
// Let c be the node's center (any floats), w one of its rows, o_l = |w_l - c_l|, and
// A = sum (|c_l| + o_l) |x_l|, so that S = sum |w_l x_l| <= A. The bounds hold half-widths
// h_l >= o_l + G (|c_l| + o_l) and a radius R >= ||o|| + G (||c|| + ||o||) for a relative widening
// G, both rounded up after computing in Double (`hs_node_include_f32`). In exact arithmetic
// z = <c, x> + <w - c, x>, and
//
//     |<w - c, x>| <= sum o_l |x_l|  (box)   and   |<w - c, x>| <= ||o|| ||x||  (ball).
//
// The kernel computes, with d fused multiply-adds each,
//
//     s = <c, x> + e1,    |e1| <= gamma(d) sum |c_l x_l| + d 2^-149,
//     v = <h, |x|> + e2,  |e2| <= gamma(d) <h, |x|> + d 2^-149,
//
// and upper = fl(s + v). Rounding is monotonic, so v may be replaced by a lower bound of it, the
// one that this row needs: v >= (1 - gamma(d)) (sum o_l |x_l| + G A) - d 2^-149. The addition is
// off by at most u |s + v| <= 1.1 u (1 + G) A, and does not underflow. Together,
//
//     upper >= z - gamma(d) A + (1 - gamma(d)) G A - 1.1 u (1 + G) A - 2 d 2^-149,
//
// while the canonical value is at most z + g A + stride 2^-149, g its relative error bound. Hence
// upper <= b - E implies a canonical value <= b if
//
//     (1 - gamma(d)) G >= gamma(d) + g + 1.1 u (1 + G)   and   E >= (2 d + stride) 2^-149.
//
// G = 1.25 (gamma(d) + g + 2 u) does it while gamma(d) <= 1/8 and G <= 1/2, and E = 4 stride 2^-149
// always. With the ball the same steps hold for A = (||c|| + ||o||) ||x||: instead of e2 there is
// one rounding of R * norm (at most u of it, and 2^-150), where `norm` >= ||x||. The smaller of
// two lower bounds is one. The mirror image, lower = fl(s - v) > b + E, implies that the row
// fires.
//
// What is not finite. Rows with infinities or NaN make their nodes' widths NaN. Where products
// might overflow (a bound on ||c|| and ||w|| times ||x|| above a quarter of the largest Float),
// the cutoff and its mirror image are NaN. Comparisons with NaN are false: nothing is discarded,
// nothing is accepted unseen, the canonical kernel decides. A width that overflows is infinite or
// makes `upper` NaN, and discards nothing.
//
// Nothing here depends on how a node came by its center or its rows: bounds that were widened for
// a moved row stay valid for all others.

/// The rounding margin of a partition tree's node bounds.
struct NodeMargin: Sendable {
  /// `G` above; infinite where the dimension is too large for a bound.
  let relative: Double
  private let absolute: Double

  init(dimension: Int, stride: Int) {
    let gamma = RoundingMargin.gamma(dimension)
    let widening =
      1.25 * (gamma + RoundingMargin.canonicalGamma(stride: stride) + 2 * RoundingMargin.unit)
    relative = gamma <= 0.125 && widening <= 0.5 ? widening : .infinity
    absolute = 4 * Double(stride) * RoundingMargin.underflow
  }

  /// The value at or below which an upper bound discards a node, and the value above which a lower
  /// bound accepts it, for centers and rows of at most `rowNorm` and a query of at most
  /// `queryNorm`; NaN where nothing can be promised. Both keep `slack` away from the threshold.
  func cutoffs(
    threshold: Float, rowNorm: Double, queryNorm: Double, slack: Double = 0
  ) -> (discard: Float, accept: Float) {
    guard RoundingMargin.boundedProduct(rowNorm, queryNorm) != nil else { return (.nan, .nan) }
    return (
      RoundingMargin.cutoff(threshold, minus: absolute + slack),
      -RoundingMargin.cutoff(-threshold, minus: absolute + slack)
    )
  }
}
