// SPDX-License-Identifier: Apache-2.0
internal import Foundation
public import HalfspaceLinalg

/// How good predicted sets of labels are.
///
/// A label is taken for predicted where its probability is above one half. *Micro* averages are over
/// all decisions, one for each row and label; *macro* averages over the labels.
public struct MultiLabelReport: Sendable, Equatable, Codable {
  /// Rows judged.
  public var rows: Int
  /// The labels; lists by label are in this order.
  public var labels: [String]
  /// Precision, recall and discounted gain of the best k labels for k = 1, 3, 5 and 10, as far as
  /// there are so many.
  public var ranking: [Metrics.RankingQuality]
  /// Precision, recall and F1 of each label.
  public var perLabel: [PrecisionRecall]
  /// Precision, recall and F1 of all decisions together.
  public var micro: PrecisionRecall
  /// Area under the ROC curve of each label; nil for labels that no row or every row has.
  public var aucs: [Double?]
  /// Share of rows whose labels are all right, and no others predicted.
  public var exactMatch: Double
  /// Mean over rows and labels of -log of the probability given to what is so.
  public var logLoss: Double
  /// Whether the probabilities of all decisions mean what they say: of the labels given 80 %, do 80 %
  /// of the rows have them?
  public var calibration: Calibration

  /// Mean over labels, each with the same weight.
  public var macro: PrecisionRecall { .macroAverage(perLabel) }
  /// Mean area under the ROC curve over the labels that have one; nil when none has.
  public var auc: Double? {
    let known = aucs.compactMap { $0 }
    return known.isEmpty ? nil : known.reduce(0, +) / Double(known.count)
  }

  /// Judges `scores` [n, L] of the logistic loss for at least one row.
  ///
  /// - Parameters:
  ///   - relevant: the labels of every row, in `0..<L`, without repetition.
  ///   - labels: L names.
  ///   - weights: how often each row counts; nil: once.
  /// - Complexity: O(L n log n).
  public init(
    scores: Matrix, relevant: [[Int32]], labels: [String], weights: [Double]? = nil
  ) {
    precondition(
      scores.columns == labels.count && scores.rows == relevant.count && !relevant.isEmpty,
      "scores [\(scores.rows), \(scores.columns)] for \(relevant.count) rows of "
        + "\(labels.count) labels")
    rows = relevant.count
    self.labels = labels
    ranking = [1, 3, 5, 10].filter { $0 <= labels.count }.map {
      Metrics.ranking(at: $0, scores: scores, relevant: relevant, weights: weights)
    }
    var counts = labels.map { _ in Counts() }
    var tally = Calibration.Tally()
    var losses = [Double](repeating: 0, count: rows)
    var isExact = [Bool](repeating: true, count: rows)
    for row in relevant.indices {
      let weight = weights?[row] ?? 1
      let own = Set(relevant[row].map(Int.init))
      for label in labels.indices {
        let (score, isOwn) = (Double(scores[row, label]), own.contains(label))
        counts[label].add(isOwn: isOwn, isPredicted: score > 0, weight: weight)
        if isOwn != (score > 0) { isExact[row] = false }
        // ln(1 + exp(-s)) without overflow, s being the score for what is so.
        losses[row] += max(0, isOwn ? -score : score) + log1p(exp(-abs(score)))
        tally.add(1 / (1 + exp(-score)), isRight: isOwn, weight: weight)
      }
    }
    perLabel = counts.map(\.result)
    micro = counts.reduce(into: Counts()) { $0.add($1) }.result
    aucs = labels.indices.map { label in
      Metrics.rocAUC(
        scores: relevant.indices.map { Double(scores[$0, label]) },
        isPositive: relevant.map { $0.contains(Int32(label)) }, weights: weights)
    }
    exactMatch = Metrics.mean(rows, weights) { isExact[$0] ? 1 : 0 }
    logLoss = Metrics.mean(rows, weights) { losses[$0] / Double(labels.count) }
    calibration = tally.finish()
  }

  /// What decisions about a label come to.
  private struct Counts {
    private var rows = 0
    private var (hits, predicted, actual) = (0.0, 0.0, 0.0)

    mutating func add(isOwn: Bool, isPredicted: Bool, weight: Double) {
      if isOwn {
        rows += 1
        actual += weight
      }
      if isPredicted { predicted += weight }
      if isOwn && isPredicted { hits += weight }
    }

    mutating func add(_ other: Counts) {
      rows += other.rows
      hits += other.hits
      predicted += other.predicted
      actual += other.actual
    }

    var result: PrecisionRecall {
      PrecisionRecall(hits: hits, predicted: predicted, actual: actual, rows: rows)
    }
  }
}
