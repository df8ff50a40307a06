// SPDX-License-Identifier: Apache-2.0
import CHalfspace
import Testing

extension Kernels {
  @Suite struct BLASTests {
    // Integers: every order of summation gives the same, exact result.

    /// Row-major m rows of n with the given stride; the gaps hold NaN, which must not be read.
    private func matrix(_ m: Int, _ n: Int, _ stride: Int, _ dice: inout Dice) -> Block<Float> {
      Block(
        (0..<m).flatMap { _ in
          (0..<stride).map { $0 < n ? dice.integer() : Float.nan }
        })
    }

    private func scaled(_ beta: Float, _ y: Float) -> Float { beta == 0 ? 0 : beta * y }

    @Test(arguments: [(0, 0), (0, 3), (3, 0), (1, 1), (5, 7), (33, 18), (70, 130)])
    func `gemv agrees with a naive loop, both ways`(m: Int, n: Int) {
      var dice = Dice(seed: 23)
      for (alpha, beta) in [(Float(1), Float(0)), (2, 1), (-1, 3)] {
        let lda = n + 3
        let a = matrix(m, n, lda, &dice)
        let x = dice.integers(n)
        // What beta = 0 overwrites may be NaN.
        let y = beta == 0 ? Block(m, of: Float.nan) : dice.integers(m)
        let expected = (0..<m).map { i in
          (0..<n).reduce(scaled(beta, y[i])) { $0 + alpha * a[i * lda + $1] * x[$1] }
        }
        unsafe hs_gemv_f32(m, n, alpha, a.start, lda, x.start, beta, y.start)
        #expect(y.elements == expected)

        let x2 = dice.integers(m)
        let y2 = beta == 0 ? Block(n, of: Float.nan) : dice.integers(n)
        let expected2 = (0..<n).map { j in
          (0..<m).reduce(scaled(beta, y2[j])) { $0 + alpha * a[$1 * lda + j] * x2[$1] }
        }
        unsafe hs_gemv_t_f32(m, n, alpha, a.start, lda, x2.start, beta, y2.start)
        #expect(y2.elements == expected2)
      }
    }

    @Test(arguments: [(0, 2, 3), (2, 0, 3), (2, 3, 0), (1, 1, 1), (9, 17, 5), (40, 33, 64)])
    func `gemm agrees with a naive loop for every transposition`(m: Int, n: Int, k: Int) {
      var dice = Dice(seed: 24)
      for (transA, transB) in [(false, false), (true, false), (false, true), (true, true)] {
        for (alpha, beta) in [(Float(1), Float(0)), (-2, 1), (1, 2)] {
          let (lda, ldb, ldc) = ((transA ? m : k) + 1, (transB ? k : n) + 2, n + 3)
          let a = matrix(transA ? k : m, transA ? m : k, lda, &dice)
          let b = matrix(transB ? n : k, transB ? k : n, ldb, &dice)
          let c = beta == 0 ? Block(m * ldc, of: Float.nan) : matrix(m, n, ldc, &dice)
          var expected: [Float] = []
          for i in 0..<m {
            for j in 0..<n {
              expected.append(
                (0..<k).reduce(scaled(beta, c[i * ldc + j])) {
                  let left = transA ? a[$1 * lda + i] : a[i * lda + $1]
                  return $0 + alpha * left * (transB ? b[j * ldb + $1] : b[$1 * ldb + j])
                })
            }
          }
          let before = c.elements
          let c64 = Block(before.map { Double($0) })
          let (a64, b64) = (
            Block(a.elements.map { Double($0) }), Block(b.elements.map { Double($0) })
          )
          unsafe hs_gemm_f32(
            transA ? 1 : 0, transB ? 1 : 0, m, n, k, alpha, a.start, lda, b.start, ldb, beta,
            c.start, ldc)
          unsafe hs_gemm_f64(
            transA ? 1 : 0, transB ? 1 : 0, m, n, k, Double(alpha), a64.start, lda, b64.start,
            ldb, Double(beta), c64.start, ldc)
          #expect((0..<m).flatMap { c.slice($0 * ldc, n) } == expected)
          #expect((0..<m).flatMap { c64.slice($0 * ldc, n) } == expected.map { Double($0) })
          // Beyond the columns nothing is written.
          for i in 0..<m {
            #expect(c.slice(i * ldc + n, 3).allSatisfy { $0.isNaN })
          }
        }
      }
    }

    @Test(arguments: [(0, 4), (4, 0), (1, 1), (13, 20), (64, 33)])
    func `a rank-one update agrees with a naive loop`(m: Int, n: Int) {
      var dice = Dice(seed: 25)
      let lda = n + 1
      let a = matrix(m, n, lda, &dice)
      let (x, y) = (dice.integers(m), dice.integers(n))
      let expected = (0..<m).map { i in (0..<n).map { a[i * lda + $0] + 3 * x[i] * y[$0] } }
      unsafe hs_ger_f32(m, n, 3, x.start, y.start, a.start, lda)
      #expect((0..<m).map { a.slice($0 * lda, n) } == expected)
    }

    @Test func `sizes that OpenBLAS cannot hold trap`() async {
      await #expect(processExitsWith: .failure) {
        let one = Block(1, of: Float(1))
        unsafe hs_gemv_f32(1 << 40, 1, 1, one.start, 1, one.start, 1, one.start)
      }
    }

    @Test func `OpenBLAS names itself and its processor`() {
      #expect(unsafe String(cString: hs_blas_config()).contains("OpenBLAS"))
      #expect(unsafe !String(cString: hs_blas_core()).isEmpty)
    }
  }
}
