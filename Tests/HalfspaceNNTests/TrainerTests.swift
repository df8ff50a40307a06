// SPDX-License-Identifier: Apache-2.0
import HalfspaceLinalg
import HalfspaceReporting
import Testing
import _HalfspaceTestSupport

@testable import HalfspaceNN

@Suite struct TrainerTests {
  private let network = NetworkConfiguration(width: 512, threshold: .expectedFiring(15), seed: 2)

  // MARK: Learning

  @Test(arguments: [
    (InitialOutputs.zero, true), (.symmetricPairs(), true), (.symmetricPairs(.signs), false),
    (.independent(), true),
  ])
  func `a wide network learns clusters`(
    _ outputs: InitialOutputs, _ trainsOutputs: Bool
  ) throws {
    let problem = Problem.classes(5, rows: 200, dimension: 10, seed: 3)
    let trainer = try problem.trainer(
      .init(
        width: 4096, threshold: .expectedFiring(40), outputs: outputs,
        trainsOutputs: trainsOutputs),
      .init(loss: .softmaxCrossEntropy, epochs: 8, learningRate: 10))
    let reports = try trainer.run()
    #expect(reports.last!.loss < 0.3 * reports.first!.loss)
    let scores = trainer.predictor().scores(for: problem.inputs)
    #expect(
      Loss.softmaxCrossEntropy.measure(scores, against: problem.targets).accuracy! > 0.97)
  }

  @Test(arguments: [
    (Optimizer.sgd, 1.0), (.adaGrad(), 0.1), (.momentum(), 0.1), (.momentum(lazy: true), 0.1),
    (.adam(), 0.02), (.adam(lazy: true), 0.02),
  ])
  func `every optimizer brings a regression loss down`(
    _ optimizer: Optimizer, _ rate: Double
  ) throws {
    let problem = Problem.values(2, rows: 60, dimension: 5)
    let trainer = try problem.trainer(
      network,
      .init(
        loss: .squared, epochs: 15, batchSize: 10, learningRate: rate, optimizer: optimizer))
    let reports = try trainer.run()
    #expect(reports.last!.loss < 0.5 * reports.first!.loss)
  }

  @Test func `training starts at f = 0 where the latent neurons vanish`() throws {
    let problem = Problem.values(2, rows: 20, dimension: 5)
    for outputs in [InitialOutputs.zero, .symmetricPairs()] {
      let trainer = try problem.trainer(
        .init(width: 512, threshold: .expectedFiring(15), outputs: outputs),
        .init(loss: .squared))
      #expect(trainer.predictor().scores(for: problem.unseen).largestMagnitude < 1e-6)
    }
  }

  // MARK: Batches

  @Test func `the last batch of an epoch holds what is left`() throws {
    let problem = Problem.values(1, rows: 23, dimension: 5)
    let trainer = try problem.trainer(
      network, .init(loss: .squared, epochs: 2, batchSize: 10, learningRate: 0.1))
    try trainer.run()
    #expect(trainer.stepCount == 6)
    #expect(trainer.lookupStatistics.queries == 46)
  }

  @Test func `a batch larger than the data is the data`() throws {
    let problem = Problem.values(1, rows: 7, dimension: 5)
    let networks = try [7, 8, 1000].map { size in
      let trainer = try problem.trainer(
        network, .init(loss: .squared, epochs: 3, batchSize: size, learningRate: 0.1))
      try trainer.run()
      #expect(trainer.stepCount == 3)
      return trainer.network
    }
    #expect(networks[0].isIdentical(to: networks[1]))
    #expect(networks[0].isIdentical(to: networks[2]))
  }

  @Test func `batches of one row follow the dense network`() throws {
    let twin = try DenseTwin(
      .values(2, rows: 9, dimension: 5), network,
      .init(loss: .squared, epochs: 2, batchSize: 1, learningRate: 0.1))
    try twin.run()
    #expect(twin.trainer.stepCount == 18)
  }

  @Test(arguments: [Optimizer.sgd, .adaGrad(), .momentum(), .adam()])
  func `a batch on which nothing fires has the loss of zero and no gradient`(
    _ optimizer: Optimizer
  ) throws {
    let problem = Problem.values(1, rows: 6, dimension: 5)
    problem.inputs.setRow(3, to: [0, 0, 0, 0, 0])
    problem.targets.matrix![3, 0] = 3
    let trainer = try problem.trainer(
      network, .init(loss: .squared, learningRate: 0.1, optimizer: optimizer))
    let before = trainer.network.weights.copy()
    #expect(trainer.takeStep([3]) == 4.5)
    #expect(trainer.firings == 0)
    #expect(trainer.network.weights.isIdentical(to: before))
    #expect(trainer.network.outputs.largestMagnitude == 0)
    #expect(trainer.stepCount == 1)
  }

  @Test func `a threshold below everything fires every neuron on every row`() throws {
    let twin = try DenseTwin(
      .values(2, rows: 12, dimension: 5),
      .init(width: 40, threshold: .value(-100), outputs: .independent()),
      .init(loss: .squared, epochs: 3, batchSize: 5, learningRate: 1e-4))
    #expect(twin.trainer.network.count == 40)
    #expect(twin.trainer.network.initialFirings == 12 * 40)
    try twin.run()
    twin.expectSameScores()
    #expect(twin.trainer.firings == 3 * 12 * 40)
  }

  @Test func `a row may come twice in a batch`() throws {
    let problem = Problem.values(1, rows: 5, dimension: 5)
    let training = TrainingConfiguration(loss: .squared, schedule: .constant)
    let trainer = try problem.trainer(network, training)
    let dense = DenseNetwork(twinOf: trainer.network, configuration: training)
    let rows = [1, 4, 1]
    trainer.takeStep(rows[...])
    dense.takeStep(
      problem.inputs.gather(rows), targets: problem.targets, targetRows: rows[...],
      learningRate: training.learningRate)
    #expect(
      dense.weights.gather(0..<trainer.network.count)
        .isIdentical(to: trainer.network.weights))
  }

  @Test func `batches that cannot be trap`() async {
    await #expect(processExitsWith: .failure) { try Self.small().takeStep([]) }
    await #expect(processExitsWith: .failure) { try Self.small().takeStep([0, 1, 2, 3]) }
    await #expect(processExitsWith: .failure) { try Self.small().takeStep([6]) }
    await #expect(processExitsWith: .failure) { try Self.small().takeStep([-1]) }
    await #expect(processExitsWith: .failure) {
      try Self.small().takeStep(
        onNew: Matrix(rows: 4, columns: 3), targets: .values(Matrix(rows: 4, columns: 1)))
    }
    await #expect(processExitsWith: .failure) {
      try Self.small().takeStep(
        onNew: Matrix(rows: 1, columns: 4), targets: .values(Matrix(rows: 1, columns: 1)))
    }
  }

  /// Six rows of three columns, batches of three.
  private static func small() throws -> Trainer {
    try Problem.values(1, rows: 6, dimension: 3).trainer(
      .init(width: 64, threshold: .expectedFiring(8)), .init(loss: .squared, batchSize: 3))
  }

  // MARK: Reports

  @Test func `reports say what happened`() throws {
    let problem = Problem.values(1, rows: 20, dimension: 5)
    // At this rate no weight changes, so that the firings stay those of the initial network.
    let trainer = try problem.trainer(
      network,
      .init(
        loss: .squared, epochs: 4, batchSize: 5, learningRate: 1e-30,
        schedule: .step(epochs: 2, factor: 0.5)))
    let reports = try trainer.run()
    #expect(reports.map(\.epoch) == [1, 2, 3, 4])
    #expect(reports.allSatisfy { $0.epochs == 4 })
    #expect(reports.map(\.learningRate) == [1e-30, 1e-30, 0.5e-30, 0.5e-30])
    let perRow = Double(trainer.network.initialFirings) / 20
    #expect(reports.allSatisfy { $0.firingsPerRow == perRow })
    #expect(reports.allSatisfy { $0.materialized == trainer.network.count })
    let zeroLoss = Loss.squared.measure(Matrix(rows: 20, columns: 1), against: problem.targets)
    #expect(reports.allSatisfy { abs($0.loss - zeroLoss.loss) < 1e-12 })
    #expect(reports.allSatisfy { $0.validationLoss == nil && $0.validationAccuracy == nil })
    let times = trainer.times
    #expect(times.report > 0 && times.steps > 0 && times.validation == 0)
    #expect(abs(times.total - times.report - times.steps) < 1e-9)
  }

  @Test func `the learning rate of a report is that of the last step`() throws {
    let problem = Problem.values(1, rows: 8, dimension: 5)
    let trainer = try problem.trainer(
      network, .init(loss: .squared, epochs: 2, batchSize: 4, learningRate: 0.4))
    let rates = try trainer.run().map(\.learningRate)
    for (rate, expected) in zip(rates, [0.3, 0.1]) { #expect(abs(rate - expected) < 1e-15) }
  }

  // MARK: Ending

  @Test func `a callback ends the run`() throws {
    let problem = Problem.values(1, rows: 20, dimension: 5)
    let trainer = try problem.trainer(network, .init(loss: .squared, epochs: 9, learningRate: 0.1))
    var seen: [Int] = []
    let reports = try trainer.run { report in
      seen.append(report.epoch)
      return report.epoch == 3 ? .stop : .proceed
    }
    #expect(seen == [1, 2, 3])
    #expect(reports.count == 3)
    #expect(trainer.stepCount == 3)
  }

  @Test(arguments: [1, 3])
  func `early stopping ends after its patience and keeps the best network`(
    _ patience: Int
  ) throws {
    // Validation labels that contradict the training labels: what is learned only does harm,
    // after the first epochs at a small rate have done the least.
    let problem = Problem.classes(3, rows: 60, dimension: 6)
    guard case .classes(let labels, let count) = problem.targets else { return }
    let wrong = Targets.classes(labels.map { ($0 + 1) % 3 }, count: count)
    let trainer = try Trainer(
      inputs: problem.inputs, targets: problem.targets, network: network,
      training: .init(
        loss: .softmaxCrossEntropy, epochs: 20, learningRate: 1, patience: patience),
      validation: (problem.inputs, wrong))
    var predictors: [Predictor] = []
    let reports = try trainer.run { _ in
      predictors.append(trainer.predictor())
      return .proceed
    }
    #expect(reports.count == 1 + patience)
    let losses = reports.map { $0.validationLoss! }
    #expect(losses.min() == losses[0])
    let final = Loss.softmaxCrossEntropy.measure(
      trainer.predictor().scores(for: problem.inputs), against: wrong)
    #expect(final.loss == losses[0])
    #expect(trainer.predictor().weights.isIdentical(to: predictors[0].weights))
    #expect(!trainer.predictor().weights.isIdentical(to: trainer.network.weights))
    #expect(trainer.times.validation > 0)
  }

  @Test func `validation that improves to the end stops nothing`() throws {
    let problem = Problem.classes(3, rows: 60, dimension: 6)
    let trainer = try Trainer(
      inputs: problem.inputs, targets: problem.targets, network: network,
      training: .init(loss: .softmaxCrossEntropy, epochs: 6, learningRate: 0.5, patience: 1),
      validation: (problem.inputs, problem.targets))
    let reports = try trainer.run()
    #expect(reports.count == 6)
    #expect(trainer.predictor().weights.isIdentical(to: trainer.network.weights))
    let measured = Loss.softmaxCrossEntropy.measure(
      trainer.predictor().scores(for: problem.inputs), against: problem.targets)
    #expect(reports.last!.validationLoss == measured.loss)
    #expect(reports.last!.validationAccuracy == measured.accuracy)
  }

  @Test func `without patience validation is only reported`() throws {
    let problem = Problem.values(1, rows: 30, dimension: 6)
    let training = TrainingConfiguration(loss: .squared, epochs: 4, learningRate: 0.2)
    let measured = try Trainer(
      inputs: problem.inputs, targets: problem.targets, network: network, training: training,
      validation: (problem.unseen, .values(Matrix(rows: problem.unseen.rows, columns: 1))))
    let reports = try measured.run()
    #expect(reports.allSatisfy { $0.validationLoss != nil && $0.validationAccuracy == nil })
    let plain = try problem.trainer(network, training)
    try plain.run()
    #expect(plain.network.isIdentical(to: measured.network))
    #expect(measured.predictor().weights.isIdentical(to: measured.network.weights))
  }

  @Test(arguments: [
    Loss.squared, .absolute, .huber(delta: 1), .hinge, .logistic, .oneVersusRestLogistic,
  ])
  func `a run that diverges says so`(_ loss: Loss) throws {
    let problem = Problem.labels(1, rows: 20, dimension: 5)
    let trainer = try problem.trainer(
      .init(width: 512, threshold: .expectedFiring(15), outputs: .independent()),
      .init(loss: loss, epochs: 9, batchSize: 5, learningRate: 1e30, schedule: .constant))
    let error = #expect(throws: TrainingError.self) { try trainer.run() }
    guard case .diverged(let epoch, let rate) = error else { return }
    #expect((1...9).contains(epoch))
    #expect(rate == 1e30)
    #expect(
      error?.description
        == "training diverged in epoch \(epoch): the loss is not finite; try a learning rate "
        + "below 1e+30")
  }
}
