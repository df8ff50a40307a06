// SPDX-License-Identifier: Apache-2.0
import HalfspaceIO
import HalfspaceLinalg
import Testing
import _HalfspaceTestSupport

@Suite struct RankingMetricsTests {
  @Test func `the area under the curve counts pairs in order`() {
    var source = NormalSource(seed: 5)
    // Few different scores, so that many pairs are tied.
    let scores = (0..<60).map { _ in Double(source.generator.below(9)) }
    let isPositive = (0..<60).map { _ in source.generator.below(3) == 0 }
    var pairs = 0.0
    var wins = 0.0
    for i in 0..<60 where isPositive[i] {
      for j in 0..<60 where !isPositive[j] {
        pairs += 1
        wins += scores[i] > scores[j] ? 1 : scores[i] == scores[j] ? 0.5 : 0
      }
    }
    let area = Metrics.rocAUC(scores: scores, isPositive: isPositive)
    #expect(abs((area ?? .nan) - wins / pairs) < 1e-12)
    let mirrored = Metrics.rocAUC(scores: scores.map { -$0 }, isPositive: isPositive)
    #expect(abs((mirrored ?? .nan) + wins / pairs - 1) < 1e-12)
  }

  @Test func `without rows of both kinds there is no area`() {
    #expect(Metrics.rocAUC(scores: [1, 2], isPositive: [true, true]) == nil)
    #expect(Metrics.rocAUC(scores: [1, 2], isPositive: [false, false]) == nil)
    let areas = Metrics.rocAUCs(scores: Matrix([[1, 0, 0], [0, 1, 0]]), expected: [0, 1])
    #expect(areas == [1, 1, nil])
  }

  @Test func `of equal scores the class with the smaller number comes first`() {
    let scores = Matrix([[1, 1, 1, 0]])
    #expect((1...4).map { Metrics.topAccuracy($0, scores: scores, expected: [2]) } == [0, 0, 1, 1])
    #expect(Metrics.topAccuracy(1, scores: scores, expected: [0]) == 1)
  }

  @Test func `classes that are never predicted or never seen count as zero`() {
    let classes = PrecisionRecall.ofClasses(confusion: [[2, 0, 0], [1, 0, 0], [0, 0, 0]])
    #expect(classes.map(\.precision) == [2.0 / 3, 0, 0])
    #expect(classes.map(\.recall) == [1, 0, 0])
    #expect(classes.map(\.f1) == [0.8, 0, 0])
    #expect(PrecisionRecall.weightedAverage([]).f1 == 0)
  }

  @Test func `rows without labels count for precision alone`() {
    let scores = Matrix([[0.1, 0.9], [0.9, 0.1]])
    let quality = Metrics.ranking(at: 1, scores: scores, relevant: [[1], []])
    #expect(quality.precision == 0.5 && quality.recall == 1 && quality.ndcg == 1)
  }

  @Test func `bins are closed above, and the first one below too`() {
    let calibration = Calibration(
      confidences: [0, 0.5, 0.5, 0.75, 1], isRight: [false, true, true, false, true], binCount: 2)
    #expect(calibration.bins.map(\.rows) == [3, 2])
    #expect(calibration.bins.map(\.confidence) == [1.0 / 3, 0.875])
    #expect(calibration.bins.map(\.accuracy) == [2.0 / 3, 0.5])
    let expected = (3 * (1.0 / 3) + 2 * 0.375) / 5
    #expect(abs(calibration.expectedError - expected) < 1e-15)
  }

  @Test func `what makes no sense traps`() async {
    await #expect(processExitsWith: .failure) {
      _ = Metrics.rocAUC(scores: [.nan, 1], isPositive: [true, false])
    }
    await #expect(processExitsWith: .failure) {
      _ = Calibration(confidences: [1.5], isRight: [true])
    }
    await #expect(processExitsWith: .failure) {
      _ = Metrics.ranking(at: 3, scores: Matrix([[1, 2]]), relevant: [[0]])
    }
  }
}
