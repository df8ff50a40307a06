// SPDX-License-Identifier: Apache-2.0
internal import CHalfspace
internal import HalfspaceLinalg

/// A few directions in which nearly all of every query lies: rows are encoded by their coordinates
/// in these only.
///
/// The directions are rows of `matrix` `[k, d]`, eigenvectors rounded to `Float`: not quite
/// orthonormal, which `deviation` bounds. What a query has besides costs a margin, see
/// `TileMargin`.
struct TileBasis: Sendable {
  /// `[k, d]`.
  let matrix: Matrix
  /// At least `||B Bᵀ - I||`, in the norm of Frobenius.
  let deviation: Double
  /// At least the norm of Frobenius of `matrix`.
  let norm: Double

  /// Directions must be as orthonormal as this.
  static let largestDeviation = 0x1p-12
  /// At least the factor by which `B` and `I - BᵀB` lengthen a vector.
  static let growth = 1 + 0x1p-11

  /// Number of directions.
  var count: Int { matrix.rows }

  /// The coordinates that the basis leaves out, for a query and its computed coordinates `y`.
  struct Rest {
    /// At least `||x - Bᵀ y||`.
    var norm = 0.0
    /// At least `||B (x - Bᵀ y)||`.
    var leak = 0.0
  }

  /// A basis of these directions; nil unless they are orthonormal up to rounding.
  init?(_ matrix: Matrix) {
    let (k, d) = (matrix.rows, matrix.columns)
    guard k > 0, d > 0, matrix.isFinite else { return nil }
    var rows = [Double](repeating: 0, count: k * d)
    for j in 0..<k {
      for l in 0..<d { rows[j * d + l] = Double(matrix[j, l]) }
    }
    var products = [Double](repeating: 0, count: k * k)
    unsafe hs_gemm_f64(0, 1, k, k, d, 1, rows, d, rows, d, 0, &products, k)
    var square = 0.0
    var trace = 0.0
    for i in 0..<k {
      for j in 0..<k {
        let difference = products[i * k + j] - (i == j ? 1 : 0)
        square += difference * difference
      }
      trace += products[i * k + i]
    }
    // Rounding in Double: far below the last place of a Float in each product.
    deviation = square.squareRoot() * (1 + 0x1p-20) + Double(k) * 0x1p-40
    norm = trace.squareRoot() * (1 + 0x1p-20)
    guard deviation <= Self.largestDeviation else { return nil }
    self.matrix = matrix
  }

  /// At least the distance between the coordinates that kernels compute for a row or query of
  /// this norm and the exact ones.
  func error(norm rowNorm: Double) -> Double {
    let relative = RoundingMargin.canonicalGamma(stride: matrix.stride) * norm * rowNorm
    let absolute = Double(count * matrix.stride) * RoundingMargin.underflow
    return (relative + absolute) * (1 + 0x1p-40)
  }

  /// At least the norm of what the basis leaves out of a row of at most this norm, whose exact
  /// coordinates have a norm within `coordinates`.
  ///
  /// With `a = B w`, `||w - Bᵀ a||² = ||w||² - ||a||² + aᵀ (B Bᵀ - I) a`.
  func rest(norm: Double, coordinates: ClosedRange<Double>) -> Double {
    let (low, high) = (coordinates.lowerBound, coordinates.upperBound)
    let square =
      norm * norm * (1 + 0x1p-40) - low * low * (1 - 0x1p-40) + deviation * high * high
    return max(0, square).squareRoot() * (1 + 0x1p-40)
  }

  /// What the coordinates `y` leave out of a padded query `x` of at most this norm. O(d k).
  func rest(
    of x: UnsafePointer<Float>, coordinates y: UnsafePointer<Float>, norm queryNorm: Double
  ) -> Rest {
    let d = matrix.columns
    var squares = 0.0
    var leak = 0.0
    var ySquare = 0.0
    for j in 0..<count { ySquare += unsafe Double(y[j]) * Double(y[j]) }
    unsafe withUnsafeTemporaryAllocation(of: Double.self, capacity: d) {
      unsafe hs_split_query_f64(
        count, d, matrix.stride, matrix.pointer, x, y, $0.baseAddress!, &squares, &leak)
    }
    // Each coordinate is a sum of k + 1 terms, each square root one of d: all in Double.
    let rounding =
      Double(count + d + 16) * 0x1p-52 * (queryNorm + norm * ySquare.squareRoot())
    return Rest(
      norm: squares.squareRoot() * (1 + 0x1p-30) + rounding,
      leak: leak.squareRoot() * (1 + 0x1p-30) + 2 * norm * rounding)
  }
}
