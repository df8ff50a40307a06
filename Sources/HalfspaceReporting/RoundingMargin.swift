// SPDX-License-Identifier: Apache-2.0
internal import CHalfspace

// A report is decided by the canonical inner product alone. Everything before it is a filter: a
// fast product in another summation order, compared with a cutoff a little below the threshold.
// A filter may discard a pair only if its canonical value is certainly not above the threshold.
// This file derives the cutoffs.
//
// Notation. u = 2^-24 is the unit roundoff of Float, gamma(n) = n u / (1 - n u). For a row w and
// a query x, z is the exact inner product, c the canonical value, p the filter's value, b the
// threshold, and S = sum |w_l x_l| <= ||w|| ||x|| (Cauchy-Schwarz).
//
// 1. An inner product of k terms, summed in any order, with or without fused multiply-adds,
//    rounds each term at most k times, hence |p - z| <= gamma(k) S (Higham, Accuracy and
//    Stability of Numerical Algorithms, 2nd edition, section 3.1). Additions do not underflow
//    inexactly; each product loses at most 2^-150 by underflow, k 2^-149 in total with room for
//    the later roundings. This holds as long as nothing overflows, which every partial sum
//    respects if S (1 + gamma(k)) is below the largest Float.
// 2. The canonical order is flatter: |c - z| <= gamma(ceil(stride / 64) + 6) S + stride 2^-149.
// 3. So p <= b - E with E = (gamma(k) + gamma(ceil(stride / 64) + 6)) S + 2 stride 2^-149 implies
//    c <= b. Norms enter as upper bounds in Double, and b - E is rounded down: a larger E or a
//    smaller cutoff only keeps more candidates.
// 4. Where S might reach a quarter of the largest Float, or is not a number, the cutoff is NaN.
//    Filters keep a pair unless `value <= cutoff`, which is false for NaN: all pairs are kept and
//    the canonical kernel decides, infinities included.
//
// The product grid compares beta_j <= fl(cutoff - alpha_i), see `GridCutoff`.
enum RoundingMargin {
  static let unit = 0x1p-24
  static let underflow = 0x1p-149
  // Covers the roundings of these formulas themselves, which are done in Double.
  private static let slack = 1 + 0x1p-40
  // Products up to here cannot overflow on the way, see point 4.
  static let largest = Double(Float.greatestFiniteMagnitude) / 4

  /// `n u / (1 - n u)`, infinite where that bound says nothing.
  static func gamma(_ n: Int) -> Double {
    let nu = Double(n) * unit
    return nu < 0.5 ? nu / (1 - nu) : .infinity
  }

  /// The relative error bound of the canonical inner product.
  static func canonicalGamma(stride: Int) -> Double { gamma((stride + 63) / 64 + 6) }

  /// An upper bound of the Euclidean norm of a padded row. Infinite or NaN exactly where an
  /// element is; NaN means that an element is NaN, so that no canonical value is a number.
  static func norm(stride: Int, _ row: UnsafePointer<Float>) -> Double {
    unsafe norm(square: hs_dot_f32(stride, row, row), stride: stride, row)
  }

  /// The same where the canonical square is known.
  static func norm(square: Float, stride: Int, _ row: UnsafePointer<Float>) -> Double {
    if let norm = norm(square: Double(square), stride: stride) { return norm }
    // Squares of floats are exact in Double, which their sum cannot leave.
    var sum = 0.0
    for l in 0..<stride {
      let element = unsafe Double(row[l])
      sum += element * element
    }
    return sum.squareRoot() * (1 + Double(stride + 4) * 0x1p-52)
  }

  /// An upper bound of the norm of every padded row whose canonical square is at most `square`; nil
  /// where squares overflow or underflow. Point 2 for <w, w>, turned around.
  static func norm(square: Double, stride: Int) -> Double? {
    guard isFaithful(square: square) else { return nil }
    let bound = (square + Double(stride) * underflow) / (1 - canonicalGamma(stride: stride))
    return (bound * slack).squareRoot() * slack
  }

