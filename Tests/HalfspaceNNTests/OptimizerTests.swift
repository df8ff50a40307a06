// SPDX-License-Identifier: Apache-2.0
import Foundation
import HalfspaceLinalg
import HalfspaceReporting
import Testing
import _HalfspaceTestSupport

@testable import HalfspaceNN

@Suite struct OptimizerTests {
  struct Case: CustomTestStringConvertible {
    var optimizer: Optimizer
    var weightDecay: Double
    var outputs: Int
    var trainsOutputs: Bool

    var testDescription: String {
      "\(optimizer), decay \(weightDecay), \(outputs) outputs, "
        + "\(trainsOutputs ? "trained" : "fixed")"
    }

    static let optimizers: [Optimizer] = [
      .sgd, .adaGrad(), .adaGrad(epsilon: 0.1), .momentum(), .momentum(mu: 0.5, lazy: true),
      .adam(), .adam(beta1: 0.8, beta2: 0.95, epsilon: 1e-3, lazy: true),
    ]

    static let all = optimizers.flatMap {
      [
        Case(optimizer: $0, weightDecay: 0, outputs: 3, trainsOutputs: true),
        Case(optimizer: $0, weightDecay: 0.05, outputs: 1, trainsOutputs: true),
        Case(optimizer: $0, weightDecay: 0.05, outputs: 3, trainsOutputs: false),
      ]
    }
  }

  @Test(arguments: Case.all)
  func `training is the definition carried out one float at a time over every row`(
    _ test: Case
  ) throws {
    let problem = Problem.values(test.outputs, rows: 10, dimension: 5, seed: 4)
    let training = TrainingConfiguration(
      loss: .squared, epochs: 10, batchSize: 4, learningRate: 0.3, schedule: .constant,
      optimizer: test.optimizer, weightDecay: test.weightDecay)
    let trainer = try problem.trainer(
      .init(
        width: 90, threshold: .expectedFiring(9), rows: .gaussian, outputs: .independent(),
        trainsOutputs: test.trainsOutputs), training)
    var reference = ReferenceNetwork(
      DenseNetwork(twinOf: trainer.network, configuration: training), training,
      trainsOutputs: test.trainsOutputs)
    let targets = problem.targets.matrix!
    // Few rows in a batch, so that most neurons are silent in most steps.
    for rows in [[0, 1], [2], [3, 4, 5, 6], [0, 2], [7, 8], [1], [9, 5, 0]] {
      trainer.takeStep(rows[...])
      reference.takeStep(
        rows.map(problem.inputs.rowArray), rows.map(targets.rowArray), rate: 0.3)
    }
    let count = trainer.network.count
    #expect(count > 10 && count < 90)
    #expect(trainer.network.decay == reference.decay)
    #expect(trainer.network.outputDecay == reference.outputDecay)
    #expect(trainer.network.weights.isIdentical(to: Matrix(Array(reference.weights[..<count]))))
    #expect(trainer.network.outputs.isIdentical(to: Matrix(Array(reference.outputs[..<count]))))
    let scores = trainer.predictor().scores(for: problem.unseen)
    for k in 0..<20 {
      #expect(scores.rowArray(k) == reference.scores(for: problem.unseen.rowArray(k)))
    }
  }

  @Test(arguments: [
    (Optimizer.momentum(lazy: true), Optimizer.momentum()),
    (.adam(lazy: true), .adam()),
  ])
  func `lazy and dense forms agree until a row falls silent`(
    _ lazy: Optimizer, _ dense: Optimizer
  ) throws {
    let problem = Problem.values(2, rows: 10, dimension: 5)
    let trainers = try [lazy, dense].map {
      try problem.trainer(
        .init(width: 90, threshold: .expectedFiring(9), outputs: .independent()),
        .init(loss: .squared, learningRate: 0.1, schedule: .constant, optimizer: $0))
    }
    func areIdentical() -> Bool { trainers[0].network.isIdentical(to: trainers[1].network) }
    for trainer in trainers { trainer.takeStep([0, 1, 2]) }
    #expect(areIdentical())
    for trainer in trainers { trainer.takeStep([9]) }
    #expect(!areIdentical())
  }

