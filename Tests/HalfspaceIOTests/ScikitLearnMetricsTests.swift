// SPDX-License-Identifier: Apache-2.0
import HalfspaceIO
import HalfspaceLinalg
import Testing

/// Expected values were computed with scikit-learn 1.9.1 on the same numbers, which are exact in
/// `Float` and `Double`: `metrics.accuracy_score`, `top_k_accuracy_score`,
/// `precision_recall_fscore_support`, `log_loss`, `roc_auc_score`, `confusion_matrix`,
/// `calibration.calibration_curve(n_bins=10)`, `precision_score` and
/// `recall_score(average="samples")` of the best k labels, `ndcg_score`, `r2_score`.
@Suite struct ScikitLearnMetricsTests {
  private static let counts: [[Float]] = [
    [51, 4, 9], [11, 19, 34], [32, 20, 12], [7, 33, 24], [26, 28, 10], [6, 24, 34], [22, 9, 33],
    [22, 27, 15], [16, 15, 33], [22, 7, 35], [18, 28, 18], [25, 13, 26], [24, 18, 22],
    [25, 38, 1],
  ]
  private static let probabilities = Matrix(counts.map { $0.map { $0 / 64 } })
  private static let expected: [Int32] = [0, 1, 2, 1, 1, 2, 0, 0, 2, 2, 1, 0, 0, 0]
  private static let report = ClassificationReport(
    scores: probabilities, probabilities: probabilities, expected: expected,
    labels: ["a", "b", "c"])

  private func agree(_ values: [Double?], _ golden: [Double]) -> Bool {
    values.count == golden.count
      && zip(values, golden).allSatisfy { abs(($0 ?? .nan) - $1) < 1e-12 }
  }

  @Test func `accuracy, top-k accuracy, log-loss and confusion agree with scikit-learn`() {
    let report = Self.report
    #expect(agree([report.accuracy], [0.571_428_571_428_571_4]))
    #expect(report.top.map(\.k) == [2])
    #expect(agree(report.top.map(\.accuracy), [0.928_571_428_571_428_6]))
    #expect(agree([report.logLoss], [0.880_440_627_797_622_7]))
    #expect(report.confusion == [[2, 2, 2], [0, 3, 1], [1, 0, 3]])
  }

  @Test func `precision, recall and F1 agree with scikit-learn`() {
    let report = Self.report
    #expect(agree(report.classes.map(\.precision), [2.0 / 3, 0.6, 0.5]))
    #expect(agree(report.classes.map(\.recall), [1.0 / 3, 0.75, 0.75]))
    #expect(agree(report.classes.map(\.f1), [4.0 / 9, 2.0 / 3, 0.6]))
    #expect(report.classes.map(\.rows) == [6, 4, 4])
    let macro = report.macro
    #expect(
      agree(
        [macro.precision, macro.recall, macro.f1],
        [0.588_888_888_888_888_9, 0.611_111_111_111_111, 0.570_370_370_370_370_4]))
    let weighted = report.weighted
    #expect(
      agree(
        [weighted.precision, weighted.recall, weighted.f1],
        [0.6, 0.571_428_571_428_571_4, 0.552_380_952_380_952_3]))
    #expect(macro.rows == 14 && weighted.rows == 14)
  }

  @Test func `ROC AUC agrees with scikit-learn, ties included`() {
    #expect(agree(Self.report.aucs, [0.770_833_333_333_333_3, 0.825, 0.775]))
    #expect(agree([Self.report.auc], [0.790_277_777_777_777_7]))
    let tied = Metrics.rocAUC(
      scores: [0.1, 0.4, 0.4, 0.8, 0.4, 0.2],
      isPositive: [false, false, true, true, false, true])
    #expect(agree([tied], [2.0 / 3]))
  }

  @Test func `calibration agrees with scikit-learn`() {
    let calibration = Self.report.calibration
    let filled = calibration?.bins.filter { $0.rows > 0 } ?? []
    #expect(calibration?.bins.count == 10)
    #expect(filled.map(\.rows) == [1, 5, 7, 1])
    #expect(agree(filled.map(\.accuracy), [1, 0.4, 4.0 / 7, 1]))
    #expect(agree(filled.map(\.confidence), [0.375, 0.440_625, 15.0 / 28, 0.796_875]))
    #expect(agree([calibration?.expectedError], [0.091_517_857_142_857_11]))
  }

  @Test func `ranking of several labels agrees with scikit-learn`() {
    let scores = Matrix([
      [0.9, 0.1, 0.5, 0.4], [0.2, 0.7, 0.6, 0.1], [0.3, 0.2, 0.1, 0.8], [0.6, 0.5, 0.4, 0.3],
    ])
    let relevant: [[Int32]] = [[3, 0], [1, 2, 3], [0], [2, 3]]
    let quality = (1...3).map { Metrics.ranking(at: $0, scores: scores, relevant: relevant) }
    #expect(quality.map(\.k) == [1, 2, 3])
    #expect(agree(quality.map(\.precision), [0.5, 0.5, 0.5]))
    let recalls: [Double] = [5, 13, 19].map { $0 / 24 }
    #expect(agree(quality.map(\.recall), recalls))
    #expect(
      agree(
        quality.map(\.ndcg), [0.5, 0.561_019_236_584_228_9, 0.655_646_194_022_749]))
  }

  @Test func `errors of numbers agree with scikit-learn`() {
    let report = RegressionReport(
      predicted: [2.5, 0, 2, 8, 4], expected: [3, -0.5, 2, 7, 4.2])
    #expect(
      agree(
        [report.rmse, report.mae, report.r2],
        [0.554_977_477_020_464_3, 0.44, 0.949_660_041_841_004_2]))
  }
}
