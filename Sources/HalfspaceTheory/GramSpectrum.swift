// SPDX-License-Identifier: Apache-2.0
public import HalfspaceLinalg

/// The eigenvalues of a kernel matrix, which bound how fast and how stably its network learns.
public struct GramSpectrum: Sendable, Equatable {
  /// Eigenvalues, ascending.
  public let eigenvalues: [Double]

  /// The spectrum of a symmetric matrix `[n, n]`, `n > 0`. O(n³).
  public init(of gram: DoubleMatrix) throws(FactorizationError) {
    precondition(gram.rows > 0, "shape [\(gram.rows), \(gram.columns)] is empty")
    eigenvalues = try gram.symmetricEigenvalues()
  }

  /// The smallest eigenvalue; rounding may leave it slightly below 0.
  public var smallest: Double { eigenvalues[0] }

  /// The largest eigenvalue.
  public var largest: Double { eigenvalues[eigenvalues.count - 1] }

  /// Largest over smallest eigenvalue; infinite when the smallest is not positive.
  public var conditionNumber: Double { smallest > 0 ? largest / smallest : .infinity }

  /// `(sum of eigenvalues)² / sum of squares`: how many directions carry the matrix, in `1...n`.
  public var effectiveRank: Double {
    let sum = eigenvalues.reduce(0, +)
    return sum * sum / eigenvalues.reduce(0) { $0 + $1 * $1 }
  }
}
