// SPDX-License-Identifier: Apache-2.0
public import HalfspaceLinalg
internal import HalfspaceNN

/// How good predicted classes are.
public struct ClassificationReport: Sendable, Equatable, Codable {
  /// The share of rows whose expected class is among the first `k` predicted.
  public struct TopAccuracy: Sendable, Equatable, Codable {
    /// Classes predicted per row.
    public var k: Int
    /// Share of the rows.
    public var accuracy: Double
  }

  /// Rows judged.
  public var rows: Int
  /// Labels of the classes; lists by class are in this order.
  public var labels: [String]
  /// Share of rows whose class is right.
  public var accuracy: Double
  /// Accuracy of the first k classes for k = 2, 3, 5 and 10, below the number of classes.
  public var top: [TopAccuracy]
  /// Precision, recall and F1 of each class.
  public var classes: [PrecisionRecall]
  /// Area under the ROC curve of each class against the rest; nil for classes that no row or
  /// every row has.
  public var aucs: [Double?]
  /// Element [e][p] counts the rows of class e that were predicted as p, whatever they weigh.
  public var confusion: [[Int]]
  /// Mean of -log of the probability given to the right class; nil without probabilities.
  public var logLoss: Double?
  /// Whether probabilities mean what they say; nil without probabilities.
  public var calibration: Calibration?

  /// Mean over classes, each with the same weight.
  public var macro: PrecisionRecall { .macroAverage(classes) }
  /// Mean over classes, weighted by their rows.
  public var weighted: PrecisionRecall { .weightedAverage(classes) }
  /// Area under the ROC curve: of two classes the second one's; of more the mean over the classes
  /// that have one; nil when none has.
  public var auc: Double? {
    if labels.count == 2 { return aucs[1] }
    let known = aucs.compactMap { $0 }
    return known.isEmpty ? nil : known.reduce(0, +) / Double(known.count)
  }

  /// Judges `scores` [n, C] for at least one row, the largest score being the prediction.
  ///
  /// - Parameters:
  ///   - expected: the classes, in `0..<C`.
  ///   - probabilities: [n, C], ordered as the scores are; nil when the scores have none.
  ///   - labels: C names.
  ///   - weights: how often each row counts; nil: once.
  /// - Complexity: O(C n log n).
  public init(
    scores: Matrix, probabilities: Matrix?, expected: [Int32], labels: [String],
    weights: [Double]? = nil
  ) {
    precondition(
      scores.columns == labels.count && scores.rows == expected.count,
      "scores [\(scores.rows), \(scores.columns)] for \(expected.count) rows of "
        + "\(labels.count) classes")
    let predicted = (0..<scores.rows).map { Int32(scores.indexOfLargest(inRow: $0)) }
    rows = expected.count
    self.labels = labels
    accuracy = Metrics.accuracy(predicted: predicted, expected: expected, weights: weights)
    top = [2, 3, 5, 10].filter { $0 < labels.count }.map {
      TopAccuracy(
        k: $0,
        accuracy: Metrics.topAccuracy($0, scores: scores, expected: expected, weights: weights))
    }
    confusion = Metrics.confusionMatrix(
      predicted: predicted, expected: expected, classCount: labels.count)
    let counts = confusion
    classes =
      weights.map { weights in
        PrecisionRecall.ofClasses(
          confusion: Metrics.confusionMatrix(
            predicted: predicted, expected: expected, classCount: labels.count, weights: weights),
          rows: counts.map { $0.reduce(0, +) })
      } ?? PrecisionRecall.ofClasses(confusion: counts)
    // One class against the rest is a question of probabilities: a score may be large beside
    // others that are larger.
    aucs = Metrics.rocAUCs(
      scores: probabilities ?? scores, expected: expected, weights: weights)
    guard let probabilities else { return }
    logLoss = Metrics.logLoss(
      probabilities: probabilities, expected: expected, weights: weights)
    calibration = Calibration(
      confidences: predicted.indices.map { Double(probabilities[$0, Int(predicted[$0])]) },
      isRight: zip(predicted, expected).map(==), weights: weights)
  }
}
