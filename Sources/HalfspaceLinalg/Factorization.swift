// SPDX-License-Identifier: Apache-2.0
internal import CHalfspace

/// A numerical failure of a matrix factorization.
public enum FactorizationError: Error, CustomStringConvertible, Equatable {
  /// The leading minor of this order is not positive definite.
  case notPositiveDefinite(order: Int)
  /// The eigenvalue iteration left this many off-diagonal elements unconverged.
  case notConverged(count: Int)
  /// LAPACK refused an argument: a size does not fit its integers, or an element is NaN.
  case illegalArgument(position: Int)

  /// One sentence.
  public var description: String {
    switch self {
    case .notPositiveDefinite(let order):
      "The matrix is not positive definite: its leading minor of order \(order) is not."
    case .notConverged(let count):
      "The eigenvalue iteration did not converge: \(count) off-diagonal elements remain."
    case .illegalArgument(let position):
      "LAPACK refused argument \(position): a size is too large or an element is not a number."
    }
  }
}

/// A compact row-major matrix of `Double` with the factorizations that kernels and principal
/// components need, through LAPACKE.
public struct DoubleMatrix: Sendable, Equatable {
  /// Number of rows.
  public let rows: Int
  /// Number of columns.
  public let columns: Int
  /// The elements, row after row.
  public var elements: [Double]

  /// A zero matrix of shape `[rows, columns]`.
  public init(rows: Int, columns: Int) {
    self.init(rows: rows, columns: columns, elements: .init(repeating: 0, count: rows * columns))
  }

  /// A matrix of shape `[rows, columns]` from its elements, row after row.
  public init(rows: Int, columns: Int, elements: [Double]) {
    precondition(
      rows >= 0 && columns >= 0 && elements.count == rows * columns,
      "\(elements.count) elements for shape [\(rows), \(columns)]")
    self.rows = rows
    self.columns = columns
    self.elements = elements
  }

  /// The element in `row` and `column`.
  public subscript(row: Int, column: Int) -> Double {
    get { elements[index(row, column)] }
    set { elements[index(row, column)] = newValue }
  }

  private func index(_ row: Int, _ column: Int) -> Int {
    precondition(
      row >= 0 && row < rows && column >= 0 && column < columns,
      "[\(row), \(column)] is outside [\(rows), \(columns)]")
    return row * columns + column
  }

  /// Solves `self * X = right` for a symmetric positive definite matrix `[n, n]` by Cholesky;
  /// `right` is `[n, k]`. O(n³ / 3 + n² k).
  public func solvingPositiveDefinite(_ right: DoubleMatrix) throws(FactorizationError)
    -> DoubleMatrix
  {
    precondition(
      rows == columns && right.rows == rows,
      "system [\(rows), \(columns)] with right side [\(right.rows), \(right.columns)]")
    var factor = self
    var solution = right
    try Self.check(unsafe hs_cholesky_f64(rows, &factor.elements, columns)) {
      .notPositiveDefinite(order: $0)
    }
    try Self.check(
      unsafe hs_cholesky_solve_f64(
        rows, right.columns, factor.elements, columns, &solution.elements, right.columns)
    ) { .notPositiveDefinite(order: $0) }
    return solution
  }

  /// Eigenvalues of a symmetric matrix `[n, n]`, ascending, and the matrix whose column `j` is the
  /// unit eigenvector of value `j`. O(n³). Only the lower triangle is read.
  public func symmetricEigensystem() throws(FactorizationError)
    -> (values: [Double], vectors: DoubleMatrix)
  {
    precondition(rows == columns, "shape [\(rows), \(columns)] is not square")
    var vectors = self
    var values = [Double](repeating: 0, count: rows)
    try Self.check(
      unsafe hs_eigen_symmetric_f64(1, rows, &vectors.elements, columns, &values)
    ) { .notConverged(count: $0) }
    return (values, vectors)
  }

  /// Eigenvalues of a symmetric matrix `[n, n]`, ascending, without the vectors. O(n³), a fraction of
  /// the time of `symmetricEigensystem()`. Only the lower triangle is read.
  public func symmetricEigenvalues() throws(FactorizationError) -> [Double] {
    precondition(rows == columns, "shape [\(rows), \(columns)] is not square")
    var overwritten = self
    var values = [Double](repeating: 0, count: rows)
    try Self.check(
      unsafe hs_eigen_symmetric_f64(0, rows, &overwritten.elements, columns, &values)
    ) { .notConverged(count: $0) }
    return values
  }

  /// Thin QR of a matrix `[m, n]`, `m >= n`: `q` `[m, n]` with orthonormal columns and upper
  /// triangular `r` `[n, n]`. O(m n²).
  public func orthogonalFactors() throws(FactorizationError) -> (q: DoubleMatrix, r: DoubleMatrix) {
    precondition(rows >= columns, "thin QR of [\(rows), \(columns)] needs rows >= columns")
    var q = self
    var r = DoubleMatrix(rows: columns, columns: columns)
    var scratch = [Double](repeating: 0, count: columns)
    try Self.check(
      unsafe hs_qr_f64(rows, columns, &q.elements, columns, &r.elements, &scratch)
    ) { .notConverged(count: $0) }
    return (q, r)
  }

  private static func check(
    _ info: Int32, _ failure: (Int) -> FactorizationError
  ) throws(FactorizationError) {
    if info > 0 { throw failure(Int(info)) }
    if info < 0 { throw .illegalArgument(position: Int(-info)) }
  }
}
