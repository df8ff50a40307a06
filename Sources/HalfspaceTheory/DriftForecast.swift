// SPDX-License-Identifier: Apache-2.0
internal import Foundation
internal import HalfspaceLinalg
internal import HalfspaceReporting

/// How far the rows of a network move while it learns a function of norm `M` by the steps of a
/// `ConvergencePlan`: over all rows, and the one that moves furthest.
///
/// A row moves only while it fires, each time by the same length times the slope of the loss. The
/// square of its displacement is therefore taken to be in proportion to the share `p` of inputs on
/// which it fires: so it is for steps that do not depend on each other, and on average over targets
/// for the function to be learned. The mean of `p` over rows is `Q(b)`, so that
///
/// ```
/// |w - w0|  <=  (1 + sqrt 2) M / (B sqrt m)                            root mean square over rows
/// |w - w0|  <=  (1 + sqrt 2) M / (B sqrt m)  sqrt(p_max / Q(b))        the furthest row
/// p_max     <=  exp(-b² / (2 s²)) / 2,   s = 1 + sqrt(2 lambda ln q)
/// ```
///
/// `s` bounds the root mean square of `<w, x>` over the inputs for the most exposed of `q` rows:
/// it is a function of the row with slope `sqrt(lambda)` and a mean of at most 1, so Gaussian
/// concentration leaves at most one of them above in expectation. `p_max` is the bound for the tail
/// of a normal variable of that deviation.
///
/// The first line is a theorem about the linearized network (see `ConvergencePlan`), the second a law
/// that is measured (claims C13 and C14 of the `Convergence` benchmark). It does not cover targets that
/// are a single kernel function in two or three dimensions: of those every row that fires on one point
/// takes the same share, `M / (B sqrt(m Q))`, and single rows went a few percent beyond the forecast.
public struct DriftForecast: Sendable, Equatable {
  /// The root mean square over all rows of how far they move in the whole run, at most, in
  /// expectation and in the linearized network.
  public let rootMeanSquare: Double
  /// The share of inputs on which the row that fires most often fires, at most.
  public let largestFiringShare: Double
  /// What no row is expected to move further than.
  public let largest: Double

  /// The forecast for a network of `width` neurons in pairs.
  ///
  /// - Parameters:
  ///   - norm: `M`, of the function to be learned.
  ///   - width: `m = 2 q`, at least 2.
  ///   - threshold: `b`.
  ///   - outputScale: `B`.
  ///   - concentration: `lambda`, the largest eigenvalue of `E x xᵀ` over unit inputs: `1 / d` when
  ///     they prefer no direction.
  /// - Complexity: O(1).
  public init(
    norm: Double, width: Int, threshold: Double, outputScale: Double, concentration: Double
  ) {
    precondition(
      norm > 0 && width >= 2 && outputScale > 0 && concentration > 0 && threshold.isFinite,
      "norm \(norm), width \(width), threshold \(threshold), output scale \(outputScale), "
        + "concentration \(concentration)")
    rootMeanSquare =
      (1 + 2.0.squareRoot()) * norm / (outputScale * Double(width).squareRoot())
    let deviation = 1 + (2 * concentration * log(Double(width / 2))).squareRoot()
    let distance = threshold / deviation
    largestFiringShare = threshold >= 0 ? 0.5 * exp(-0.5 * distance * distance) : 1
    largest =
      rootMeanSquare
      * (largestFiringShare / GaussianTail.probability(above: threshold)).squareRoot()
  }
}
