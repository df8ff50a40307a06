// SPDX-License-Identifier: Apache-2.0

/// The norm that a function needs, in the space of a kernel, to explain targets on a sample.
///
/// With `alpha = (K + lambda I)⁻¹ y` the estimate is `M² = yᵀ alpha`, the least value of
/// `‖f‖² + sum_i (y_i - f(x_i))² / lambda` over all functions. So `fitNorm <= value`, and on targets
/// without noise `value` is at most the norm of the function that they come from.
public struct NormEstimate: Sendable, Equatable, Codable {
  /// `M = sqrt(yᵀ (K + lambda I)⁻¹ y)`.
  public let value: Double
  /// Standard error of `value` with respect to the choice of the rows, at this `lambda`: jackknife
  /// over rows.
  public let standardError: Double
  /// The norm of the regression function itself, `sqrt(alphaᵀ K alpha)`.
  public let fitNorm: Double
  /// What was added to the diagonal.
  public let lambda: Double
  /// Root mean square of `y - f` on the sample.
  public let residual: Double
  /// Root mean square of `y_i - f(x_i)`, `f` fitted to all other rows.
  public let leaveOneOutError: Double
  /// Number of rows.
  public let sampleSize: Int
}

/// Targets of which no norm can be estimated.
public enum NormError: Error, CustomStringConvertible, Equatable {
  /// The noise level is not below the targets' root mean square.
  case noiseTooLarge(level: Double, rootMeanSquare: Double)
  /// The kernel matrix is singular and nothing is added to its diagonal.
  case singular
  /// A target is NaN or infinite; rows count from 0.
  case notFinite(row: Int)
  /// All targets are zero.
  case zeroTargets

  /// One sentence.
  public var description: String {
    switch self {
    case .noiseTooLarge(let level, let rms):
      "no norm: the noise level \(level) is not between 0 and the targets' root mean square \(rms)"
    case .singular: "no norm: the kernel matrix is singular, regularize it"
    case .notFinite(let row): "no norm: the target of row \(row) is not finite"
    case .zeroTargets: "no norm: all targets are zero"
    }
  }
}
