// SPDX-License-Identifier: Apache-2.0

// A tile's codes decide which rows may fire on a query. This file derives the integer threshold
// up to which they certainly do not; `hs_tile_thresholds` computes it.
//
// Notation. A row is w = s k + e, k integers in -127...127, s the scale of its tile; a query is
// x = t q + f, q integers. E >= |e| and R >= |w|, |s k| for every row of the tile; X >= |x| and
// F >= |f|. z is the exact inner product, c the canonical value, b the threshold. The filter
// computes the exact integer a = sum (k_l + 128) q_l = <k, q> + o with o = 128 sum q_l.
//
// 1. Inserting both, z = s t <k, q> + <s k, f> + <e, x>, and by Cauchy-Schwarz
//    z <= s t (a - o) + R F + E X.
// 2. The canonical value is within gamma R X + stride 2^-149 of z, where
//    gamma = gamma(ceil(stride / 64) + 6) (`RoundingMargin`, point 2), unless products
//    overflow. With G = F + gamma X and b' = b - stride 2^-149,
//        a <= (b' - (E X + R G)) / (s t) + o   implies   c <= b.
// 3. With a basis B `[k, d]`, codes stand for the row's coordinates v = B w, so that v = s k + e
//    and R >= |v|; the query is x = B' y + g for the coordinates y = t q + f that a kernel has
//    computed, whatever their rounding, and g is what is left (B' is the transpose). Then
//        z = <v, y> + <w, g> = <v, y> + <v, B g> + <w - B' v, g>,
//    because <B' v, g> = <v, B g>. With S >= |w - B' v| and D >= ||B B' - I||, so that
//    |w| <= (1 + D) R + S, points 1 and 2 hold with X >= |y| and
//        G = F + |B g| + gamma |x| (1 + D),   H = |g| + gamma |x|,
//        a <= (b' - (E X + R G + S H)) / (s t) + o   implies   c <= b.
//    `TileBasis` bounds |B g|, |g|, D, S, and the rounding of v, which is part of E.
//    Without a basis S = H = 0.
// 4. `hs_tile_thresholds` computes the right side in Double, with i = 1 / s and h = 1 / t:
//    - b' - (E X + R G + S H) is off by at most 2^-50 (|b'| + E X + R G + S H). That is covered
//      by taking b', X, G and H worse by a part 2^-40.
//    - The product with i h is off by a part of less than 2^-50. Where the result lies in the
//      range of a (below 2^31 in magnitude), that and the addition of o cost less than 2^-18; the
//      threshold is taken 2 lower, which also makes up for truncation toward zero.
//    - Above that range all sums are discarded, rightly; below it, none. Sums a cannot exceed
//      2^31 because scales are chosen such that 255 sum |q_l| stays below.
// 5. A tile with R (X + G) + S H <= b' cannot fire at all, since c <= R X + R G + S H +
//    stride 2^-149.
// 6. Where (R + S) Y, which bounds |w| |x|, might reach a quarter of the largest Float, or is not a
//    number, products may overflow and the threshold is the least integer: all pairs are kept
//    and the canonical kernel decides, infinities included.
// 7. A row that has moved by at most D' since it was encoded is w + m, |m| <= D': its E, R and S
//    grow by D', times 1 + D where there is a basis, and everything above holds.
//
// All bounds are sums or products of upper bounds; errors and norms are rounded up where they
// become Float.
enum TileMargin {
  // Covers the roundings in Double, point 4.
  fileprivate static let slack = 1 + 0x1p-40
  /// Sums of |q| are kept below this; 255 times as much fits 32 bits, with room for rounding each
  /// of up to 2^22 coordinates.
  private static let largestSum = 4e6
  // Smaller scales are of no use: 1 / t must be finite.
  private static let smallestScale: Float = 0x1p-120
  /// Coordinates that a row may have.
  static let mostColumns = 1 << 22

  /// An upper bound of the root of a sum of squares, given that sum as a kernel has rounded it:
  /// each of the `terms` a few times on its way, at most once per block of 16 and four
  /// times in the fold.
  static func root(ofSum sum: Double, terms: Int) -> Double {
    (sum * (1 + Double(terms + 16) * 0x1p-52)).squareRoot() * slack
  }

  /// The threshold b' in Double.
  static func threshold(_ threshold: Float, stride: Int) -> Double {
    let b = Double(threshold)
    return b - b.magnitude * 0x1p-40 - 2 * Double(stride) * RoundingMargin.underflow
  }

  /// The scale t for a query of `columns` coordinates whose norm is at most `norm` and largest
  /// magnitude `largest`, for |q| up to `range`. nil where no scale will do.
  static func scale(norm: Double, largest: Float, columns: Int, range: Int32) -> Float? {
    // sum |x_l| <= sqrt(columns) |x|
    let bySum = Double(columns).squareRoot() * norm / largestSum
    guard bySum < Double(Float.greatestFiniteMagnitude) else { return nil }
    return max(largest / Float(range), Float(bySum), smallestScale)
  }

  /// Numbers of a query, upper bounds for the formulas above.
  struct Numbers {
    var norm: Double
    var slack: Double
    var rest = 0.0
    var reach: Double

    /// X, G and Y of a query whose codes leave out at most `residual`.
    init(norm: Double, residual: Double, stride: Int) {
      let gamma = RoundingMargin.canonicalGamma(stride: stride)
      self.norm = norm * TileMargin.slack
      slack = (residual + gamma * norm * TileMargin.slack) * TileMargin.slack
      reach = norm * TileMargin.slack
    }

    /// X, G, H and Y of a query of norm `whole`, whose coordinates have at most `norm`, with what
    /// the basis leaves out.
    init(
      norm: Double, residual: Double, whole: Double, rest left: TileBasis.Rest, stride: Int
    ) {
      let gamma = RoundingMargin.canonicalGamma(stride: stride) * whole * TileMargin.slack
      self.norm = norm * TileMargin.slack
      slack = (residual + left.leak + gamma * TileBasis.growth) * TileMargin.slack
      rest = (left.norm + gamma) * TileMargin.slack
      reach = whole * TileBasis.growth * TileMargin.slack
    }

  }
}
