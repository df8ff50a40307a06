// SPDX-License-Identifier: Apache-2.0
internal import HalfspaceLinalg

/// Means and variances of the columns of a matrix.
struct Moments {
  /// Mean of each column.
  let means: [Double]
  /// Mean squared deviation of each column; exactly 0 for a constant one.
  let variances: [Double]

  /// The moments of a matrix of shape [n, p], n at least 1. O(n p).
  init(of matrix: Matrix) {
    let columns = matrix.columns
    let count = Double(matrix.rows)
    var sums = [Double](repeating: 0, count: columns)
    for row in 0..<matrix.rows {
      for column in 0..<columns { sums[column] += Double(matrix[row, column]) }
    }
    means = sums.map { $0 / count }
    var squares = [Double](repeating: 0, count: columns)
    var isConstant = [Bool](repeating: true, count: columns)
    for row in 0..<matrix.rows {
      for column in 0..<columns {
        let value = matrix[row, column]
        let deviation = Double(value) - means[column]
        squares[column] += deviation * deviation
        // Told by comparison: the rounding of the mean leaves deviations where there are none.
        if value != matrix[0, column] { isConstant[column] = false }
      }
    }
    variances = zip(squares, isConstant).map { $1 ? 0 : $0 / count }
  }
}
