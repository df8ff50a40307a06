// SPDX-License-Identifier: Apache-2.0
import HalfspaceLinalg
import HalfspaceReporting
import Testing
import _HalfspaceTestSupport

@testable import HalfspaceNN

/// Rows that are seen for the first time while training is under way.
@Suite struct StreamTests {
  struct Case: CustomTestStringConvertible {
    var optimizer = Optimizer.sgd
    var outputs = InitialOutputs.zero
    var trainsOutputs = true
    var weightDecay = 0.0

    var testDescription: String { "\(optimizer), outputs \(outputs), decay \(weightDecay)" }

    static let all = [
      Case(), Case(optimizer: .adaGrad(), weightDecay: 0.02), Case(optimizer: .momentum()),
      Case(optimizer: .adam(), outputs: .independent()),
      Case(outputs: .symmetricPairs(), trainsOutputs: false, weightDecay: 0.02),
      Case(optimizer: .momentum(), outputs: .independent(.signs), weightDecay: 0.02),
    ]
  }

  /// Neurons that join are stored behind the others, in the last shard. So the final order of the
  /// stored neurons is an order in which a dense network could have held its rows all along:
  /// those that had not joined yet fired on nothing it was trained on. Held in that order, it
  /// must have the same bits after the same batches.
  @Test(arguments: Case.all)
  func `a stream trains the dense network that holds its rows in the final order`(
    _ test: Case
  ) throws {
    let problem = Problem.values(3, rows: 400, dimension: 6, seed: 8)
    let isAdam = if case .adam = test.optimizer { true } else { false }
    let training = TrainingConfiguration(
      loss: .squared, epochs: 40, batchSize: 40, learningRate: isAdam ? 0.02 : 0.3,
      schedule: .constant, optimizer: test.optimizer, weightDecay: test.weightDecay)
    func rows(_ range: Range<Int>) -> Problem {
      Problem(
        inputs: problem.inputs.gather(range), targets: problem.targets.gather(range),
        unseen: problem.unseen)
    }
    let known = 150
    let trainer = try rows(0..<known).trainer(
      .init(
        width: 2048, threshold: .expectedFiring(12), outputs: test.outputs,
        trainsOutputs: test.trainsOutputs, seed: 4), training)
    let stored = trainer.network.count
    #expect(trainer.network.shards.count > 2, "so that late rows extend one shard of several")

    // Old batches and new ones in turn; one new batch comes again.
    let batches = [
      0..<40, 150..<190, 100..<140, 190..<191, 150..<190, 200..<237, 20..<60, 237..<270,
    ]
    var losses: [Double] = []
    for batch in batches {
      if batch.upperBound <= known {
        losses.append(trainer.takeStep(Array(batch)[...]))
      } else {
        let new = rows(batch)
        losses.append(try trainer.takeStep(onNew: new.inputs, targets: new.targets))
      }
    }
    let network = trainer.network
    #expect(network.count > stored + 20)

    let dense = DenseNetwork(
      twinOf: network, configuration: training, trainsOutputs: test.trainsOutputs)
    for (batch, loss) in zip(batches, losses) {
      let rows = rows(batch)
      let expected = dense.takeStep(
        rows.inputs, targets: rows.targets, targetRows: Array(0..<batch.count)[...],
        learningRate: training.learningRate)
      #expect(loss == expected)
    }
    #expect(dense.weights.gather(0..<network.count).isIdentical(to: network.weights))
    #expect(dense.outputs.gather(0..<network.count).isIdentical(to: network.outputs))
    #expect(network.decay == dense.decay)
    if case .symmetricPairs = test.outputs { return }
    #expect(
      trainer.predictor().scores(for: problem.unseen)
        .isIdentical(to: dense.scores(for: problem.unseen)))
  }

  @Test func `materializing twice adds nothing`() throws {
    let network = try materialized(firingOn: 50)
    let neurons = network.neurons
    let weights = network.weights.copy()
    let inputs = TestData.unitRows(50, 6, seed: 1)
    #expect(network.materialize(firingOn: inputs, rows: 0..<50, threads: 2).isEmpty)
    #expect(network.materialize(firingOn: inputs, rows: 10..<20, threads: 1).isEmpty)
    #expect(network.neurons == neurons)
    #expect(network.weights.isIdentical(to: weights))
    #expect(network.rowsSeen == 110)
  }

  @Test func `materializing no rows adds nothing`() throws {
    let network = try materialized(firingOn: 50)
    let count = network.count
    let new = network.materialize(
      firingOn: TestData.unitRows(3, 6, seed: 9), rows: 2..<2, threads: 1)
    #expect(new == count..<count)
  }

  @Test func `rows in one go or one by one materialize the same neurons`() throws {
    let together = try materialized(firingOn: 50)
    let single = try materialized(firingOn: 0)
    let inputs = TestData.unitRows(50, 6, seed: 1)
    var joined = 0
    for row in 0..<50 {
      let new = single.materialize(firingOn: inputs, rows: row..<row + 1, threads: 1)
      #expect(new.lowerBound == joined)
      joined = new.upperBound
      #expect(single.shards.last == joined)
      let names = single.neurons[new]
      #expect(zip(names, names.dropFirst()).allSatisfy { $0 < $1 }, "ascending by number")
    }
    #expect(Set(single.neurons) == Set(together.neurons))
    #expect(single.initialFirings == together.initialFirings)
    #expect(zip(together.neurons, together.neurons.dropFirst()).allSatisfy { $0 < $1 })
    for (r, neuron) in single.neurons.enumerated() {
      let place = together.neurons.firstIndex(of: neuron)!
      #expect(single.weights.rowArray(r) == together.weights.rowArray(place))
      #expect(single.isMaterialized(neuron))
    }
  }

  @Test func `the materialized neurons are those that fire, no others`() throws {
    let network = try materialized(firingOn: 50)
    let inputs = TestData.unitRows(50, 6, seed: 1)
    let all = Matrix(rows: network.width, columns: 6)
    for r in 0..<network.width {
      unsafe network.initial.copyWeights(of: r, to: all.row(r))
    }
    let products = all.canonicalProduct(with: inputs)
    let fires = (0..<network.width).filter { r in
      products.rowArray(r).contains { $0 > network.threshold }
    }
    #expect(network.neurons == fires)
    #expect(fires.count > 100 && fires.count < network.width)
    #expect((0..<network.width).allSatisfy { network.isMaterialized($0) == fires.contains($0) })
    let firings = products.copy()
    let count = (0..<network.width).reduce(0) { sum, r in
      sum + firings.rowArray(r).count { $0 > network.threshold }
    }
    #expect(network.initialFirings == count)
  }

  @Test func `shards are equal parts and cover the stored rows`() throws {
    for rows in [1, 10, 50, 400] {
      let network = try materialized(firingOn: rows, width: 4000)
      let shards = network.shards
      #expect(shards.first == 0 && shards.last == network.count)
      let sizes = zip(shards, shards.dropFirst()).map { $1 - $0 }
      #expect(sizes.allSatisfy { $0 > 0 })
      #expect(sizes.max()! - sizes.min()! <= 1)
      #expect(sizes.count <= 8)
    }
  }

  @Test func `a stream of rows that fire nothing trains nothing`() throws {
    let problem = Problem.values(1, rows: 20, dimension: 4)
    let trainer = try problem.trainer(
      .init(width: 64, threshold: .expectedFiring(4)),
      .init(loss: .squared, batchSize: 5, learningRate: 0.1))
    let before = trainer.network.weights.copy()
    let stored = trainer.network.count
    // The zero row fires on nothing above a positive threshold; the loss is that of f = 0.
    let loss = try trainer.takeStep(
      onNew: Matrix(rows: 2, columns: 4), targets: .values(Matrix([[2], [4]])))
    #expect(loss == 2 + 8)
    #expect(trainer.network.count == stored)
    #expect(trainer.network.weights.isIdentical(to: before))
  }

  @Test func `what has decayed joins only if it still fires`() throws {
    let problem = Problem.values(1, rows: 30, dimension: 4)
    let trainer = try problem.trainer(
      .init(width: 2000, threshold: .expectedFiring(15)),
      .init(
        loss: .squared, batchSize: 30, learningRate: 1, schedule: .constant, weightDecay: 0.03))
    for _ in 0..<3 { trainer.takeStep(Array(0..<30)[...]) }
    let network = trainer.network
    #expect(abs(network.decay - 0.912673) < 1e-12)
    let new = TestData.unitRows(10, 4, seed: 99)
    let joined = network.materialize(firingOn: new, rows: 0..<10, threads: 1)
    #expect(!joined.isEmpty)
    // <0.91 w, x> > b, judged by Double with room for its rounding.
    let products = network.weights.gather(joined).canonicalProduct(with: new)
    for r in 0..<joined.count {
      let largest = products.rowArray(r).map { network.decay * Double($0) }.max()!
      #expect(largest > Double(network.threshold) * (1 - 1e-6))
    }
  }

  @Test func `lookups go on counting when rows join`() throws {
    let problem = Problem.values(1, rows: 20, dimension: 4)
    let trainer = try problem.trainer(
      .init(width: 512, threshold: .expectedFiring(8)),
      .init(loss: .squared, batchSize: 5, learningRate: 0.1))
    trainer.takeStep([0, 1, 2, 3, 4])
    let before = trainer.network.count
    try trainer.takeStep(
      onNew: TestData.unitRows(5, 4, seed: 99), targets: .values(Matrix(rows: 5, columns: 1)))
    #expect(trainer.network.count > before)
    trainer.takeStep([5, 6])
    #expect(trainer.lookupStatistics.queries == 12)
    #expect(trainer.lookupStatistics.reported == trainer.firings)
  }

  private func materialized(firingOn rows: Int, width: Int = 500) throws -> MaterializedNetwork {
    let configuration = NetworkConfiguration(
      width: width, threshold: .firingFraction(0.02), outputs: .independent(), seed: 3)
    let network = MaterializedNetwork(
      initial: try configuration.makeInitialNetwork(dimension: 6, outputCount: 2),
      threshold: try configuration.threshold.resolved(width: width))
    network.materialize(
      firingOn: TestData.unitRows(max(1, rows), 6, seed: 1), rows: 0..<rows, threads: 1)
    return network
  }
}
