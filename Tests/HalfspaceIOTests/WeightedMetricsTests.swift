// SPDX-License-Identifier: Apache-2.0
import Foundation
import HalfspaceIO
import HalfspaceLinalg
import Testing
import _HalfspaceTestSupport

/// A row of weight k counts as k rows do, in every metric.
@Suite struct WeightedMetricsTests {
  private static let weights: [Double] = (0..<40).map { (row: Int) in Double(row * 7 % 4) }
  private static let scores = TestData.gaussian(40, 5, seed: 9).rounded()
  private static let expected: [Int32] = (0..<40).map { (row: Int) in
    Int32((row * 3 + row / 7) % 5)
  }
  private static let sets: [[Int32]] = (0..<40).map { (row: Int) in
    (0..<5).filter { (label: Int) in (row * 5 + label * 3) % 7 < 2 }.map { Int32($0) }
  }
  /// Every row as often as it counts.
  private static let repeated = weights.indices.flatMap { row in
    [Int](repeating: row, count: Int(weights[row]))
  }

  private func isClose(_ a: Double?, _ b: Double?) -> Bool {
    switch (a, b) {
    case (nil, nil): true
    case (let a?, let b?): abs(a - b) < 1e-12
    default: false
    }
  }

  private func isClose(_ a: PrecisionRecall, _ b: PrecisionRecall) -> Bool {
    isClose(a.precision, b.precision) && isClose(a.recall, b.recall) && isClose(a.f1, b.f1)
      && isClose(a.weight, b.weight)
  }

  private func isClose(_ a: Calibration, _ b: Calibration) -> Bool {
    isClose(a.expectedError, b.expectedError)
      && zip(a.bins, b.bins).allSatisfy {
        isClose($0.confidence, $1.confidence) && isClose($0.accuracy, $1.accuracy)
      }
  }

  @Test func `of classes`() throws {
    let probabilities = Matrix(rows: 40, columns: 5)
    for row in 0..<40 {
      let powers = Self.scores.rowArray(row).map { exp($0) }
      for c in 0..<5 { probabilities[row, c] = powers[c] / powers.reduce(0, +) }
    }
    let labels = ["a", "b", "c", "d", "e"]
    let weighted = ClassificationReport(
      scores: Self.scores, probabilities: probabilities, expected: Self.expected, labels: labels,
      weights: Self.weights)
    let repeated = ClassificationReport(
      scores: Self.scores.gather(Self.repeated),
      probabilities: probabilities.gather(Self.repeated),
      expected: Self.repeated.map { Self.expected[$0] }, labels: labels)
    #expect(isClose(weighted.accuracy, repeated.accuracy))
    #expect(zip(weighted.top, repeated.top).allSatisfy { isClose($0.accuracy, $1.accuracy) })
    #expect(zip(weighted.classes, repeated.classes).allSatisfy { isClose($0, $1) })
    #expect(isClose(weighted.macro, repeated.macro))
    #expect(isClose(weighted.weighted, repeated.weighted))
    #expect(zip(weighted.aucs, repeated.aucs).allSatisfy { isClose($0, $1) })
    #expect(isClose(weighted.logLoss, repeated.logLoss))
    #expect(isClose(try #require(weighted.calibration), try #require(repeated.calibration)))
    #expect(weighted.rows == 40 && repeated.rows == Self.repeated.count)
  }

  @Test func `of numbers`() {
    let predicted = (0..<40).map { Double(Self.scores[$0, 0]) }
    let expected = (0..<40).map { Double(Self.scores[$0, 1]) }
    let weighted = RegressionReport(
      predicted: predicted, expected: expected, weights: Self.weights)
    let repeated = RegressionReport(
      predicted: Self.repeated.map { predicted[$0] }, expected: Self.repeated.map { expected[$0] })
    #expect(isClose(weighted.rmse, repeated.rmse) && isClose(weighted.mae, repeated.mae))
    #expect(isClose(weighted.r2, repeated.r2))
    // The rows that count are all alike.
    let one = RegressionReport(
      predicted: [1, 5, 2], expected: [1, 9, 1], weights: [1, 0, 1])
    #expect(one.r2 == 0 && one.mae == 0.5)
  }

  @Test func `of sets of labels`() {
    let labels = (0..<5).map(String.init)
    let weighted = MultiLabelReport(
      scores: Self.scores, relevant: Self.sets, labels: labels, weights: Self.weights)
    let repeated = MultiLabelReport(
      scores: Self.scores.gather(Self.repeated), relevant: Self.repeated.map { Self.sets[$0] },
      labels: labels)
    for (one, other) in zip(weighted.ranking, repeated.ranking) {
      #expect(isClose(one.precision, other.precision) && isClose(one.recall, other.recall))
      #expect(isClose(one.ndcg, other.ndcg))
    }
    #expect(zip(weighted.perLabel, repeated.perLabel).allSatisfy { isClose($0, $1) })
    #expect(isClose(weighted.micro, repeated.micro) && isClose(weighted.macro, repeated.macro))
    #expect(zip(weighted.aucs, repeated.aucs).allSatisfy { isClose($0, $1) })
    #expect(isClose(weighted.exactMatch, repeated.exactMatch))
    #expect(isClose(weighted.logLoss, repeated.logLoss))
    #expect(isClose(weighted.calibration, repeated.calibration))
  }

  @Test func `decisions about labels, counted one by one`() {
    let report = MultiLabelReport(
      scores: Matrix([[2, -1, 0.5], [-1, -2, -3], [1, 1, -1], [-1, 3, 0]]),
      relevant: [[0], [], [0, 2], [1]], labels: ["a", "b", "c"])
    // a: predicted 0, 2, true 0, 2. b: predicted 2, 3, true 3. c: predicted 0, true 2.
    #expect(report.perLabel.map(\.precision) == [1, 0.5, 0])
    #expect(report.perLabel.map(\.recall) == [1, 1, 0])
    #expect(report.perLabel.map(\.rows) == [2, 1, 1])
    #expect(report.micro.precision == 0.6 && report.micro.recall == 0.75)
    #expect(abs(report.micro.f1 - 2.0 / 3) < 1e-12)
    #expect(abs(report.macro.f1 - (1 + 2.0 / 3) / 3) < 1e-12)
    #expect(report.exactMatch == 0.5)
    #expect(report.ranking.map(\.k) == [1, 3])
    #expect(isClose(report.ranking[0].precision, 0.75))
    #expect(isClose(report.ranking[0].recall, 2.5 / 3))
    let losses: [Double] = [-2, -1, 0.5, -1, -2, -3, -1, 1, 1, -1, -3, 0]
    let expected = losses.reduce(0) { $0 + log1p(exp($1)) } / 12
    #expect(abs(report.logLoss - expected) < 1e-7)
    #expect(report.calibration.bins.reduce(0) { $0 + $1.rows } == 12)
  }
}

extension Matrix {
  /// The same shape, elements rounded to halves, so that there are ties.
  fileprivate func rounded() -> Matrix {
    let result = Matrix(rows: rows, columns: columns)
    for row in 0..<rows {
      for column in 0..<columns { result[row, column] = (2 * self[row, column]).rounded() / 2 }
    }
    return result
  }
}
