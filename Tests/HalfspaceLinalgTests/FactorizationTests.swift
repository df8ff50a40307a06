// SPDX-License-Identifier: Apache-2.0
import HalfspaceLinalg
import Testing
import _HalfspaceTestSupport

@Suite struct FactorizationTests {
  private func random(_ rows: Int, _ columns: Int, seed: UInt64) -> DoubleMatrix {
    var source = NormalSource(seed: seed)
    return DoubleMatrix(
      rows: rows, columns: columns,
      elements: (0..<rows * columns).map { _ in Double(source.next()) })
  }

  private func product(
    _ a: DoubleMatrix, _ b: DoubleMatrix, transposed: Bool = false
  ) -> DoubleMatrix {
    let inner = transposed ? a.rows : a.columns
    var result = DoubleMatrix(rows: transposed ? a.columns : a.rows, columns: b.columns)
    for i in 0..<result.rows {
      for j in 0..<b.columns {
        result[i, j] = (0..<inner).reduce(0) {
          $0 + (transposed ? a[$1, i] : a[i, $1]) * b[$1, j]
        }
      }
    }
    return result
  }

  private func difference(_ a: DoubleMatrix, _ b: DoubleMatrix) -> Double {
    zip(a.elements, b.elements).reduce(0) { max($0, abs($1.0 - $1.1)) }
  }

  private func identity(_ n: Int) -> DoubleMatrix {
    var result = DoubleMatrix(rows: n, columns: n)
    for i in 0..<n { result[i, i] = 1 }
    return result
  }

  /// `AᵀA + I`.
  private func positiveDefinite(_ n: Int, seed: UInt64) -> DoubleMatrix {
    let a = random(n, n, seed: seed)
    var result = product(a, a, transposed: true)
    for i in 0..<n { result[i, i] += 1 }
    return result
  }

  // MARK: Storage

  @Test func `elements lie row after row`() {
    var matrix = DoubleMatrix(rows: 2, columns: 3, elements: [1, 2, 3, 4, 5, 6])
    #expect(matrix[1, 0] == 4)
    matrix[0, 2] = 9
    #expect(matrix.elements == [1, 2, 9, 4, 5, 6])
    #expect(DoubleMatrix(rows: 2, columns: 2).elements == [0, 0, 0, 0])
  }

