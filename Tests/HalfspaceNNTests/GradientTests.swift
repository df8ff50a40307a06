// SPDX-License-Identifier: Apache-2.0
import HalfspaceLinalg
import HalfspaceReporting
import Testing
import _HalfspaceTestSupport

@testable import HalfspaceNN

/// The trainer's gradients, read off one SGD step, against central differences in Double.
@Suite struct GradientTests {
  struct Case: CustomTestStringConvertible {
    var name: String
    var loss: Loss
    var problem: Problem
    var testDescription: String { name }

    static var all: [Case] {
      let rows = 9
      // Targets far from the scores: errors lie beyond any Huber width below one.
      let far = Problem.values(2, rows: rows, dimension: 4)
      for r in 0..<rows {
        for c in 0..<2 { far.targets.matrix![r, c] += r.isMultiple(of: 2) ? 6 : -6 }
      }
      return [
        .init(name: "squared", loss: .squared, problem: .values(2, rows: rows, dimension: 4)),
        .init(
          name: "squared, one output", loss: .squared,
          problem: .values(1, rows: rows, dimension: 4)),
        .init(name: "absolute", loss: .absolute, problem: far),
        .init(name: "Huber, linear", loss: .huber(delta: 0.5), problem: far),
        .init(
          name: "Huber, squared", loss: .huber(delta: 100),
          problem: .values(2, rows: rows, dimension: 4)),
        .init(
          name: "logistic", loss: .logistic, problem: .labels(1, rows: rows, dimension: 4)),
        .init(name: "hinge", loss: .hinge, problem: .labels(1, rows: rows, dimension: 4)),
        .init(
          name: "softmax", loss: .softmaxCrossEntropy,
          problem: .classes(3, rows: rows, dimension: 4)),
        .init(
          name: "one against the rest, classes", loss: .oneVersusRestLogistic,
          problem: .classes(3, rows: rows, dimension: 4)),
        .init(
          name: "one against the rest, labels", loss: .oneVersusRestLogistic,
          problem: .labels(3, rows: rows, dimension: 4)),
      ]
    }
  }

  @Test(arguments: Case.all, [0, 0.05])
  func `a step goes down the gradient of both layers`(
    _ test: Case, _ weightDecay: Double
  ) throws {
    // A large rate, so that the change is large against the rounding of the weights.
    let rate = 16.0
    let trainer = try test.problem.trainer(
      .init(
        width: 40, threshold: .expectedFiring(8), rows: .gaussian, outputs: .independent(),
        seed: 7),
      .init(
        loss: test.loss, batchSize: 9, learningRate: rate, schedule: .constant,
        weightDecay: weightDecay))
    // With decay, the second step: the weights are then stored at another scale than they are.
    if weightDecay > 0 { trainer.takeStep(Array(0..<9)[...]) }
    let network = trainer.network
    let before = DoubleNetwork(
      network, test.problem.inputs, test.problem.targets, test.loss)
    let loss = trainer.takeStep(Array(0..<9)[...])
    let after = DoubleNetwork(
      network, test.problem.inputs, test.problem.targets, test.loss)
    #expect(abs(loss / 9 - before.meanLoss) < 1e-5 * max(1, before.meanLoss))

    let shrink = 1 - rate * weightDecay
    var checked = 0
    var largest = 0.0
    for r in 0..<network.count {
      // A finite difference across a kink of the ReLU is none of the gradient.
      guard before.inputs.indices.allSatisfy({ abs(before.margin(r, $0)) > 1e-4 }) else {
        continue
      }
      for (layer, columns) in [(\DoubleNetwork.weights, 4), (\.outputs, network.outputCount)] {
        for c in 0..<columns {
          let taken =
            (shrink * before[keyPath: layer][r][c] - after[keyPath: layer][r][c]) / rate
          var moved = before
          let h = 1e-5
          moved[keyPath: layer][r][c] += h
          let above = moved.meanLoss
          moved[keyPath: layer][r][c] -= 2 * h
          let difference = (above - moved.meanLoss) / (2 * h)
          #expect(
            abs(taken - difference) < 1e-5 * max(0.1, abs(difference)),
            "neuron \(r), column \(c)")
          checked += 1
          largest = max(largest, abs(difference))
        }
      }
    }
    #expect(checked > 100)
    #expect(largest > 1e-3, "so that a gradient of zero would not pass")
  }
}
