// SPDX-License-Identifier: Apache-2.0
internal import Foundation
public import HalfspaceLinalg

/// How good predictions are. All functions need at least one row and trap on unequal counts.
///
/// Where there are `weights`, of at least 0 and not all 0, a row of weight 2 counts as two rows would;
/// without them every row counts once.
public enum Metrics {
  // MARK: Classes

  /// The share of rows whose predicted class is the expected one. O(n).
  public static func accuracy(
    predicted: [Int32], expected: [Int32], weights: [Double]? = nil
  ) -> Double {
    check(predicted.count, expected.count)
    return mean(expected.count, weights) { predicted[$0] == expected[$0] ? 1 : 0 }
  }

  /// How often each class was taken for each: element [e][p] counts the rows of class e that were
  /// predicted as p. Traps on classes outside `0..<classCount`. O(n + classCount^2).
  public static func confusionMatrix(
    predicted: [Int32], expected: [Int32], classCount: Int
  ) -> [[Int]] {
    confusion(predicted, expected, classCount) { _ in 1 }
  }

  /// As `confusionMatrix(predicted:expected:classCount:)`, each row counting as its weight says.
  public static func confusionMatrix(
    predicted: [Int32], expected: [Int32], classCount: Int, weights: [Double]
  ) -> [[Double]] {
    check(weights.count, expected.count)
    return confusion(predicted, expected, classCount) { weights[$0] }
  }

  private static func confusion<Count: Numeric>(
    _ predicted: [Int32], _ expected: [Int32], _ classCount: Int, _ count: (_ row: Int) -> Count
  ) -> [[Count]] {
    check(predicted.count, expected.count)
    var counts = [[Count]](repeating: .init(repeating: 0, count: classCount), count: classCount)
    for (row, (prediction, label)) in zip(predicted, expected).enumerated() {
      precondition(
        prediction >= 0 && prediction < classCount && label >= 0 && label < classCount,
        "class \(prediction) or \(label) is outside 0..<\(classCount)")
      counts[Int(label)][Int(prediction)] += count(row)
    }
    return counts
  }

  /// Mean of -log of the probability given to the expected class; `probabilities` is [n, C].
  /// Probabilities below 1e-15 count as 1e-15, so that one certain error is not infinite. O(n).
  public static func logLoss(
    probabilities: Matrix, expected: [Int32], weights: [Double]? = nil
  ) -> Double {
    check(probabilities.rows, expected.count)
    return mean(expected.count, weights) { row in
      -log(min(max(Double(probabilities[row, Int(expected[row])]), 1e-15), 1))
    }
  }

  /// As `logLoss(probabilities:expected:weights:)` for the softmax of `scores` [n, C], without
  /// rounding small probabilities to zero. O(n C).
  public static func logLoss(scores: Matrix, expected: [Int32]) -> Double {
    check(scores.rows, expected.count)
    return mean(expected.count, nil) { row in
      let values = scores.rowArray(row).map(Double.init)
      let largest = values.reduce(values[0], max)
      let total = values.reduce(0) { $0 + exp($1 - largest) }
      return log(total) + largest - values[Int(expected[row])]
    }
  }

  // MARK: Numbers

  /// The root of the mean squared difference. O(n).
  public static func rootMeanSquaredError(
    predicted: [Double], expected: [Double], weights: [Double]? = nil
  ) -> Double {
    meanSquaredError(predicted, expected, weights).squareRoot()
  }

  /// The mean absolute difference. O(n).
  public static func meanAbsoluteError(
    predicted: [Double], expected: [Double], weights: [Double]? = nil
  ) -> Double {
    check(predicted.count, expected.count)
    return mean(expected.count, weights) { abs(predicted[$0] - expected[$0]) }
  }

  /// R²: the share of the variance of the expected values that the predictions explain.
  ///
  /// 1 for perfect predictions, 0 for predicting the mean, negative for worse. When the expected
  /// values do not vary, 1 for perfect predictions and 0 for others. O(n).
  public static func coefficientOfDetermination(
    predicted: [Double], expected: [Double], weights: [Double]? = nil
  ) -> Double {
    let residual = meanSquaredError(predicted, expected, weights)
    let isConstant = expected.allSatisfy { $0 == expected[0] }
    if isConstant { return residual == 0 ? 1 : 0 }
    let center = mean(expected.count, weights) { expected[$0] }
    let variance = mean(expected.count, weights) { row in
      (expected[row] - center) * (expected[row] - center)
    }
    // Rows of one value may be all that count.
    return variance > 0 ? 1 - residual / variance : residual == 0 ? 1 : 0
  }

  private static func meanSquaredError(
    _ predicted: [Double], _ expected: [Double], _ weights: [Double]?
  ) -> Double {
    check(predicted.count, expected.count)
    return mean(expected.count, weights) { row in
      (predicted[row] - expected[row]) * (predicted[row] - expected[row])
    }
  }

  // MARK: Weights

  /// The mean of a value over the rows, each counting as its weight says; once each without weights.
  static func mean(
    _ count: Int, _ weights: [Double]?, of value: (_ row: Int) -> Double
  ) -> Double {
    guard let weights else { return (0..<count).reduce(0) { $0 + value($1) } / Double(count) }
    check(weights.count, count)
    let total = weights.reduce(0, +)
    precondition(total > 0, "no row has a weight")
    // A row that does not count may be anything.
    return (0..<count).reduce(0) { weights[$1] > 0 ? $0 + weights[$1] * value($1) : $0 } / total
  }

  static func check(_ predicted: Int, _ expected: Int) {
    precondition(
      predicted == expected && expected > 0, "\(predicted) predictions for \(expected) rows")
  }
}
