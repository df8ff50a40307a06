// SPDX-License-Identifier: Apache-2.0

/// How well one class is found, or the average over classes.
///
/// A quotient whose denominator is zero counts as 0: the precision of a class that was never
/// predicted, the recall of a class that has no rows.
public struct PrecisionRecall: Sendable, Equatable, Codable {
  /// Of the rows predicted as the class, the share that belong to it.
  public var precision: Double
  /// Of the rows of the class, the share that were predicted as it.
  public var recall: Double
  /// The harmonic mean of precision and recall.
  public var f1: Double
  /// Rows of the class; of an average, all rows.
  public var rows: Int

  /// What these rows weigh together; their number without weights.
  public var weight: Double

  init(precision: Double, recall: Double, f1: Double, rows: Int, weight: Double) {
    self.precision = precision
    self.recall = recall
    self.f1 = f1
    self.rows = rows
    self.weight = weight
  }

  /// The values for what weighs so much: rows of the class that were predicted as it, all that were
  /// predicted as it, all of the class.
  init(hits: Double, predicted: Double, actual: Double, rows: Int) {
    self.init(
      precision: Self.share(hits, of: predicted), recall: Self.share(hits, of: actual),
      f1: Self.share(2 * hits, of: predicted + actual), rows: rows, weight: actual)
  }

  /// The values of every class, from a confusion matrix as `Metrics.confusionMatrix` makes it
  /// (rows expected, columns predicted). O(C^2).
  public static func ofClasses(confusion: [[Int]]) -> [PrecisionRecall] {
    ofClasses(
      confusion: confusion.map { $0.map(Double.init) }, rows: confusion.map { $0.reduce(0, +) })
  }

  /// The values of every class, from a confusion matrix of weights; `rows` counts the rows of each
  /// class. O(C^2).
  public static func ofClasses(confusion: [[Double]], rows: [Int]) -> [PrecisionRecall] {
    confusion.indices.map { label in
      precondition(
        confusion[label].count == confusion.count,
        "row \(label) has \(confusion[label].count) of \(confusion.count) columns")
      return PrecisionRecall(
        hits: confusion[label][label], predicted: confusion.reduce(0) { $0 + $1[label] },
        actual: confusion[label].reduce(0, +), rows: rows[label])
    }
  }

  /// The mean over classes, each with the same weight. O(C).
  public static func macroAverage(_ classes: [PrecisionRecall]) -> PrecisionRecall {
    average(classes) { _ in 1 }
  }

  /// The mean over classes, weighted by what their rows weigh. O(C).
  public static func weightedAverage(_ classes: [PrecisionRecall]) -> PrecisionRecall {
    average(classes, weight: \.weight)
  }

  private static func average(
    _ classes: [PrecisionRecall], weight: (PrecisionRecall) -> Double
  ) -> PrecisionRecall {
    let total = classes.reduce(0) { $0 + weight($1) }
    func mean(_ value: (PrecisionRecall) -> Double) -> Double {
      total > 0 ? classes.reduce(0) { $0 + weight($1) * value($1) } / total : 0
    }
    return PrecisionRecall(
      precision: mean(\.precision), recall: mean(\.recall), f1: mean(\.f1),
      rows: classes.reduce(0) { $0 + $1.rows }, weight: classes.reduce(0) { $0 + $1.weight })
  }

  private static func share(_ part: Double, of whole: Double) -> Double {
    whole > 0 ? part / whole : 0
  }
}