  @Test func `shapes and positions are checked`() async {
    await #expect(processExitsWith: .failure) {
      _ = DoubleMatrix(rows: 2, columns: 2, elements: [1])
    }
    await #expect(processExitsWith: .failure) { _ = DoubleMatrix(rows: 2, columns: 2)[0, 2] }
    await #expect(processExitsWith: .failure) { _ = DoubleMatrix(rows: 2, columns: 2)[2, 0] }
    await #expect(processExitsWith: .failure) {
      _ = try DoubleMatrix(rows: 2, columns: 3).symmetricEigensystem()
    }
    await #expect(processExitsWith: .failure) {
      _ = try DoubleMatrix(rows: 2, columns: 3).orthogonalFactors()
    }
    await #expect(processExitsWith: .failure) {
      _ = try DoubleMatrix(rows: 2, columns: 2).solvingPositiveDefinite(
        DoubleMatrix(rows: 3, columns: 1))
    }
  }

  // MARK: Cholesky

  @Test(arguments: [(1, 1), (2, 3), (7, 1), (20, 5)])
  func `solving a positive definite system leaves a small residual`(_ n: Int, _ k: Int) throws {
    let a = positiveDefinite(n, seed: UInt64(n))
    let b = random(n, k, seed: 99)
    let x = try a.solvingPositiveDefinite(b)
    #expect(x.rows == n && x.columns == k)
    #expect(difference(product(a, x), b) < 1e-12 * Double(n * n))
  }

  @Test func `a system can be solved by hand`() throws {
    let a = DoubleMatrix(rows: 2, columns: 2, elements: [4, 2, 2, 3])
    let x = try a.solvingPositiveDefinite(
      DoubleMatrix(rows: 2, columns: 1, elements: [8, 8]))
    #expect(difference(x, DoubleMatrix(rows: 2, columns: 1, elements: [1, 2])) < 1e-15)
  }

  @Test(arguments: [1, 2, 3, 5])
  func `the order at which a matrix ceases to be positive definite is named`(_ order: Int) {
    var a = identity(5)
    a[order - 1, order - 1] = -1
    #expect(throws: FactorizationError.notPositiveDefinite(order: order)) {
      try a.solvingPositiveDefinite(DoubleMatrix(rows: 5, columns: 1))
    }
  }

  @Test func `a singular matrix is not positive definite`() {
    let a = DoubleMatrix(rows: 2, columns: 2, elements: [1, 1, 1, 1])
    #expect(throws: FactorizationError.notPositiveDefinite(order: 2)) {
      try a.solvingPositiveDefinite(DoubleMatrix(rows: 2, columns: 1))
    }
  }

  // MARK: Eigenvalues

  @Test(arguments: [1, 2, 9, 24])
  func `eigenvectors are orthonormal and belong to ascending values`(_ n: Int) throws {
    let a = positiveDefinite(n, seed: UInt64(n) + 50)
    let (values, vectors) = try a.symmetricEigensystem()
    #expect(zip(values, values.dropFirst()).allSatisfy { $0 <= $1 })
    #expect(difference(product(vectors, vectors, transposed: true), identity(n)) < 1e-12)
    var scaled = vectors
    for i in 0..<n {
      for j in 0..<n { scaled[i, j] *= values[j] }
    }
    #expect(difference(product(a, vectors), scaled) < 1e-11 * values[n - 1])
    let trace = (0..<n).reduce(0) { $0 + a[$1, $1] }
    #expect(abs(values.reduce(0, +) - trace) < 1e-12 * trace * Double(n))
  }

  @Test func `eigenvalues of either sign come in order`() throws {
    let a = DoubleMatrix(rows: 3, columns: 3, elements: [0, 2, 0, 2, 0, 0, 0, 0, 1])
    let (values, _) = try a.symmetricEigensystem()
    for (value, expected) in zip(values, [-2.0, 1, 2]) { #expect(abs(value - expected) < 1e-14) }
  }

  @Test func `only the lower triangle is read`() throws {
    let a = DoubleMatrix(rows: 2, columns: 2, elements: [2, 1e9, 1, 2])
    let (values, _) = try a.symmetricEigensystem()
    for (value, expected) in zip(values, [1.0, 3]) { #expect(abs(value - expected) < 1e-14) }
  }

  // MARK: QR

  @Test(arguments: [(1, 1), (5, 5), (12, 4), (30, 1)])
  func `thin QR gives the matrix back`(_ m: Int, _ n: Int) throws {
    let a = random(m, n, seed: UInt64(m * 100 + n))
    let (q, r) = try a.orthogonalFactors()
    #expect(q.rows == m && q.columns == n && r.rows == n && r.columns == n)
    #expect(difference(product(q, q, transposed: true), identity(n)) < 1e-13)
    #expect(difference(product(q, r), a) < 1e-13 * Double(m))
    for i in 0..<n {
      for j in 0..<i { #expect(r[i, j] == 0) }
    }
  }

  @Test func `thin QR of dependent columns still has orthonormal columns`() throws {
    let a = DoubleMatrix(rows: 3, columns: 2, elements: [1, 2, 2, 4, 3, 6])
    let (q, r) = try a.orthogonalFactors()
    #expect(difference(product(q, q, transposed: true), identity(2)) < 1e-14)
    #expect(abs(r[1, 1]) < 1e-14)
  }

  // MARK: Bad elements

  @Test func `an element that is not a number is an error, not a result`() {
    let a = DoubleMatrix(rows: 2, columns: 2, elements: [1, .nan, .nan, 1])
    #expect(throws: FactorizationError.self) { try a.symmetricEigensystem() }
    #expect(throws: FactorizationError.self) { try a.orthogonalFactors() }
    #expect(throws: FactorizationError.self) {
      try a.solvingPositiveDefinite(DoubleMatrix(rows: 2, columns: 1))
    }
  }

  @Test func `errors are sentences`() {
    #expect(
      FactorizationError.notPositiveDefinite(order: 3).description
        == "The matrix is not positive definite: its leading minor of order 3 is not.")
    #expect(FactorizationError.notConverged(count: 2).description.contains("2 off-diagonal"))
    #expect(FactorizationError.illegalArgument(position: 4).description.contains("argument 4"))
  }
}
