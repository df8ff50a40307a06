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
    self.init(rows: matrix.rows, columns: matrix.columns) { body in body(matrix) }
  }

  /// The moments of `rows` rows, at least 1, that come in blocks `[b, columns]`, or of what `image` makes
  /// of a block; each of two passes over them is a call. The same bits however they are cut.
  init<Failure>(
    rows: Int, columns: Int, of image: @escaping (Matrix) -> Matrix = { $0 },
    forEachBlock: ((Matrix) -> Void) throws(Failure) -> Void
  ) throws(Failure) {
    let count = Double(rows)
    var sums = [Double](repeating: 0, count: columns)
    var first: [Float] = []
    try forEachBlock { block in
      let block = image(block)
      if first.isEmpty { first = block.rowArray(0) }
      for row in 0..<block.rows {
        for column in 0..<columns { sums[column] += Double(block[row, column]) }
      }
    }
    let means = sums.map { $0 / count }
    var squares = [Double](repeating: 0, count: columns)
    var isConstant = [Bool](repeating: true, count: columns)
    try forEachBlock { block in
      let block = image(block)
      for row in 0..<block.rows {
        for column in 0..<columns {
          let value = block[row, column]
          let deviation = Double(value) - means[column]
          squares[column] += deviation * deviation
          // Told by comparison: the rounding of the mean leaves deviations where there are none.
          if value != first[column] { isConstant[column] = false }
        }
      }
    }
    self.means = means
    variances = zip(squares, isConstant).map { $1 ? 0 : $0 / count }
  }
}
