// SPDX-License-Identifier: Apache-2.0
public import HalfspaceLinalg

extension FeatureTransform {
  /// The scaling that the training rows `matrix` [n, p] suggest: `.commonScale` when the features
  /// look like measurements in one unit, as pixels are, `.rank` when many of them are skewed, as
  /// counts and amounts are, and `.standardize` otherwise. O(n p).
  ///
  /// One unit means: at least 32 features vary; of these at least nine tenths have the same
  /// minimum, to a twentieth of the range of all values; and at least six tenths
  /// have the same maximum, to a quarter of it (pixels in the corners rarely reach it). Features of
  /// different units do not agree so closely in where they begin and end.
  ///
  /// Skewed means: of the features with more than two values, at least a third have a skewness
  /// (third moment over the cube of the standard deviation) beyond 2; an exponential has 2.
  public static func suggestedScaling(for matrix: Matrix) -> Scaling {
    guard matrix.rows > 0 else { return .standardize }
    var minima = matrix.rowArray(0)
    var maxima = minima
    for row in 1..<max(1, matrix.rows) {
      for column in 0..<matrix.columns {
        let value = matrix[row, column]
        if value < minima[column] { minima[column] = value }
        if value > maxima[column] { maxima[column] = value }
      }
    }
    let varying = (0..<matrix.columns).filter { minima[$0] < maxima[$0] }
    if isOneUnit(minima, maxima, varying) { return .commonScale }
    return isSkewed(matrix, varying) ? .rank : .standardize
  }

  private static func isOneUnit(_ minima: [Float], _ maxima: [Float], _ varying: [Int]) -> Bool {
    guard varying.count >= 32 else { return false }
    let lows = varying.map { Double(minima[$0]) }
    let highs = varying.map { Double(maxima[$0]) }
    let low = lows.reduce(lows[0], min)
    let high = highs.reduce(highs[0], max)
    let range = high - low
    let atLow = lows.count { $0 - low <= range / 20 }
    let atHigh = highs.count { high - $0 <= range / 4 }
    return 10 * atLow >= 9 * varying.count && 10 * atHigh >= 6 * varying.count
  }

  private static func isSkewed(_ matrix: Matrix, _ varying: [Int]) -> Bool {
    let moments = Moments(of: matrix)
    var skewed = 0
    var graded = 0
    for column in varying {
      let mean = moments.means[column]
      let deviation = moments.variances[column].squareRoot()
      let first = matrix[0, column]
      let second = (0..<matrix.rows).first { matrix[$0, column] != first }
      let other = second.map { matrix[$0, column] } ?? first
      var cubes = 0.0
      var hasThird = false
      for row in 0..<matrix.rows {
        let value = matrix[row, column]
        if value != first && value != other { hasThird = true }
        let scaled = (Double(value) - mean) / deviation
        cubes += scaled * scaled * scaled
      }
      guard hasThird else { continue }
      graded += 1
      if abs(cubes) > 2 * Double(matrix.rows) { skewed += 1 }
    }
    return graded > 0 && 3 * skewed >= graded
  }
}
