// SPDX-License-Identifier: Apache-2.0
import Foundation
import HalfspaceIO
import HalfspaceLinalg
import Testing

@Suite struct MetricsTests {
  @Test func `accuracy and confusion count`() {
    let expected: [Int32] = [0, 0, 1, 2, 2]
    let predicted: [Int32] = [0, 1, 1, 2, 0]
    #expect(Metrics.accuracy(predicted: predicted, expected: expected) == 0.6)
    #expect(
      Metrics.confusionMatrix(predicted: predicted, expected: expected, classCount: 3)
        == [[1, 1, 0], [0, 1, 0], [1, 0, 1]])
  }

  @Test func `log loss is the mean surprise`() {
    let probabilities = Matrix([[0.5, 0.5], [0.25, 0.75], [1, 0]])
    let loss = Metrics.logLoss(probabilities: probabilities, expected: [0, 0, 0])
    #expect(abs(loss - (log(2) + log(4)) / 3) < 1e-12)
    let wrong = Metrics.logLoss(probabilities: Matrix([[1, 0]]), expected: [1])
    #expect(abs(wrong - 15 * log(10)) < 1e-12)
  }

  @Test func `log loss of scores is that of their softmax, however large`() {
    let scores = Matrix([[0, log(3)], [2, 2], [1000, -1000]])
    let loss = Metrics.logLoss(scores: scores, expected: [1, 0, 1])
    #expect(abs(loss - (log(4 / 3.0) + log(2) + 2000) / 3) < 1e-6)
  }

  @Test func `errors of numbers`() {
    let expected: [Double] = [1, 2, 3, 6]
    let predicted: [Double] = [1, 3, 3, 4]
    #expect(
      Metrics.rootMeanSquaredError(predicted: predicted, expected: expected) == 1.25.squareRoot())
    #expect(Metrics.meanAbsoluteError(predicted: predicted, expected: expected) == 0.75)
    // Mean 3, squared deviations 4 + 1 + 0 + 9.
    #expect(
      Metrics.coefficientOfDetermination(predicted: predicted, expected: expected)
        == 1 - 5.0 / 14)
    let mean = [Double](repeating: 3, count: 4)
    #expect(Metrics.coefficientOfDetermination(predicted: mean, expected: expected) == 0)
    #expect(Metrics.coefficientOfDetermination(predicted: expected, expected: expected) == 1)
    #expect(Metrics.coefficientOfDetermination(predicted: [2, 2], expected: [2, 2]) == 1)
    #expect(Metrics.coefficientOfDetermination(predicted: [2, 3], expected: [2, 2]) == 0)
  }

  @Test func `unequal counts and classes out of range trap`() async {
    await #expect(processExitsWith: .failure) {
      _ = Metrics.accuracy(predicted: [1], expected: [1, 2])
    }
    await #expect(processExitsWith: .failure) {
      _ = Metrics.rootMeanSquaredError(predicted: [], expected: [])
    }
    await #expect(processExitsWith: .failure) {
      _ = Metrics.confusionMatrix(predicted: [3], expected: [0], classCount: 3)
    }
  }
}
