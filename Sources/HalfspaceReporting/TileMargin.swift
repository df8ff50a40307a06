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
// 3. `hs_tile_thresholds` computes the right side in Double, with i = 1 / s and h = 1 / t:
//    - b' - (E X + R G) is off by at most 2^-51 (|b'| + E X + R G). That is covered by
//      taking b', X and G worse by a part 2^-40.
//    - The product with i h is off by a part of less than 2^-50. Where the result lies in the
//      range of a (below 2^31 in magnitude), that and the addition of o cost less than 2^-18; the
//      threshold is taken 2 lower, which also makes up for truncation toward zero.
//    - Above that range all sums are discarded, rightly; below it, none. Sums a cannot exceed
//      2^31 because scales are chosen such that 255 sum |q_l| stays below.
// 4. A tile with R (X + G) <= b' cannot fire at all, since c <= (1 + gamma) R X + stride 2^-149.
// 5. Where R X might reach a quarter of the largest Float, or is not a number, products may
//    overflow and the threshold is the least integer: all pairs are kept and the canonical
//    kernel decides, infinities included.
//
// All bounds are sums or products of upper bounds; errors and norms are rounded up where they
// become Float.
enum TileMargin {
  // Covers the roundings in Double, point 3.
  private static let slack = 1 + 0x1p-40
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

  /// X and G of a query, upper bounds for the formulas above.
  static func bounds(norm: Double, residual: Double, stride: Int) -> (norm: Double, slack: Double) {
    let gamma = RoundingMargin.canonicalGamma(stride: stride)
    return (norm * slack, (residual + gamma * norm * slack) * slack)
  }
}
