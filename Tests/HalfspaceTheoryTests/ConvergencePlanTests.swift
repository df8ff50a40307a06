// SPDX-License-Identifier: Apache-2.0
import HalfspaceLinalg
import HalfspaceNN
import HalfspaceReporting
import HalfspaceTheory
import Testing

@Suite struct ConvergencePlanTests {
  /// One line of a table of plans computed independently, rounded as printed.
  struct Line: Sendable, CustomStringConvertible {
    var norm, epsilon: Double
    var dimension, width: Int
    var threshold, firing: Double
    var fired, steps: Int
    var stepSize, outputScale, margin, overReport: Double
    var description: String { "M \(norm), epsilon \(epsilon), d \(dimension)" }
  }

  @Test(arguments: [
    Line(
      norm: 2, epsilon: 0.1, dimension: 16, width: 200, threshold: 1.456, firing: 0.0727,
      fired: 15, steps: 117, stepSize: 0.688, outputScale: 1, margin: 0.7543, overReport: 3.321),
    Line(
      norm: 2, epsilon: 0.05, dimension: 16, width: 800, threshold: 1.635, firing: 0.0510,
      fired: 41, steps: 327, stepSize: 0.490, outputScale: 1, margin: 0.4411, overReport: 2.279),
    Line(
      norm: 4, epsilon: 0.1, dimension: 16, width: 800, threshold: 1.635, firing: 0.0510,
      fired: 41, steps: 327, stepSize: 0.980, outputScale: 1.36, margin: 0.6476, overReport: 3.170),
    Line(
      norm: 4, epsilon: 0.05, dimension: 16, width: 3200, threshold: 1.797, firing: 0.0362,
      fired: 116, steps: 927, stepSize: 0.691, outputScale: 1.03, margin: 0.4982,
      overReport: 2.682),
    Line(
      norm: 8, epsilon: 0.05, dimension: 16, width: 12800, threshold: 1.945, firing: 0.0259,
      fired: 331, steps: 2652, stepSize: 0.966, outputScale: 1.56, margin: 0.3826,
      overReport: 2.283),
    Line(
      norm: 4, epsilon: 0.05, dimension: 8, width: 6400, threshold: 1.872, firing: 0.0306,
      fired: 196, steps: 783, stepSize: 0.818, outputScale: 1.27, margin: 0.3307,
      overReport: 2.014),
    Line(
      norm: 4, epsilon: 0.02, dimension: 8, width: 40000, threshold: 2.059, firing: 0.0198,
      fired: 790, steps: 3162, stepSize: 0.506, outputScale: 1, margin: 0.2070,
      overReport: 1.621),
  ])
  func `plans agree with a table computed independently`(_ line: Line) throws {
    let plan = try ConvergencePlan(
      norm: line.norm, epsilon: line.epsilon, dimension: line.dimension)
    #expect(plan.width == line.width && plan.halfWidth == line.width / 2)
    #expect(abs(plan.steps - line.steps) <= 1)
    #expect(abs(plan.expectedFiring - Double(line.fired)) <= 0.51)
    for (value, expected, digit) in [
      (plan.threshold, line.threshold, 0.0006), (plan.firingProbability, line.firing, 6e-5),
      (plan.stepSize, line.stepSize, 0.0006), (plan.outputScale, line.outputScale, 0.006),
      (plan.indexMargin, line.margin, 0.00006), (plan.overReport, line.overReport, 0.0006),
    ] { #expect(abs(value - expected) <= digit, "\(value) for \(expected)") }
  }

  @Test func `width and steps are quadratic in the norm over the excess`() throws {
    func plan(_ norm: Double, _ epsilon: Double) throws -> ConvergencePlan {
      try ConvergencePlan(
        norm: norm, epsilon: epsilon, dimension: 4, threshold: .value(1.25))
    }
    let base = try plan(4, 0.05)
    for other in [try plan(8, 0.05), try plan(4, 0.025)] {
      #expect(other.width == 4 * base.width)
      #expect(abs(Double(other.steps) / Double(base.steps) - 4) < 0.01)
    }
    // Same ratio: same network and length, a step in proportion.
    let scaled = try plan(8, 0.1)
    #expect(scaled.width == base.width && scaled.steps == base.steps)
    #expect(abs(scaled.stepSize / base.stepSize - 2) < 1e-12)
    // A steeper loss is a larger norm.
    let steep = try ConvergencePlan(
      norm: 4, epsilon: 0.05, dimension: 4, lipschitz: 2, threshold: .value(1.25))
    #expect(steep.width == 4 * base.width)
    #expect(abs(steep.stepSize / base.stepSize - 0.25) < 1e-12)
  }

  @Test func `the bound is met at the planned steps and not much before`() throws {
    for (norm, epsilon) in [(2.0, 0.1), (7, 0.03), (0.4, 0.3)] {
      let plan = try ConvergencePlan(
        norm: norm, epsilon: epsilon, dimension: 9, concentration: 0.3)
      let bound = plan.excessBound(afterSteps: plan.steps)
      #expect(bound <= epsilon * (1 + 1e-12))
      if plan.steps > 50 { #expect(bound > 0.97 * epsilon) }
      #expect(plan.excessBound(afterSteps: max(1, plan.steps / 4)) > bound)
    }
  }

  @Test func `the margin covers the drift and falls with the output scale`() throws {
    let one = try ConvergencePlan(
      norm: 4, epsilon: 0.1, dimension: 16, outputScale: .value(1))
    let four = try ConvergencePlan(
      norm: 4, epsilon: 0.1, dimension: 16, outputScale: .value(4))
    #expect(one.indexMargin > one.driftBound)
    #expect(abs(one.indexMargin / four.indexMargin - 4) < 1e-12)
    #expect(abs(one.learningRate / four.learningRate - 16) < 1e-9)
    #expect(four.scale == 4 / Double(four.width).squareRoot())
    #expect(four.overReport < one.overReport && four.overReport > 1)
  }

  @Test func `the predicted costs lie between oracle and dense`() throws {
    let plan = try ConvergencePlan(norm: 4, epsilon: 0.02, dimension: 8)
    let stream = plan.cost(batchSize: 4)
    let epochs = plan.cost(batchSize: 4, rows: 500)
    for cost in [stream, epochs] {
      #expect(cost.oracle < cost.productGrid && cost.oracle < cost.candidateLists)
      #expect(cost.productGrid < cost.dense && cost.saving > 1)
    }
    // Samples: T s; every neuron multiplied, fired ones moved.
    let samples = Double(plan.steps * 4)
    let expected = samples * 8 * (Double(plan.width) + plan.expectedFiring)
    #expect(abs(stream.dense / expected - 1) < 1e-12)
    #expect(stream.candidateLists > stream.dense, "lists made for one use cannot pay")
    #expect(epochs.candidateLists < epochs.dense && epochs.saving > stream.saving)
  }

  // MARK: Refusals

  private func refusal(
    norm: Double = 4, epsilon: Double = 0.1, dimension: Int = 8, lipschitz: Double = 1,
    concentration: Double? = nil, threshold: Threshold = .paper, targetBound: Double? = nil
  ) -> String? {
    let error = #expect(throws: PlanError.self) {
      try ConvergencePlan(
        norm: norm, epsilon: epsilon, dimension: dimension, lipschitz: lipschitz,
        concentration: concentration, threshold: threshold, targetBound: targetBound)
    }
    return error?.description
  }

  @Test func `numbers that make no sense are refused`() {
    for bad in [0, -1, Double.nan, .infinity] {
      #expect(refusal(norm: bad) == "no plan: the norm \(bad) is not a positive number")
      #expect(refusal(epsilon: bad) == "no plan: the excess \(bad) is not a positive number")
      #expect(
        refusal(lipschitz: bad) == "no plan: the slope of the loss \(bad) is not a positive number")
    }
    #expect(refusal(dimension: 0) == "no plan: the inputs have 0 coordinates")
    #expect(
      refusal(concentration: 0.1) == "no plan: unit inputs of 8 coordinates cannot have the "
        + "concentration 0.1: it lies between 0.125 and 1")
    #expect(refusal(threshold: .value(.nan))?.contains("is not a finite number") == true)
  }

  @Test func `requests that no network meets are refused with the reason`() throws {
    #expect(
      refusal(threshold: .value(1), targetBound: 2)?.contains("the targets reach 2.0") == true)
    _ = try ConvergencePlan(
      norm: 4, epsilon: 0.1, dimension: 8, threshold: .value(1), targetBound: 1.5)
    #expect(
      refusal(threshold: .value(9))?.contains("only ") == true)
    #expect(refusal(norm: 1e5, epsilon: 0.1, threshold: .value(-40))?.contains("steps") == true)
    // The excess named in the refusal is one that can be planned for.
    let error = #expect(throws: PlanError.self) {
      try ConvergencePlan(norm: 100, epsilon: 1e-7, dimension: 8)
    }
    guard case .tooWide(_, let largest, let smallest) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    let plan = try ConvergencePlan(norm: 100, epsilon: smallest * 1.001, dimension: 8)
    #expect(plan.width <= largest && plan.width > largest / 2)
  }

  @Test func `losses without a bounded slope are refused`() throws {
    let plan = try ConvergencePlan(norm: 2, epsilon: 0.1, dimension: 8)
    #expect(throws: PlanError.unsuitableLoss("squared")) {
      try plan.training(loss: .squared, rows: 10)
    }
    #expect(throws: PlanError.unsuitableLoss("softmax")) {
      try plan.training(loss: .softmaxCrossEntropy, rows: 10)
    }
    #expect(throws: PlanError.lossTooSteep(name: "huber", slope: 2, planned: 1)) {
      try plan.training(loss: .huber(delta: 2), rows: 10)
    }
    #expect(try ConvergencePlan.slope(of: .huber(delta: 0.5)) == 0.5)
  }

  // MARK: Settings of a trainer

  @Test func `the settings are the plan's`() throws {
    let plan = try ConvergencePlan(norm: 2, epsilon: 0.1, dimension: 16)
    let network = plan.network(seed: 5)
    #expect(network.width == plan.width && network.seed == 5 && !network.trainsOutputs)
    #expect(network.outputs == .symmetricPairs(.signs) && network.rows == .gaussian)
    #expect(try Double(network.threshold.resolved(width: plan.width)) == plan.threshold)
    // 117 steps: 5 epochs of 25 batches, 39 of 3, one of 117, one longer one.
    for (rows, batch, epochs) in [(100, 4, 5), (3, 1, 39), (117, 1, 1), (5000, 1, 1)] {
      let training = try plan.training(loss: .absolute, rows: rows, batchSize: batch)
      #expect(training.epochs == epochs && training.batchSize == batch)
      #expect(training.learningRate == plan.learningRate && training.schedule == .constant)
      #expect(training.optimizer == .sgd && training.averagingStart == 0)
      #expect(training.weightDecay == 0)
    }
  }

  @Test func `the concentration is that of the inputs`() throws {
    let axes = Matrix([[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, -1]])
    #expect(abs(try ConvergencePlan.concentration(of: axes) - 0.5) < 1e-12)
    let points = UnitSphere.points(4000, dimension: 5, seed: 2)
    #expect(abs(try ConvergencePlan.concentration(of: points) - 0.2) < 0.02)
    #expect(try ConvergencePlan.concentration(of: points) >= 0.2 - 1e-6)
  }
}
