// SPDX-License-Identifier: Apache-2.0

/// How good predicted numbers are.
public struct RegressionReport: Sendable, Equatable, Codable {
  /// Rows judged.
  public var rows: Int
  /// Root of the mean squared error, in units of the target.
  public var rmse: Double
  /// Mean absolute error, in units of the target.
  public var mae: Double
  /// Share of the target's variance that is explained.
  public var r2: Double

  /// Judges predictions, at least one; traps on unequal counts. O(n).
  public init(predicted: [Double], expected: [Double], weights: [Double]? = nil) {
    rows = expected.count
    rmse = Metrics.rootMeanSquaredError(
      predicted: predicted, expected: expected, weights: weights)
    mae = Metrics.meanAbsoluteError(
      predicted: predicted, expected: expected, weights: weights)
    r2 = Metrics.coefficientOfDetermination(
      predicted: predicted, expected: expected, weights: weights)
  }
}
