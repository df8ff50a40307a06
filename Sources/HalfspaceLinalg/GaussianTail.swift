// SPDX-License-Identifier: Apache-2.0
internal import Foundation

/// The upper tail of the standard normal distribution: `Q(b) = P(N(0, 1) > b)`.
///
/// A Gaussian neuron fires on a unit input with probability `Q(b)`.
public enum GaussianTail {
  /// `Q(b)`, to full relative precision also far out in the tail.
  public static func probability(above b: Double) -> Double { 0.5 * erfc(b / 2.0.squareRoot()) }

  /// The density of N(0, 1) at `b`.
  public static func density(at b: Double) -> Double {
    exp(-0.5 * b * b) / (2 * Double.pi).squareRoot()
  }

  /// The `b` with `Q(b) = probability`, for `0 < probability < 1`.
  ///
  /// Bisection on the logarithm of the tail down to neighboring doubles: no series to trust, and
  /// as exact as `erfc`.
  public static func threshold(forProbability probability: Double) -> Double {
    precondition(
      probability > 0 && probability < 1, "probability \(probability) is outside (0, 1)")
    // Q(38.4) is the smallest normal double, so these ends enclose every answer.
    var low = -40.0
    var high = 40.0
    while true {
      let middle = 0.5 * (low + high)
      if middle <= low || middle >= high { return middle }
      if self.probability(above: middle) > probability { low = middle } else { high = middle }
    }
  }
}
