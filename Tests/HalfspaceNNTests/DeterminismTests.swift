// SPDX-License-Identifier: Apache-2.0
import HalfspaceLinalg
import HalfspaceReporting
import Testing
import _HalfspaceTestSupport

@testable import HalfspaceNN

/// Same seed, same data, same settings: same bits.
@Suite struct DeterminismTests {
  struct Case: CustomTestStringConvertible, Sendable {
    var optimizer = Optimizer.sgd
    var rows = NetworkConfiguration.Rows.productGrid()
    var outputs = InitialOutputs.zero
    var trainsOutputs = true
    var weightDecay = 0.0
    var averagingStart: Double?
    var networkSeed: UInt64 = 1
    var trainingSeed: UInt64 = 1

    var testDescription: String {
      "\(optimizer), \(rows), outputs \(outputs), decay \(weightDecay)"
        + (averagingStart == nil ? "" : ", averaged")
    }

    static let all = [
      Case(), Case(rows: .gaussian, outputs: .independent(), averagingStart: 0.5),
      Case(optimizer: .adaGrad(), outputs: .symmetricPairs(.signs), trainsOutputs: false),
      Case(optimizer: .momentum(), rows: .gaussian, weightDecay: 0.01),
      Case(optimizer: .adam(), averagingStart: 0),
      Case(optimizer: .adam(lazy: true), outputs: .independent(.signs)),
    ]

    /// Trains a network with more than one shard, rows joining on the way.
    func train(threads: Int) throws -> Run {
      let problem = Problem.classes(4, rows: 90, dimension: 17, seed: 6)
      let isAdam = if case .adam = optimizer { true } else { false }
      let trainer = try problem.trainer(
        .init(
          width: 4096, threshold: .expectedFiring(60), rows: rows, outputs: outputs,
          trainsOutputs: trainsOutputs, seed: networkSeed),
        .init(
          loss: .softmaxCrossEntropy, epochs: 2, batchSize: 32,
          learningRate: isAdam ? 0.02 : 2, optimizer: optimizer, weightDecay: weightDecay,
          averagingStart: averagingStart, seed: trainingSeed, threads: threads))
      let reports = try trainer.run()
      try trainer.takeStep(
        onNew: TestData.unitRows(32, 17, seed: 77),
        targets: .classes((0..<32).map { $0 % 4 }, count: 4))
      return Run(
        network: trainer.network, losses: reports.map(\.loss), firings: trainer.firings,
        scores: trainer.predictor().scores(for: problem.unseen, threads: threads))
    }
  }

  struct Run {
    var network: MaterializedNetwork
    var losses: [Double]
    var firings: Int
    var scores: Matrix

    func isIdentical(to other: Run) -> Bool {
      network.isIdentical(to: other.network) && losses == other.losses
        && firings == other.firings && scores.isIdentical(to: other.scores)
    }
  }

  @Test(arguments: Case.all)
  func `the number of threads changes no bit`(_ test: Case) throws {
    let one = try test.train(threads: 1)
    #expect(one.network.shards.count > 3)
    for threads in [1, 2, 4] {
      #expect(try test.train(threads: threads).isIdentical(to: one), "\(threads) threads")
    }
  }

  // Levels are selected for the whole process, so this runs in one of its own.
  @Test func `the instruction set changes no bit`() async {
    await #expect(processExitsWith: .success) {
      for test in Case.all {
        #expect(Runtime.select(.portable))
        let portable = try test.train(threads: 1)
        for level in Runtime.InstructionSet.allCases where Runtime.select(level) {
          #expect(try test.train(threads: 2).isIdentical(to: portable), "\(level), \(test)")
        }
      }
    }
  }

  @Test func `every seed counts`() throws {
    let base = try Case().train(threads: 1)
    let otherNetwork = try Case(networkSeed: 2).train(threads: 1)
    #expect(otherNetwork.network.neurons != base.network.neurons)
    #expect(!otherNetwork.scores.isIdentical(to: base.scores))
    let otherOrder = try Case(trainingSeed: 2).train(threads: 1)
    #expect(otherOrder.network.neurons == base.network.neurons, "the rows fire the same neurons")
    #expect(!otherOrder.network.weights.isIdentical(to: base.network.weights))
  }

  @Test func `without shuffling the training seed does not count`() throws {
    let problem = Problem.classes(3, rows: 40, dimension: 6)
    let networks = try [UInt64(1), 2].map { seed in
      let trainer = try problem.trainer(
        .init(width: 256, threshold: .expectedFiring(12)),
        .init(
          loss: .softmaxCrossEntropy, epochs: 2, batchSize: 16, shuffles: false, seed: seed))
      try trainer.run()
      return trainer.network
    }
    #expect(networks[0].isIdentical(to: networks[1]))
  }

  @Test func `the order of an epoch does not depend on how it was reached`() throws {
    // The same epoch twice in a row gives other batches; the second epoch alone, the same ones.
    let problem = Problem.classes(3, rows: 40, dimension: 6)
    func order(epoch: Int) -> [Int] {
      var order = Array(0..<40)
      var generator = SeededGenerator(seed: 5, stream: UInt64(epoch))
      generator.shuffle(&order)
      return order
    }
    let configuration = TrainingConfiguration(
      loss: .softmaxCrossEntropy, epochs: 2, batchSize: 16, schedule: .constant, seed: 5)
    let network = NetworkConfiguration(width: 256, threshold: .expectedFiring(12))
    let ran = try problem.trainer(network, configuration)
    try ran.run()
    let stepped = try problem.trainer(network, configuration)
    for epoch in 0..<2 {
      let order = order(epoch: epoch)
      for start in stride(from: 0, to: 40, by: 16) {
        stepped.takeStep(order[start..<min(start + 16, 40)])
      }
    }
    #expect(order(epoch: 0) != order(epoch: 1))
    #expect(ran.network.isIdentical(to: stepped.network))
  }
}
