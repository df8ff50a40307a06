// SPDX-License-Identifier: Apache-2.0
internal import Foundation
public import HalfspaceLinalg

/// Estimates the norm `M` of a target function from its values on a sample.
///
/// ```swift
/// let gram = ShiftedReLUKernel(threshold: 2).gramMatrix(of: inputs)
/// let norm = try NormEstimator(gram: gram).estimate(of: targets)
/// print(norm.value, norm.standardError)
/// ```
///
/// The matrix is taken apart once; after that every target and every regularization costs O(n²).
public struct NormEstimator: Sendable {
  /// How `lambda` is chosen.
  public enum Regularization: Sendable, Equatable {
    /// The value itself, at least 0.
    case lambda(Double)
    /// The `lambda` at which the root mean square of the residuals is this level: the smoothest
    /// function that explains the targets as well as the noise allows (the discrepancy principle).
    case noiseLevel(Double)
    /// The largest `lambda` whose leave-one-out error is within one standard error of the least.
    case crossValidation
  }

  /// Eigenvalues of the kernel matrix, ascending, those below 0 by rounding set to 0.
  public let eigenvalues: [Double]
  /// Row `i` holds the coordinates of row `i` of the sample: eigenvectors are columns.
  private let vectors: DoubleMatrix

  /// Takes the kernel matrix `[n, n]` of a sample apart. O(n³).
  public init(gram: DoubleMatrix) throws(FactorizationError) {
    precondition(gram.rows > 1, "shape [\(gram.rows), \(gram.columns)] has not two rows")
    let system = try gram.symmetricEigensystem()
    // What rounding leaves of a zero eigenvalue is not known to any digit.
    let noise = Double(gram.rows) * 0x1p-52 * system.values[gram.rows - 1]
    eigenvalues = system.values.map { $0 > noise ? $0 : 0 }
    vectors = system.vectors
  }

  /// Number of rows of the sample.
  public var sampleSize: Int { eigenvalues.count }

  /// The norm of `targets` (n entries). O(n²) for each `lambda` tried, at most 41.
  public func estimate(
    of targets: [Double], regularization: Regularization = .crossValidation
  ) throws(NormError) -> NormEstimate {
    try fit(targets, regularization: regularization).norm
  }

  /// A regression and its norm.
  public struct Fit: Sendable, Equatable {
    /// The norm.
    public var norm: NormEstimate
    /// Values on the sample.
    public var fitted: [Double]
    /// For each row of the sample the value there of the function fitted to all others.
    public var leaveOneOut: [Double]
  }

  /// Regression of `targets` (n entries) and the norm it takes. O(n²) for each `lambda` tried, at
  /// most 41.
  public func fit(
    _ targets: [Double], regularization: Regularization = .crossValidation
  ) throws(NormError) -> Fit {
    precondition(
      targets.count == sampleSize, "\(targets.count) targets for \(sampleSize) rows")
    if let row = targets.firstIndex(where: { !$0.isFinite }) { throw .notFinite(row: row) }
    guard targets.contains(where: { $0 != 0 }) else { throw .zeroTargets }
    let coordinates = project(targets)
    switch regularization {
    case .lambda(let lambda):
      precondition(lambda >= 0, "lambda \(lambda) is negative")
      guard lambda > 0 || eigenvalues[0] > 0 else { throw .singular }
      return solution(targets, coordinates, lambda).fit
    case .noiseLevel(let level):
      let lambda = try lambda(forResidual: level, coordinates)
      return solution(targets, coordinates, lambda).fit
    case .crossValidation:
      return crossValidated(targets, coordinates)
    }
  }

  // MARK: Regularization

  private func crossValidated(_ targets: [Double], _ coordinates: [Double]) -> Fit {
    let largest = eigenvalues[sampleSize - 1]
    // Ten decades in quarter steps; below them double precision has no say.
    let tried = (0...40).map {
      solution(targets, coordinates, largest * pow(10, -0.25 * Double($0)))
    }
    let best = tried.min { $0.leaveOneOutMean < $1.leaveOneOutMean } ?? tried[0]
    let limit = best.leaveOneOutMean + best.leaveOneOutDeviation
    let chosen = tried.first { $0.leaveOneOutMean <= limit } ?? best
    return chosen.fit
  }

