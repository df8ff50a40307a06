// SPDX-License-Identifier: Apache-2.0
import HalfspaceLinalg
import Testing
import _HalfspaceTestSupport

@Suite struct MatrixProductsTests {
  static let shapes = [(1, 1), (3, 5), (17, 16), (33, 40), (5, 130)]

  @Test(arguments: shapes)
  func `a product with a vector is exact on integers`(_ rows: Int, _ columns: Int) {
    let matrix = TestData.integers(rows, columns, seed: 1)
    let right = TestData.integers(1, columns, seed: 2).rowArray(0)
    let left = TestData.integers(1, rows, seed: 3).rowArray(0)
    let product = matrix.product(with: right)
    for r in 0..<rows {
      #expect(product[r] == (0..<columns).reduce(0) { $0 + matrix[r, $1] * right[$1] })
    }
    let transposed = matrix.transposedProduct(with: left)
    for c in 0..<columns {
      #expect(transposed[c] == (0..<rows).reduce(0) { $0 + matrix[$1, c] * left[$1] })
    }
  }

  @Test(arguments: [false, true], [false, true])
  func `a product of matrices is exact on integers, however transposed`(
    _ transposed: Bool, _ otherTransposed: Bool
  ) {
    let (m, k, n) = (9, 21, 18)
    let left = transposed ? TestData.integers(k, m, seed: 4) : TestData.integers(m, k, seed: 4)
    let right =
      otherTransposed ? TestData.integers(n, k, seed: 5) : TestData.integers(k, n, seed: 5)
    let product = left.product(
      with: right, transposed: transposed, otherTransposed: otherTransposed)
    #expect(product.rows == m && product.columns == n)
    for i in 0..<m {
      for j in 0..<n {
        var expected: Float = 0
        for l in 0..<k {
          let a = transposed ? left[l, i] : left[i, l]
          expected += a * (otherTransposed ? right[j, l] : right[l, j])
        }
        #expect(product[i, j] == expected)
      }
    }
    #expect(product.hasZeroPadding)
  }

  @Test func `an outer product is added in place`() {
    let matrix = TestData.integers(4, 19, seed: 6)
    let before = matrix.copy()
    let left: [Float] = [1, -2, 0, 3]
    let right = TestData.integers(1, 19, seed: 7).rowArray(0)
    matrix.addOuterProduct(left, right, scale: 2)
    for r in 0..<4 {
      for c in 0..<19 { #expect(matrix[r, c] == before[r, c] + 2 * left[r] * right[c]) }
    }
    #expect(matrix.hasZeroPadding)
  }

  // MARK: Canonical products

  @Test(arguments: [1, 7, 16, 17, 32, 40, 60, 64, 65, 100, 129, 150])
  func `the canonical product is the documented sum, bit for bit`(_ columns: Int) {
    let w = TestData.gaussian(5, columns, seed: 8)
    let x = TestData.gaussian(3, columns, seed: 9)
    let product = w.canonicalProduct(with: x)
    #expect(product.rows == 5 && product.columns == 3)
    for r in 0..<5 {
      for q in 0..<3 {
        let expected = canonicalReference(w.rowArray(r), x.rowArray(q))
        #expect(product[r, q].bitPattern == expected.bitPattern)
      }
    }
    #expect(product.hasZeroPadding)
  }

  @Test(arguments: [3, 17, 64, 100])
  func `the canonical product does not depend on the side or the block a row is in`(
    _ columns: Int
  ) {
    let w = TestData.gaussian(19, columns, seed: 10)
    let x = TestData.gaussian(21, columns, seed: 11)
    let product = w.canonicalProduct(with: x)
    let mirrored = x.canonicalProduct(with: w)
    for r in 0..<19 {
      for q in 0..<21 { #expect(product[r, q].bitPattern == mirrored[q, r].bitPattern) }
    }
    for (start, end) in [(0, 1), (3, 10), (18, 19), (5, 5)] {
      let block = w.gather(start..<end).canonicalProduct(with: x)
      #expect(block.isIdentical(to: product.gather(start..<end)))
    }
  }

  @Test func `the canonical product is close to the exact one`() {
    let w = TestData.gaussian(10, 100, seed: 12)
    let x = TestData.gaussian(10, 100, seed: 13)
    let product = w.canonicalProduct(with: x)
    for r in 0..<10 {
      for q in 0..<10 {
        let terms = zip(w.rowArray(r), x.rowArray(q)).map { Double($0) * Double($1) }
        // gamma(ceil(112 / 64) + 6) of the declared bound.
        let bound = 8 * 0x1p-24 / (1 - 8 * 0x1p-24) * terms.reduce(0) { $0 + abs($1) }
        #expect(abs(Double(product[r, q]) - terms.reduce(0, +)) <= bound)
      }
    }
  }

  // MARK: Preconditions

  @Test func `shapes that do not fit trap`() async {
    await #expect(processExitsWith: .failure) {
      _ = Matrix(rows: 2, columns: 3).product(with: [1, 2])
    }
    await #expect(processExitsWith: .failure) {
      _ = Matrix(rows: 2, columns: 3).transposedProduct(with: [1, 2, 3])
    }
    await #expect(processExitsWith: .failure) {
      _ = Matrix(rows: 2, columns: 3).product(with: Matrix(rows: 2, columns: 3))
    }
    await #expect(processExitsWith: .failure) {
      Matrix(rows: 2, columns: 3).addOuterProduct([1], [1, 2, 3], scale: 1)
    }
    await #expect(processExitsWith: .failure) {
      _ = Matrix(rows: 2, columns: 3).canonicalProduct(with: Matrix(rows: 2, columns: 4))
    }
  }
}
