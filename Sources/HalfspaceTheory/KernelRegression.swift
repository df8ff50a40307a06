// SPDX-License-Identifier: Apache-2.0
public import HalfspaceLinalg

/// Ridge regression with the kernel of an infinitely wide network: what training such a network
/// with the squared loss and weight decay from its initial weights tends to.
///
/// ```swift
/// let kernel = ShiftedReLUKernel(threshold: 2)
/// let model = try KernelRegression(kernel: kernel, inputs: x, targets: y, lambda: 1e-3)
/// let predictions = model.predict(test)
/// ```
public struct KernelRegression: Sendable {
  /// The kernel.
  public let kernel: ShiftedReLUKernel
  /// The training rows `[n, d]`.
  public let inputs: Matrix
  /// `(K + lambda I)⁻¹ Y`, `[n, k]`.
  public let coefficients: DoubleMatrix
  /// `sqrt(yᵀ (K + lambda I)⁻¹ y)` of each target: the norm that it takes to explain it on the
  /// rows, `NormEstimate.value` at this `lambda`, by one Cholesky factorization. `k` of them.
  public let targetNorms: [Double]

  /// Fits `targets` `[n, k]` on `inputs` `[n, d]`.
  ///
  /// - Parameter lambda: added to the diagonal of the kernel matrix, at least 0.
  /// - Throws: `FactorizationError.notPositiveDefinite` when the matrix is singular, as it is for
  ///   equal rows and `lambda` 0.
  /// - Complexity: O(n² d + n³ / 3 + n² k).
  public init(
    kernel: ShiftedReLUKernel, inputs: Matrix, targets: DoubleMatrix, lambda: Double,
    threads: Int = 1
  ) throws(FactorizationError) {
    precondition(
      inputs.rows == targets.rows && lambda >= 0,
      "inputs [\(inputs.rows), \(inputs.columns)], targets [\(targets.rows), "
        + "\(targets.columns)], lambda \(lambda)")
    var gram = kernel.gramMatrix(of: inputs, threads: threads)
    for i in 0..<gram.rows { gram[i, i] += lambda }
    let coefficients = try gram.solvingPositiveDefinite(targets)
    self.coefficients = coefficients
    targetNorms = (0..<targets.columns).map { column in
      max(0, (0..<targets.rows).reduce(0) { $0 + targets[$1, column] * coefficients[$1, column] })
        .squareRoot()
    }
    self.kernel = kernel
    self.inputs = inputs
  }

  /// Predictions `[rows, k]` for `queries` `[rows, d]`. O(rows n (d + k)).
  public func predict(_ queries: Matrix, threads: Int = 1) -> DoubleMatrix {
    let cross = kernel.matrix(of: queries, against: inputs, threads: threads)
    var result = DoubleMatrix(rows: cross.rows, columns: coefficients.columns)
    let (n, k) = (cross.columns, coefficients.columns)
    for i in 0..<cross.rows {
      for c in 0..<k {
        var sum = 0.0
        for j in 0..<n { sum += cross.elements[i * n + j] * coefficients.elements[j * k + c] }
        result[i, c] = sum
      }
    }
    return result
  }

  /// The norm of each fitted function in the space of the kernel, `sqrt(cᵀ K c)`: `k` of them.
  /// O(n² (d + k)).
  public func norms(threads: Int = 1) -> [Double] {
    let fitted = predict(inputs, threads: threads)
    return (0..<coefficients.columns).map { column in
      (0..<inputs.rows).reduce(0) { $0 + coefficients[$1, column] * fitted[$1, column] }
        .squareRoot()
    }
  }
}