  /// The residual grows with `lambda`: bisection on its logarithm.
  private func lambda(
    forResidual level: Double, _ coordinates: [Double]
  ) throws(NormError) -> Double {
    let rms =
      (coordinates.reduce(0) { $0 + $1 * $1 } / Double(sampleSize)).squareRoot()
    guard level >= 0, level < rms else {
      throw .noiseTooLarge(level: level, rootMeanSquare: rms)
    }
    func residual(_ lambda: Double) -> Double {
      var sum = 0.0
      for (e, c) in zip(eigenvalues, coordinates) {
        let r = lambda * c / (e + lambda)
        sum += r * r
      }
      return (sum / Double(sampleSize)).squareRoot()
    }
    var low = log(eigenvalues[sampleSize - 1]) - 35
    var high = low + 70
    guard residual(exp(low)) < level else { return exp(low) }
    for _ in 0..<60 {
      let middle = 0.5 * (low + high)
      if residual(exp(middle)) < level { low = middle } else { high = middle }
    }
    return exp(0.5 * (low + high))
  }

  // MARK: One lambda

  private struct Solution {
    var fit: Fit
    /// Mean of the squared leave-one-out errors and its standard error.
    var leaveOneOutMean: Double
    var leaveOneOutDeviation: Double
  }

  /// `Vᵀ y`.
  private func project(_ targets: [Double]) -> [Double] {
    let n = sampleSize
    var result = [Double](repeating: 0, count: n)
    for i in 0..<n {
      for j in 0..<n { result[j] += targets[i] * vectors.elements[i * n + j] }
    }
    return result
  }

  private func solution(
    _ targets: [Double], _ coordinates: [Double], _ lambda: Double
  ) -> Solution {
    let n = sampleSize
    let inverse = eigenvalues.map { 1 / ($0 + lambda) }
    var squared = 0.0
    var fit = 0.0
    var residual = 0.0
    for j in 0..<n {
      let alpha = coordinates[j] * inverse[j]
      squared += coordinates[j] * alpha
      fit += eigenvalues[j] * alpha * alpha
      residual += lambda * alpha * lambda * alpha
    }
    // With A = (K + lambda I)⁻¹ and alpha = A y: without row i the prediction misses y_i by
    // alpha_i / A_ii, and yᵀ A y is smaller by alpha_i² / A_ii.
    var errors = [Double](repeating: 0, count: n)
    var norms = errors
    var fitted = errors
    var leaveOneOut = errors
    for i in 0..<n {
      var alpha = 0.0
      var diagonal = 0.0
      for j in 0..<n {
        let v = vectors.elements[i * n + j]
        alpha += v * coordinates[j] * inverse[j]
        diagonal += v * v * inverse[j]
      }
      let miss = alpha / diagonal
      errors[i] = miss * miss
      fitted[i] = targets[i] - lambda * alpha
      leaveOneOut[i] = targets[i] - miss
      norms[i] = max(0, squared - alpha * alpha / diagonal).squareRoot()
    }
    let count = Double(n)
    let meanError = errors.reduce(0, +) / count
    let variance = errors.reduce(0) { $0 + ($1 - meanError) * ($1 - meanError) } / (count - 1)
    let meanNorm = norms.reduce(0, +) / count
    let spread = norms.reduce(0) { $0 + ($1 - meanNorm) * ($1 - meanNorm) }
    let norm = NormEstimate(
      value: squared.squareRoot(), standardError: ((count - 1) / count * spread).squareRoot(),
      fitNorm: fit.squareRoot(), lambda: lambda, residual: (residual / count).squareRoot(),
      leaveOneOutError: meanError.squareRoot(), sampleSize: n)
    return Solution(
      fit: Fit(norm: norm, fitted: fitted, leaveOneOut: leaveOneOut),
      leaveOneOutMean: meanError, leaveOneOutDeviation: (variance / count).squareRoot())
  }
}
