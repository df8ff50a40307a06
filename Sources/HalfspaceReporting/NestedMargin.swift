// SPDX-License-Identifier: Apache-2.0
internal import CHalfspace

// A tile's two planes of codes decide, one after the other, which rows may fire on a query. This
// file derives when they certainly do not; `hs_nested_coarse` and `hs_nested_fine` compute it.
//
// Notation, as in `TileMargin`. A row is w = S v + e, v the levels of its coarse codes, and
// w = S v + s k + f with the fine codes k; a query is x = t q + g. |e| <= E and |f| <= F, one E for
// each row and one F for its tile; R >= |w|, |S v| and |S v + s k|; X >= |x|. G >= |g| + gamma X, b' and
// i = 1 / S, h = 1 / t are those of `TileMargin`, points 2 and 4, without a basis.
// a = sum (v_l + 127.5) q_l with o = 127.5 sum q_l, and c = sum (k_l + 128) q_l with
// p = 128 sum q_l; all are exact, v being half-integers within 127.5.
//
// 1. The coarse codes are codes as in `TileMargin`: a <= (b' - (E X + R G)) i h + o implies that the
//    row does not fire. `hs_tile_thresholds`, told E = 0, gives an integer T at or below
//    (b' - R G) i h + o - 1, and what has to come off it, E X i h, is at most
//      mark * unit,  E <= mark U,  unit = margin * factor,  margin >= U i,  factor >= X h (1 + 2^-21)
//    with mark an integer up to 255. Float rounds `unit` and its product with a mark by 2^-24 each,
//    which is less than what `factor` has to spare; truncated and with 1 added it is an upper bound.
//    So a <= T - s implies that the row does not fire.
// 2. s fits 32 bits as 255 unit <= 2^30; otherwise all rows of the tile are kept. T is the largest
//    integer where no row of the tile can be reached (`TileMargin`, point 5, which knows no E), or
//    where it ought to be larger; T - s is then at least 2^30, which no sum exceeds: |a| is at most
//    255 sum |q| < 255 (4 10^6 + columns / 2), and rows are no longer than `mostColumns`.
//    T - s is not computed below -2^31, where no sum is left out.
// 3. With both codes, <w, x> = S t (a - o) + s t (c - p) + <S v + s k, g> + <f, x>, so that
//      S t (a - o) + s t (c - p) <= (b' - R G) - mark (V X),  F <= mark V,
//    implies that the row does not fire. Both sides are computed in Double. The left one is off by at
//    most 2^-50 (|S v| + |s k|) |t q| <= 2^-50 3 R (X + G), since |s k| <= |S v + s k| + |S v|; so G is
//    taken larger by 2^-46 (X + G). The right one is covered as in `TileMargin`, point 4.
// 4. Where products may overflow (`TileMargin`, point 6) T is the least integer: all rows of the tile
//    pass both filters, whatever their marks. Rows that are not finite have no finite R.
// 5. A row that has moved by at most D since it was encoded: its E, F and |w| grow by D. Where no mark
//    says as much as its errors the tile is encoded again.
enum NestedMargin {
  /// Coordinates that a row may have, point 2.
  static let mostColumns = 1 << 16
  /// What a mark may be.
  static let largestMark = 255.0

  /// The unit U of a tile's marks, so that the largest error has a mark; some growth besides.
  static func unit(largestError: Float) -> Float {
    max(largestError * growth / Float(largestMark), .leastNormalMagnitude)
  }

  /// What the errors of coarse codes may become before a tile is encoded again.
  private static let growth: Float = 1.25

  /// The least mark with `error <= mark * unit`; nil where there is none.
  static func mark(error: Float, unit: Float) -> UInt8? {
    // The quotient may be off by 2^-52 of it.
    let mark = (Double(error) / Double(unit) * (1 + 0x1p-40)).rounded(.up)
    return mark <= largestMark ? UInt8(mark) : nil
  }

  /// An upper bound of U i.
  static func margin(unit: Float, scale: Float) -> Float { (unit / scale).nextUp }

  /// The factor of a query of norm X and scale t.
  static func factor(norm: Double, inverse: Double) -> Float {
    Float(norm * inverse * (1 + 0x1p-20))
  }

  /// What `hs_nested_fine` is told of a query: point 3.
  static func query(
    _ numbers: TileMargin.Numbers, scale: Float, sum: Int32, bits: Int32
  ) -> hs_nested_query_t {
    hs_nested_query_t(
      norm: numbers.norm, slack: numbers.slack + 0x1p-46 * (numbers.norm + numbers.slack),
      scale: Double(scale), coarse_offset: 127.5 * Double(sum),
      fine_offset: (bits == 4 ? 128 : 8) * Double(sum))
  }
}
