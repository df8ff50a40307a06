// SPDX-License-Identifier: Apache-2.0
internal import HalfspaceLinalg
public import HalfspaceReporting

/// What the shared halves of a product grid cost: the variance of a mean over its rows, against that
/// of independent rows.
///
/// Rows (i, j) and (i, k) of a group share a half. A mean over a group of all `s1 * s2` combinations
/// has Hoeffding's variance
///
/// ```
/// zeta_10 / s1 + zeta_01 / s2 + zeta_11 / (s1 s2)
/// ```
///
/// `zeta_10` and `zeta_01` being the variances of the conditional means given the left and the
/// right half and `zeta_11` what is left of the variance of one row. Groups are independent.
public struct ProductGridVariance: Sendable, Equatable {
  /// Expectation over a row.
  public let mean: Double
  /// Variance of the conditional expectation given the left half.
  public let left: Double
  /// Variance of the conditional expectation given the right half.
  public let right: Double
  /// Variance of one row less both.
  public let both: Double

  /// Of the share of rows that fire on a unit input, of whose squared length the left half holds
  /// the share `leftMass`: `zeta_10 = kappa_0(b, leftMass) - Q(b)²`, since the pre-activations of two
  /// rows with the same left half have that correlation. O(1).
  public static func firing(threshold b: Double, leftMass: Double = 0.5) -> ProductGridVariance {
    precondition((0...1).contains(leftMass), "the left half holds \(leftMass) of a unit input")
    let q = GaussianTail.probability(above: b)
    let left = ShiftedReLU.kappa0(threshold: b, correlation: leftMass) - q * q
    let right = ShiftedReLU.kappa0(threshold: b, correlation: 1 - leftMass) - q * q
    return ProductGridVariance(mean: q, left: left, right: right, both: q * (1 - q) - left - right)
  }

  /// Two unit inputs as the left half of a group sees them.
  public struct Split: Sendable, Equatable {
    /// Squared lengths of the left parts.
    public var masses: (x: Double, y: Double)
    /// Inner product of the left parts.
    public var product: Double
    /// Correlation of the whole inputs.
    public var correlation: Double

    /// A split; the left part of each input holds half of it and of their inner product unless said
    /// otherwise.
    public init(
      correlation: Double, masses: (x: Double, y: Double) = (0.5, 0.5), product: Double? = nil
    ) {
      self.correlation = correlation
      self.masses = masses
      self.product = product ?? correlation / 2
    }

    /// The same seen from the right half.
    var mirrored: Split {
      Split(
        correlation: correlation, masses: (1 - masses.x, 1 - masses.y),
        product: correlation - product)
    }

    /// Whether two splits are equal.
    public static func == (a: Split, b: Split) -> Bool {
      a.masses == b.masses && a.product == b.product && a.correlation == b.correlation
    }
  }

  /// Of the share of rows that fire on both of two unit inputs, the estimate of `kappa_0(b, rho)`
  /// by a network. Integrates over the pre-activations of the shared half; 64² nodes.
  public static func joint(threshold b: Double, split: Split) -> ProductGridVariance {
    let kappa0 = ShiftedReLU.kappa0(threshold: b, correlation: split.correlation)
    let square = kappa0 * kappa0
    let left = max(0, sharedSquare(b, split) - square)
    let right = max(0, sharedSquare(b, split.mirrored) - square)
    return ProductGridVariance(
      mean: kappa0, left: left, right: right, both: kappa0 * (1 - kappa0) - left - right)
  }

  /// Variance of the mean over independent rows, `count` of them.
  public func variance(independentRows count: Int) -> Double {
    precondition(count > 0, "\(count) rows")
    return (left + right + both) / Double(count)
  }

  /// Variance of the mean over a grid of `groups` groups of `leftCount * rightCount` combinations.
  public func variance(groups: Int, leftCount: Int, rightCount: Int) -> Double {
    precondition(
      groups > 0 && leftCount > 0 && rightCount > 0,
      "\(groups) groups of \(leftCount) x \(rightCount)")
    let (s1, s2) = (Double(leftCount), Double(rightCount))
    return (left / s1 + right / s2 + both / (s1 * s2)) / Double(groups)
  }

  /// Variance of the mean over all rows of a grid whose groups are full.
  public func variance(of grid: ProductGrid) -> Double {
    // As the grid lays itself out: the right side takes the larger share.
    let right = Int(Double(grid.rowsPerGroup).squareRoot().rounded(.up))
    let left = (grid.rowsPerGroup - 1) / right + 1
    return variance(groups: grid.groupCount, leftCount: left, rightCount: right)
  }

  /// How many independent rows know as much as the grid.
  public func effectiveRows(of grid: ProductGrid) -> Double {
    variance(independentRows: 1) / variance(of: grid)
  }

  /// `E P(both fire | shared half)²`: the probability that two rows with a common left half both
  /// fire on both inputs.
  private static func sharedSquare(_ b: Double, _ split: Split) -> Double {
    let rest = (x: 1 - split.masses.x, y: 1 - split.masses.y)
    let deviations = (x: split.masses.x.squareRoot(), y: split.masses.y.squareRoot())
    let scale = deviations.x * deviations.y
    let rho = scale > 0 ? max(-1, min(1, split.product / scale)) : 0
    let orthogonal = (1 - rho * rho).squareRoot()
    let restScale = (rest.x * rest.y).squareRoot()
    let restRho = restScale > 0 ? (split.correlation - split.product) / restScale : 0
    // The trapezoidal rule on [-8, 8]: for smooth integrands under a Gaussian there is none better.
    let steps = 64
    let width = 16.0 / Double(steps)
    var sum = 0.0
    for i in 0..<steps {
      let u = -8 + (Double(i) + 0.5) * width
      for j in 0..<steps {
        let v = -8 + (Double(j) + 0.5) * width
        let h = (b - deviations.x * u) / max(rest.x, 1e-300).squareRoot()
        let k = (b - deviations.y * (rho * u + orthogonal * v)) / max(rest.y, 1e-300).squareRoot()
        let corner = ShiftedReLU.kappas(thresholds: (h, k), correlation: restRho).kappa0
        sum += GaussianTail.density(at: u) * GaussianTail.density(at: v) * corner * corner
      }
    }
    return sum * width * width
  }
}
