// SPDX-License-Identifier: Apache-2.0
internal import Foundation
public import HalfspaceLinalg

/// How good predictions are. All functions need at least one row and trap on unequal counts.
public enum Metrics {
  // MARK: Classes

  /// The share of rows whose predicted class is the expected one. O(n).
  public static func accuracy(predicted: [Int32], expected: [Int32]) -> Double {
    check(predicted.count, expected.count)
    return Double(zip(predicted, expected).count { $0 == $1 }) / Double(expected.count)
  }

  /// How often each class was taken for each: element [e][p] counts the rows of class e that were
  /// predicted as p. Traps on classes outside `0..<classCount`. O(n + classCount^2).
  public static func confusionMatrix(
    predicted: [Int32], expected: [Int32], classCount: Int
  ) -> [[Int]] {
    check(predicted.count, expected.count)
    var counts = [[Int]](repeating: [Int](repeating: 0, count: classCount), count: classCount)
    for (prediction, label) in zip(predicted, expected) {
      precondition(
        prediction >= 0 && prediction < classCount && label >= 0 && label < classCount,
        "class \(prediction) or \(label) is outside 0..<\(classCount)")
      counts[Int(label)][Int(prediction)] += 1
    }
    return counts
  }

  /// Mean of -log of the probability given to the expected class; `probabilities` is [n, C].
  /// Probabilities below 1e-15 count as 1e-15, so that one certain error is not infinite. O(n).
  public static func logLoss(probabilities: Matrix, expected: [Int32]) -> Double {
    check(probabilities.rows, expected.count)
    var sum = 0.0
    for (row, label) in expected.enumerated() {
      sum -= log(min(max(Double(probabilities[row, Int(label)]), 1e-15), 1))
    }
    return sum / Double(expected.count)
  }

  /// As `logLoss(probabilities:expected:)` for the softmax of `scores` [n, C], without rounding
  /// small probabilities to zero. O(n C).
  public static func logLoss(scores: Matrix, expected: [Int32]) -> Double {
    check(scores.rows, expected.count)
    var sum = 0.0
    for (row, label) in expected.enumerated() {
      let values = scores.rowArray(row).map(Double.init)
      let largest = values.reduce(values[0], max)
      let total = values.reduce(0) { $0 + exp($1 - largest) }
      sum += log(total) + largest - values[Int(label)]
    }
    return sum / Double(expected.count)
  }

  // MARK: Numbers

  /// The root of the mean squared difference. O(n).
  public static func rootMeanSquaredError(predicted: [Double], expected: [Double]) -> Double {
    check(predicted.count, expected.count)
    return (sumOfSquares(predicted, expected) / Double(expected.count)).squareRoot()
  }

  /// The mean absolute difference. O(n).
  public static func meanAbsoluteError(predicted: [Double], expected: [Double]) -> Double {
    check(predicted.count, expected.count)
    return zip(predicted, expected).reduce(0) { $0 + abs($1.0 - $1.1) } / Double(expected.count)
  }

  /// R²: the share of the variance of the expected values that the predictions explain.
  ///
  /// 1 for perfect predictions, 0 for predicting the mean, negative for worse. When the expected
  /// values do not vary, 1 for perfect predictions and 0 for others. O(n).
  public static func coefficientOfDetermination(
    predicted: [Double], expected: [Double]
  ) -> Double {
    check(predicted.count, expected.count)
    let residual = sumOfSquares(predicted, expected)
    let isConstant = expected.allSatisfy { $0 == expected[0] }
    if isConstant { return residual == 0 ? 1 : 0 }
    let mean = expected.reduce(0, +) / Double(expected.count)
    return 1 - residual / expected.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
  }

  private static func sumOfSquares(_ a: [Double], _ b: [Double]) -> Double {
    zip(a, b).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
  }

  static func check(_ predicted: Int, _ expected: Int) {
    precondition(
      predicted == expected && expected > 0, "\(predicted) predictions for \(expected) rows")
  }
}
