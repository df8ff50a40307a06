// SPDX-License-Identifier: Apache-2.0
package import HalfspaceLinalg

// How far a row may move before a pair that was not reported at its reference can fire.
//
// Lift every query x to y = (x, xi) with xi >= ||x|| and xi >= 2^-80, and a row at its reference to
// v = (w_ref, delta), so that <v, y> = <w_ref, x> + delta xi. Suppose a report over the lifted
// vectors, above a threshold b, leaves the pair out: its canonical value is at most b. With
// D = ||w - w_ref||, g = the relative error of the canonical inner product of the longer, lifted
// rows, a = stride 2^-149 its loss by underflow, ||y|| <= sqrt(2) xi and ||v|| <= ||w_ref|| + delta:
//
//   canonical <w, x> <= <w, x> + g ||w|| xi + a
//                    <= <w_ref, x> + D xi + g (||w_ref|| + D) xi + a
//                    <= b - delta xi + sqrt(2) g (||w_ref|| + delta) xi + D xi
//                         + g (||w_ref|| + D) xi + 2 a.
//
// This is at most b, and the pair does not fire, as long as
//
//   D (1 + g) <= delta (1 - 2 g) - 3 g ||w_ref|| - 2 a / xi,
//
// for the threshold b and every larger one: as weight decay shrinks the weights, the threshold that
// stored rows are compared with only grows. The limit is stated for the computed square of D:
// differences and their canonical square lose at most the factor (1 - u)^2 (1 - g) and a.
// Where products might overflow, or norms are not numbers, the limit is NaN: no distance is allowed.
//
// An index over the references that is asked for <w_ref, x> above b' <= b - delta xi serves as well,
// without lifted vectors. A pair that it leaves out has a canonical <w_ref, x> of at most b', so
//
//   canonical <w, x> <= b' + g ||w_ref|| xi + D xi + g (||w_ref|| + D) xi + 2 a,
//
// which is at most b under a condition that is weaker than the one above.

/// Limits of displacement for rows whose candidates were taken with a margin.
package struct DriftBudget {
  private let relative: Double
  private let absolute: Double
  private let largestNorm: Double

  /// The lifted queries `[n, d + 1]`: a row and an upper bound of its norm. O(n d).
  package static func lifted(queries: Matrix) -> Matrix {
    let lifted = Matrix(rows: queries.rows, columns: queries.columns + 1)
    for i in 0..<queries.rows {
      unsafe lifted.row(i).update(from: queries.row(i), count: queries.columns)
      let norm = unsafe RoundingMargin.norm(stride: queries.stride, queries.row(i))
      lifted[i, queries.columns] = Swift.max(Float(norm).nextUp, 0x1p-80)
    }
    return lifted
  }

  /// Limits for rows of `queries.columns - 1` coordinates and these lifted queries. O(n).
  package init(lifted queries: Matrix) {
    relative = RoundingMargin.canonicalGamma(stride: queries.stride)
    absolute = Double(queries.stride) * RoundingMargin.underflow
    let column = queries.columns - 1
    largestNorm = (0..<queries.rows).reduce(0) { Swift.max($0, Double(queries[$1, column])) }
  }

  /// Limits for rows of the given padded length and all queries of a norm up to `largestQueryNorm`.
  package init(stride: Int) {
    relative = RoundingMargin.canonicalGamma(stride: stride)
    absolute = Double(stride) * RoundingMargin.underflow
    largestNorm = Self.largestQueryNorm
  }

  /// The norm up to which queries are covered where they are not known beforehand.
  package static let largestQueryNorm = 0x1p40

  /// `xi` of a padded query: an upper bound of its norm; nil for one that is not covered.
  package static func coveredNorm(stride: Int, query: UnsafePointer<Float>) -> Double? {
    let norm = Swift.max(unsafe RoundingMargin.norm(stride: stride, query), 0x1p-80)
    return norm <= largestQueryNorm ? norm : nil
  }

  /// `b' <= b - delta xi`: above this an index over the references is to be asked for queries of a
  /// norm of at most `norm`; NaN where there is no such number.
  package static func cutoff(_ threshold: Float, margin: Float, norm: Double) -> Float {
    RoundingMargin.cutoff(threshold, minus: Double(margin) * norm)
  }

  /// The largest computed square of a displacement for which a row that was listed with `margin` at
  /// `row`, in O(d), needs no pair beyond its list; NaN or negative where there is none.
  package func limit(stride: Int, row: UnsafePointer<Float>, margin: Float) -> Float {
    let norm = unsafe RoundingMargin.norm(stride: stride, row)
    let delta = Double(margin)
    guard
      RoundingMargin.boundedProduct(norm + delta, 2 * largestNorm) != nil,
      absolute < 0x1p-100
    else { return .nan }
    let budget =
      (delta * (1 - 2 * relative) - 3 * relative * norm - absolute * 0x1p82) / (1 + relative)
    return budget > 0 ? squareLimit(distance: budget) : -1
  }

  /// A computed square of a displacement up to which the displacement is at most `distance`.
  package func squareLimit(distance: Double) -> Float {
    let square = distance * distance * (1 - relative - 4 * RoundingMargin.unit) - 2 * absolute
    // A rounding of the Double formulas, and of the result, in the safe direction.
    return Float(square * (1 - 0x1p-40)).nextDown
  }
}
