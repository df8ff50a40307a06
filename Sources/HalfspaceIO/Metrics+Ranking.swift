// SPDX-License-Identifier: Apache-2.0
internal import Foundation
public import HalfspaceLinalg

extension Metrics {
  /// The share of rows whose expected class is among the `k` with the largest of `scores` [n, C];
  /// of equal scores the class with the smaller number comes first. O(n C).
  public static func topAccuracy(
    _ k: Int, scores: Matrix, expected: [Int32], weights: [Double]? = nil
  ) -> Double {
    check(scores.rows, expected.count)
    precondition(k > 0, "the top \(k) classes")
    return mean(expected.count, weights) { row in
      let label = Int(expected[row])
      let score = scores[row, label]
      let ahead = (0..<scores.columns).count { column in
        let other = scores[row, column]
        return other > score || (other == score && column < label)
      }
      return ahead < k ? 1 : 0
    }
  }

  /// The area under the ROC curve: the probability that a positive row has a larger score than a
  /// negative one, ties counting half; nil when there are no rows of one kind. O(n log n).
  public static func rocAUC(
    scores: [Double], isPositive: [Bool], weights: [Double]? = nil
  ) -> Double? {
    check(scores.count, isPositive.count)
    precondition(!scores.contains(where: \.isNaN), "a score is not a number")
    let order = scores.indices.sorted { scores[$0] < scores[$1] }
    // Weights of the rows that have passed, and of the pairs of them that are in order.
    var (positives, negatives, pairs) = (0.0, 0.0, 0.0)
    var first = 0
    while first < order.count {
      var end = first
      var tied = (positives: 0.0, negatives: 0.0)
      while end < order.count, scores[order[end]] == scores[order[first]] {
        let weight = weights?[order[end]] ?? 1
        if isPositive[order[end]] { tied.positives += weight } else { tied.negatives += weight }
        end += 1
      }
      pairs += tied.positives * (negatives + tied.negatives / 2)
      positives += tied.positives
      negatives += tied.negatives
      first = end
    }
    guard positives > 0, negatives > 0 else { return nil }
    return pairs / (positives * negatives)
  }

  /// The area under the ROC curve of each class against the rest, by column of `scores` [n, C];
  /// nil for classes that no row or every row has. O(C n log n).
  public static func rocAUCs(
    scores: Matrix, expected: [Int32], weights: [Double]? = nil
  ) -> [Double?] {
    check(scores.rows, expected.count)
    return (0..<scores.columns).map { label in
      rocAUC(
        scores: expected.indices.map { Double(scores[$0, label]) },
        isPositive: expected.map { $0 == label }, weights: weights)
    }
  }

  // MARK: Several labels per row

  /// How well the best `k` labels of each row are chosen.
  public struct RankingQuality: Sendable, Equatable, Codable {
    /// Labels taken per row.
    public var k: Int
    /// Share of the `k` labels that are right; mean over the rows.
    public var precision: Double
    /// Share of a row's labels that are among the `k`; mean over the rows that have labels.
    public var recall: Double
    /// Discounted gain, `1 / log2(1 + place)` for every right label, over the largest possible
    /// one; mean over the rows that have labels.
    public var ndcg: Double
  }

  /// Precision, recall and normalized discounted cumulative gain of the `k` labels with the
  /// largest of `scores` [n, L]; of equal scores the label with the smaller number comes first.
  ///
  /// - Parameter relevant: the labels of every row, in any order, without repetition.
  /// - Complexity: O(n L log L).
  public static func ranking(
    at k: Int, scores: Matrix, relevant: [[Int32]], weights: [Double]? = nil
  ) -> RankingQuality {
    check(scores.rows, relevant.count)
    precondition(k > 0 && k <= scores.columns, "the top \(k) of \(scores.columns) labels")
    let discounts = (0..<k).map { 1 / log2(Double($0 + 2)) }
    var (precision, recall, ndcg) = (0.0, 0.0, 0.0)
    var (total, labeled) = (0.0, 0.0)
    for row in relevant.indices {
      let labels = Set(relevant[row].map(Int.init))
      let values = scores.rowArray(row)
      let best = values.indices.sorted { (values[$1], $0) < (values[$0], $1) }.prefix(k)
      let hits = best.map(labels.contains)
      let count = Double(hits.count { $0 })
      let weight = weights?[row] ?? 1
      total += weight
      precision += weight * count / Double(k)
      guard !labels.isEmpty else { continue }
      labeled += weight
      recall += weight * count / Double(labels.count)
      let gain = zip(hits, discounts).reduce(0) { $0 + ($1.0 ? $1.1 : 0) }
      ndcg += weight * gain / discounts.prefix(labels.count).reduce(0, +)
    }
    precondition(total > 0, "no row has a weight")
    // Without rows that have labels the sums are zero.
    let share = labeled > 0 ? 1 / labeled : 1
    return RankingQuality(
      k: k, precision: precision / total, recall: recall * share, ndcg: ndcg * share)
  }
}
