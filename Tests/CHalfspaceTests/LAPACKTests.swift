// SPDX-License-Identifier: Apache-2.0
import CHalfspace
import Testing

extension Kernels {
  @Suite struct LAPACKTests {
    private func random(_ m: Int, _ n: Int, _ stride: Int, seed: UInt32) -> Block<Double> {
      var dice = Dice(seed: seed)
      return Block((0..<m * stride).map { $0 % stride < n ? Double(dice.normal()) : .nan })
    }

    /// G Gᵀ + I, its lower triangle only; the rest is NaN, which must not be read.
    private func positive(_ n: Int, _ stride: Int, seed: UInt32) -> Block<Double> {
      let g = random(n, n, n, seed: seed).elements
      return Block(
        (0..<n * stride).map { at in
          let (i, j) = at.quotientAndRemainder(dividingBy: stride)
          guard j <= i else { return .nan }
          return (0..<n).reduce(i == j ? 1 : 0) { $0 + g[i * n + $1] * g[j * n + $1] }
        })
    }

    private func symmetric(_ a: Block<Double>, _ stride: Int, _ i: Int, _ j: Int) -> Double {
      a[max(i, j) * stride + min(i, j)]
    }

    @Test(arguments: [0, 1, 2, 7, 40])
    func `Cholesky factors and solves`(n: Int) {
      let (lda, k, ldb) = (n + 2, 3, 5)
      let a = positive(n, lda, seed: 26)
      let l = a.copy()
      #expect(unsafe hs_cholesky_f64(n, l.start, lda) == 0)
      for i in 0..<n {
        for j in 0...i {
          let product = (0...j).reduce(0.0) { $0 + l[i * lda + $1] * l[j * lda + $1] }
          #expect(abs(product - a[i * lda + j]) < 1e-10)
        }
      }
      let b = random(n, k, ldb, seed: 27)
      let x = b.copy()
      #expect(unsafe hs_cholesky_solve_f64(n, k, l.start, lda, x.start, ldb) == 0)
      for i in 0..<n {
        for c in 0..<k {
          let product = (0..<n).reduce(0.0) { $0 + symmetric(a, lda, i, $1) * x[$1 * ldb + c] }
          #expect(abs(product - b[i * ldb + c]) < 1e-9)
        }
        #expect(x.slice(i * ldb + k, ldb - k).allSatisfy { $0.isNaN })
      }
    }

    @Test func `a matrix that is not positive definite names the leading minor`() {
      let a = Block([4.0, 0, 0, 2, 1, 0, 0, 0, 1])  // minor 2 is 0
      #expect(unsafe hs_cholesky_f64(3, a.start, 3) == 2)
    }

    @Test(arguments: [0, 1, 2, 9, 40])
    func `eigenvectors diagonalize`(n: Int) {
      let lda = n + 1
      let a = positive(n, lda, seed: 28)
      let v = a.copy()
      let w = Block(n, of: -1.0)
      #expect(unsafe hs_eigen_symmetric_f64(1, n, v.start, lda, w.start) == 0)
      for j in 0..<n {
        if j > 0 { #expect(w[j - 1] <= w[j]) }
        for i in 0..<n {
          let product = (0..<n).reduce(0.0) { $0 + symmetric(a, lda, i, $1) * v[$1 * lda + j] }
          #expect(abs(product - w[j] * v[i * lda + j]) < 1e-9)
          let inner = (0..<n).reduce(0.0) { $0 + v[$1 * lda + i] * v[$1 * lda + j] }
          #expect(abs(inner - (i == j ? 1 : 0)) < 1e-11)
        }
      }
      let overwritten = a.copy()
      let valuesOnly = Block(n, of: -1.0)
      #expect(
        unsafe hs_eigen_symmetric_f64(0, n, overwritten.start, lda, valuesOnly.start) == 0)
      for (one, other) in zip(valuesOnly.elements, w.elements) { #expect(abs(one - other) < 1e-9) }
    }

    @Test(arguments: [(0, 0), (1, 1), (6, 6), (9, 4), (50, 13), (5, 0)])
    func `QR factors into orthonormal columns and a triangle`(m: Int, n: Int) {
      let lda = n + 2
      let a = random(m, n, lda, seed: 29)
      let q = a.copy()
      let r = Block(n * n, of: Double.nan)
      let tau = Block(n, of: 0.0)
      #expect(unsafe hs_qr_f64(m, n, q.start, lda, r.start, tau.start) == 0)
      for j in 0..<n {
        for i in 0..<m {
          let product = (0..<n).reduce(0.0) { $0 + q[i * lda + $1] * r[$1 * n + j] }
          #expect(abs(product - a[i * lda + j]) < 1e-11)
        }
        for i in 0..<n {
          if i > j { #expect(r[i * n + j] == 0) }
          let inner = (0..<m).reduce(0.0) { $0 + q[$1 * lda + i] * q[$1 * lda + j] }
          #expect(abs(inner - (i == j ? 1 : 0)) < 1e-11)
        }
      }
    }

    @Test func `illegal arguments are named by their position`() {
      let a = Block([1.0, 0, 0, 1])
      let b = Block(4, of: 1.0)
      let undefined = Block(4, of: Double.nan)
      let huge = 1 << 40
      #expect(unsafe hs_cholesky_f64(-1, a.start, 2) == -1)
      #expect(unsafe hs_cholesky_f64(huge, a.start, huge) == -1)
      #expect(unsafe hs_cholesky_f64(2, undefined.start, 2) == -2)
      #expect(unsafe hs_cholesky_f64(2, a.start, 1) == -3)
      #expect(unsafe hs_cholesky_solve_f64(huge, 1, a.start, huge, b.start, 1) == -1)
      #expect(unsafe hs_cholesky_solve_f64(2, -1, a.start, 2, b.start, 1) == -2)
      #expect(unsafe hs_cholesky_solve_f64(2, 2, a.start, 1, b.start, 2) == -4)
      #expect(unsafe hs_cholesky_solve_f64(2, 2, a.start, 2, b.start, 1) == -6)
      #expect(unsafe hs_eigen_symmetric_f64(1, huge, a.start, huge, b.start) == -2)
      #expect(unsafe hs_eigen_symmetric_f64(1, 2, undefined.start, 2, b.start) == -3)
      #expect(unsafe hs_eigen_symmetric_f64(1, 2, a.start, 1, b.start) == -4)
      #expect(unsafe hs_qr_f64(1, 2, a.start, 2, b.start, b.start) == -1)
      #expect(unsafe hs_qr_f64(2, -1, a.start, 2, b.start, b.start) == -2)
      #expect(unsafe hs_qr_f64(2, 2, undefined.start, 2, b.start, b.start) == -3)
      #expect(unsafe hs_qr_f64(2, 2, a.start, 1, b.start, b.start) == -4)
    }
  }
}