  /// Whether a canonical square is far from underflow and overflow.
  static func isFaithful(square: Double) -> Bool { square > 0x1p-80 && square < 0x1p120 }

  /// The cutoff `threshold - margin`, rounded down; NaN for a margin without bound.
  static func cutoff(_ threshold: Float, minus margin: Double) -> Float {
    guard margin < .infinity else { return .nan }
    // The Double may be off by half a unit in its last place.
    let lower = (Double(threshold) - margin * slack).nextDown
    let nearest = Float(lower)
    return Double(nearest) > lower ? nearest.nextDown : nearest
  }

  /// An upper bound of the product of two upper bounds; nil where products might overflow.
  static func boundedProduct(_ rowNorm: Double, _ queryNorm: Double) -> Double? {
    let product = rowNorm * queryNorm * slack
    return product <= largest ? product : nil
  }
}

/// Cutoffs for products of `dimension` terms in any summation order: a pair whose product is at or
/// below the cutoff has a canonical value at or below the threshold (`RoundingMargin`, points
/// 3 and 4).
struct ProductCutoff {
  private let threshold: Float
  private let relative: Double
  private let absolute: Double

  init(threshold: Float, dimension: Int, stride: Int) {
    self.threshold = threshold
    relative =
      RoundingMargin.gamma(dimension) + RoundingMargin.canonicalGamma(stride: stride)
    absolute = 2 * Double(stride) * RoundingMargin.underflow
  }

  /// The cutoff for rows and a query of at most these norms.
  func value(rowNorm: Double, queryNorm: Double) -> Float {
    guard let product = RoundingMargin.boundedProduct(rowNorm, queryNorm) else { return .nan }
    return RoundingMargin.cutoff(threshold, minus: relative * product + absolute)
  }
}

/// Cutoffs for a product grid, whose filter value is a sum of two half-length products.
///
/// The kernel discards the pair (i, j) if `beta_j <= fl(cutoff - alpha_i)`. The subtraction
/// rounds by at most u (|cutoff| + |alpha_i|), so a discarded pair has
/// `alpha_i + beta_j <= cutoff + u (|cutoff| + |alpha_i|)` in exact arithmetic. (Where the
/// difference overflows no margin is needed: |beta_j| is below half the largest Float.)
/// The two halves share S: `|alpha_i + beta_j - z| <= gamma(longer half) S + stride 2^-149` and
/// `|alpha_i| <= 2 S + stride 2^-149`. So the margin E must cover
///
///     (gamma(longer half) + canonical gamma) S + 3 stride 2^-149 + u (2 S + |cutoff|),
///
/// and with |cutoff| <= |b| + E the last term moves to the left as a factor 1 / (1 - u). Twice
/// u |b| and u S are charged, which covers that `cutoff` is rounded.
///
/// A grid of three parts subtracts the outer product o first: `beta_j <= fl(fl(cutoff - o) -
/// alpha_i)`. The two subtractions are off by at most u (2 + u) (|cutoff| + |o|) + u |alpha_i|,
/// where |o| + |alpha_i| <= 2 S + stride 2^-149: twice of everything that has a u is enough.
struct GridCutoff {
  private let threshold: Float
  private let relative: Double
  private let absolute: Double

  init(threshold: Float, longestPart: Int, stride: Int, isThreeWay: Bool = false) {
    self.threshold = threshold
    let unit = RoundingMargin.unit * (isThreeWay ? 2 : 1)
    let factor = 1 + 4 * unit
    let gammas =
      RoundingMargin.gamma(longestPart) + RoundingMargin.canonicalGamma(stride: stride)
    relative = (gammas + 4 * unit) * factor
    absolute =
      (3 * Double(stride) * RoundingMargin.underflow
        + 2 * unit * Double(threshold.magnitude)) * factor
  }

  /// The cutoff for a query of at most this norm, when no assembled row exceeds `rowNorm`.
  func value(rowNorm: Double, queryNorm: Double) -> Float {
    guard let product = RoundingMargin.boundedProduct(rowNorm, queryNorm), threshold.isFinite
    else { return .nan }
    return RoundingMargin.cutoff(threshold, minus: relative * product + absolute)
  }
}
