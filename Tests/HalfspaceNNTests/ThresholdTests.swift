// SPDX-License-Identifier: Apache-2.0
import Foundation
import HalfspaceLinalg
import HalfspaceReporting
import Testing
import _HalfspaceTestSupport

@testable import HalfspaceNN

@Suite struct ThresholdTests {
  @Test func `a value is itself`() throws {
    #expect(try Threshold.value(-3.5).resolved(width: 8) == -3.5)
  }

  @Test func `a firing fraction is a quantile of the normal distribution`() throws {
    #expect(abs(try Threshold.firingFraction(0.5).resolved(width: 1)) < 1e-15)
    // Q(1.489319) and Q(2.354820), from tables of the normal distribution.
    let b = try Threshold.firingFraction(6.820170e-2).resolved(width: 100)
    #expect(abs(b - 1.489319) < 1e-5)
    #expect(
      abs(try Threshold.firingFraction(9.265839e-3).resolved(width: 100) - 2.354820) < 1e-5)
  }

  @Test func `an expected firing count is a fraction of the width`() throws {
    #expect(
      try Threshold.expectedFiring(64).resolved(width: 1 << 30)
        == Threshold.firingFraction(64 / 0x1p30).resolved(width: 1))
  }

  @Test(arguments: [(2, 0.52655), (4096, 1.82405), (32768, 2.03933), (1 << 30, 2.88407)])
  func `the paper's rule is the root of 0.4 ln m`(_ width: Int, _ expected: Float) throws {
    #expect(abs(try Threshold.paper.resolved(width: width) - expected) < 2e-5)
  }

  @Test(arguments: [
    (Threshold.value(.nan), 8, "the threshold nan is not a finite number"),
    (.value(.infinity), 8, "the threshold inf is not a finite number"),
    (.firingFraction(0), 8, "the firing fraction 0.0 is not between 0 and 1"),
    (.firingFraction(1), 8, "the firing fraction 1.0 is not between 0 and 1"),
    (.firingFraction(.nan), 8, "the firing fraction nan is not between 0 and 1"),
    (.expectedFiring(0), 8, "the expected firing count 0.0 is not between 0 and the width 8"),
    (.expectedFiring(8), 8, "the expected firing count 8.0 is not between 0 and the width 8"),
    (.expectedFiring(64), 0, "the expected firing count 64.0 is not between 0 and the width 0"),
  ])
  func `senseless requests are refused`(_ threshold: Threshold, _ width: Int, _ reason: String) {
    #expect(throws: ConfigurationError.invalid(reason)) { try threshold.resolved(width: width) }
  }

  @Test(arguments: [NetworkConfiguration.Rows.productGrid(), .gaussian], [64.0, 400])
  func `as many neurons fire on unit inputs as were asked for`(
    _ rows: NetworkConfiguration.Rows, _ expected: Double
  ) throws {
    let width = 1 << 14
    let threshold = Threshold.expectedFiring(expected)
    let initial = try NetworkConfiguration(
      width: width, threshold: threshold, rows: rows, seed: 3
    ).makeInitialNetwork(dimension: 12, outputCount: 1)
    let network = MaterializedNetwork(
      initial: initial, threshold: try threshold.resolved(width: width))
    let inputs = 100
    network.materialize(
      firingOn: TestData.unitRows(inputs, 12, seed: 4), rows: 0..<inputs, threads: 1)
    let mean = Double(network.initialFirings) / Double(inputs)
    // One input fires k neurons in the mean, with variance below k for independent rows. A mean
    // over inputs varies less; rows of a grid, which share halves, vary more.
    #expect(abs(mean - expected) < 4 * expected.squareRoot())
    #expect(network.rowsSeen == inputs)
  }

  @Test func `symmetric pairs count twice`() throws {
    let network = NetworkConfiguration(
      width: 1000, threshold: .value(0.5), outputs: .symmetricPairs())
    let initial = try network.makeInitialNetwork(dimension: 3, outputCount: 2)
    #expect(initial.width == 1000)
    #expect(initial.rows.count == 500)
  }

  @Test func `a larger output scale at a rate smaller by its square moves the weights less`() throws
  {
    let problem = Problem.values(1, rows: 8, dimension: 4)
    func weightsAfterOneStep(_ outputScale: Double?, _ rate: Double) throws -> (Trainer, [Float]) {
      let trainer = try problem.trainer(
        NetworkConfiguration(
          width: 64, threshold: .value(0.5), outputs: .symmetricPairs(.signs),
          trainsOutputs: false, outputScale: outputScale),
        TrainingConfiguration(loss: .squared, learningRate: rate, schedule: .constant))
      let before = trainer.network.weights.copy()
      trainer.takeStep([0])
      let moved = (0..<trainer.network.count).map { r in
        zip(trainer.network.weights.rowArray(r), before.rowArray(r)).reduce(0) {
          $0 + ($1.0 - $1.1) * ($1.0 - $1.1)
        }.squareRoot()
      }
      return (trainer, moved)
    }
    let (plain, near) = try weightsAfterOneStep(1, 0.5)
    let (scaled, far) = try weightsAfterOneStep(4, 0.5 / 16)
    #expect(plain.network.scale == 1.0 / 8 && scaled.network.scale == 0.5)
    #expect(near.contains { $0 > 0 })
    for (a, b) in zip(near, far) { #expect(abs(a - 4 * b) <= 1e-5 * a) }
  }
}