  @Test(arguments: Case.optimizers)
  func `rows that are not named do not move, nor do their states`(_ optimizer: Optimizer) {
    let parameters = TestData.gaussian(6, 5, seed: 1)
    let before = parameters.copy()
    let layer = LayerOptimizer(optimizer: optimizer, parameters: parameters)
    #expect(layer.states.count == optimizer.stateCount)
    let gradient = TestData.gaussian(2, 5, seed: 2)
    unsafe layer.apply(
      .init(alpha: -0.5, averageAlpha: 0, number: 1), count: 2, ids: [1, 4],
      gradient: gradient.pointer, parameters: parameters)
    for r in [0, 2, 3, 5] {
      #expect(parameters.rowArray(r) == before.rowArray(r))
      #expect(layer.states.allSatisfy { $0.rowArray(r) == [0, 0, 0, 0, 0] })
    }
    for r in [1, 4] {
      #expect(parameters.rowArray(r) != before.rowArray(r))
      #expect(layer.states.allSatisfy { $0.rowArray(r) != [0, 0, 0, 0, 0] })
    }
    #expect(parameters.hasZeroPadding)
  }

  @Test(arguments: Case.optimizers)
  func `states of rows that join are zero, those of others stay`(_ optimizer: Optimizer) {
    let parameters = TestData.gaussian(3, 5, seed: 1)
    var layer = LayerOptimizer(optimizer: optimizer, parameters: parameters)
    layer.averageSum = parameters.emptyTwin()
    let gradient = TestData.gaussian(3, 5, seed: 2)
    unsafe layer.apply(
      .init(alpha: -0.5, averageAlpha: -1, number: 1), count: 3, ids: [0, 1, 2],
      gradient: gradient.pointer, parameters: parameters)
    let before = layer.states
    let average = layer.averageSum!
    #expect(average.largestMagnitude > 0)
    layer.grow(toRows: 5)
    for (old, new) in zip(before + [average], layer.states + [layer.averageSum!]) {
      #expect(new.gather(0..<3).isIdentical(to: old))
      #expect(new.gather(3..<5).largestMagnitude == 0)
    }
  }

  @Test(arguments: [
    (Optimizer.sgd, true, 0), (.adaGrad(), true, 1), (.momentum(), false, 1),
    (.momentum(lazy: true), true, 1), (.adam(), false, 2), (.adam(lazy: true), true, 2),
  ])
  func `an optimizer knows what it touches and what it stores`(
    _ optimizer: Optimizer, _ firedOnly: Bool, _ states: Int
  ) {
    #expect(optimizer.touchesFiredRowsOnly == firedOnly)
    #expect(optimizer.stateCount == states)
  }

  @Test(arguments: [
    (Optimizer.adaGrad(epsilon: 0), "AdaGrad's epsilon 0.0 is not positive"),
    (.adaGrad(epsilon: .nan), "AdaGrad's epsilon nan is not positive"),
    (.momentum(mu: 1), "the momentum 1.0 is not in 0..<1"),
    (.momentum(mu: -0.1), "the momentum -0.1 is not in 0..<1"),
    (.momentum(mu: .nan, lazy: true), "the momentum nan is not in 0..<1"),
    (.adam(beta1: 1), "Adam's beta1 1.0, beta2 0.999, epsilon 1e-08 make no sense"),
    (.adam(beta2: -1), "Adam's beta1 0.9, beta2 -1.0, epsilon 1e-08 make no sense"),
    (.adam(epsilon: 0), "Adam's beta1 0.9, beta2 0.999, epsilon 0.0 make no sense"),
  ])
  func `senseless settings are refused`(_ optimizer: Optimizer, _ reason: String) {
    #expect(throws: ConfigurationError.invalid(reason)) { try optimizer.validate() }
  }

  @Test(arguments: Case.optimizers)
  func `an optimizer is valid and survives encoding`(_ optimizer: Optimizer) throws {
    try optimizer.validate()
    let data = try JSONEncoder().encode(optimizer)
    #expect(try JSONDecoder().decode(Optimizer.self, from: data) == optimizer)
  }
}
