// SPDX-License-Identifier: Apache-2.0
internal import CHalfspace

// Dense products through OpenBLAS. They are fast and sum in unspecified order: filters and
// baselines, not values that decide (those come from `canonicalProduct`).
extension Matrix {
  /// `self * vector`: `[rows]` from `[columns]`. O(rows * columns).
  public func product(with vector: [Float]) -> [Float] {
    precondition(
      vector.count == columns, "vector of \(vector.count) for shape [\(rows), \(columns)]")
    var result = [Float](repeating: 0, count: rows)
    unsafe hs_gemv_f32(rows, columns, 1, pointer, stride, vector, 0, &result)
    return result
  }

  /// `selfᵀ * vector`: `[columns]` from `[rows]`. O(rows * columns).
  public func transposedProduct(with vector: [Float]) -> [Float] {
    precondition(vector.count == rows, "vector of \(vector.count) for shape [\(rows), \(columns)]")
    var result = [Float](repeating: 0, count: columns)
    unsafe hs_gemv_t_f32(rows, columns, 1, pointer, stride, vector, 0, &result)
    return result
  }

  /// `op(self) * op(other)`, each transposed where asked. O(rows * columns * other's columns).
  public func product(
    with other: Matrix, transposed: Bool = false, otherTransposed: Bool = false
  ) -> Matrix {
    let (m, k) = transposed ? (columns, rows) : (rows, columns)
    let (k2, n) = otherTransposed ? (other.columns, other.rows) : (other.rows, other.columns)
    precondition(k == k2, "product of [\(m), \(k)] and [\(k2), \(n)]")
    let result = Matrix(rows: m, columns: n)
    unsafe hs_gemm_f32(
      transposed ? 1 : 0, otherTransposed ? 1 : 0, m, n, k, 1, pointer, stride, other.pointer,
      other.stride, 0, result.pointer, result.stride)
    return result
  }

  /// Adds `scale * left * rightᵀ` in place: a rank-one update of shape `[rows, columns]`.
  public func addOuterProduct(_ left: [Float], _ right: [Float], scale: Float) {
    precondition(
      left.count == rows && right.count == columns,
      "outer product [\(left.count), \(right.count)] for shape [\(rows), \(columns)]")
    unsafe hs_ger_f32(rows, columns, scale, left, right, pointer, stride)
  }

  /// The canonical inner products of all rows of `self` with all rows of `other`:
  /// `[rows, other.rows]`, each the one value that decides firing (see `hs_dot_f32`).
  public func canonicalProduct(with other: Matrix) -> Matrix {
    precondition(
      stride == other.stride && columns == other.columns,
      "rows of [\(rows), \(columns)] against [\(other.rows), \(other.columns)]")
    let result = Matrix(rows: rows, columns: other.rows)
    unsafe hs_preactivations_f32(
      rows, other.rows, stride, pointer, other.pointer, result.pointer, result.stride)
    return result
  }
}
