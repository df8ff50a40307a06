// SPDX-License-Identifier: Apache-2.0
import HalfspaceLinalg
import HalfspaceReporting
import Testing
import _HalfspaceTestSupport

@testable import HalfspaceNN

@Suite struct SharedTrainingTests {
  /// What must not depend on the number of ranks.
  struct Result: Equatable {
    var neurons: [Int]
    var weights: [[Float]]
    var outputs: [[Float]]
    var shards: [Int]
    var losses: [Double]
    var validationLosses: [Double?]
    var firingsPerRow: [Double]
    var initialFirings: Int
  }

  static func result(of trainer: Trainer, _ reports: [EpochReport]) -> Result {
    let predictor = trainer.predictor()
    return Result(
      neurons: trainer.network.neurons,
      weights: (0..<predictor.count).map { predictor.weights.rowArray($0) },
      outputs: (0..<predictor.count).map { predictor.outputs.rowArray($0) },
      shards: trainer.network.shards, losses: reports.map(\.loss),
      validationLosses: reports.map(\.validationLoss),
      firingsPerRow: reports.map(\.firingsPerRow),
      initialFirings: trainer.network.initialFirings)
  }

  static let classes = Problem.classes(5, rows: 240, dimension: 12)
  static let values = Problem.values(1, rows: 150, dimension: 6)

  static func train(
    _ problem: Problem, _ network: NetworkConfiguration, _ training: TrainingConfiguration,
    _ communicator: any Communicator
  ) throws -> Result {
    let validation = training.patience == nil ? nil : problem
    let trainer = try Trainer(
      inputs: problem.inputs, targets: problem.targets, network: network, training: training,
      validation: validation.map { ($0.inputs, $0.targets) }, communicator: communicator)
    return result(of: trainer, try trainer.run())
  }

  static let optimizers: [Optimizer] = [
    .sgd, .adaGrad(), .momentum(), .adam(lazy: true),
  ]

  /// Every optimizer, and every lookup.
  static let cases: [(Optimizer, LookupStrategy)] =
    optimizers.map { ($0, .dense) } + LookupStrategy.allCases.map { (.sgd, $0) }

  @Test(arguments: cases)
  func `any number of ranks gives the bits of one process`(
    optimizer: Optimizer, lookup: LookupStrategy
  ) throws {
    let network = NetworkConfiguration(width: 4096, threshold: .expectedFiring(32))
    let training = TrainingConfiguration(
      loss: .softmaxCrossEntropy, epochs: 2, batchSize: 16,
      learningRate: optimizer == .sgd ? 5 : 0.05, optimizer: optimizer, weightDecay: 1e-4,
      averagingStart: 0.3, lookup: lookup)
    let alone = try Self.train(Self.classes, network, training, SingleProcess())
    #expect(alone.shards.count > 5, "more shards than ranks")
    for size in [2, 3, 4] {
      let results = try ThreadRanks.run(size) {
        try Self.train(Self.classes, network, training, $0)
      }
      #expect(results.allSatisfy { $0 == alone }, "\(size) ranks")
    }
  }

  @Test(arguments: [Optimizer.sgd, .adaGrad(), .momentum()])
  func `a state taken by some ranks is taken up by any number of others`(
    optimizer: Optimizer
  ) throws {
    let network = NetworkConfiguration(width: 4096, threshold: .expectedFiring(32))
    let training = TrainingConfiguration(
      loss: .softmaxCrossEntropy, epochs: 2, batchSize: 16,
      learningRate: optimizer == .sgd ? 5 : 0.05, optimizer: optimizer, weightDecay: 1e-4,
      averagingStart: 0.3)
    let alone = try Self.train(Self.classes, network, training, SingleProcess())
    let states = try ThreadRanks.run(3) { communicator in
      let trainer = try Trainer(
        inputs: Self.classes.inputs, targets: Self.classes.targets, network: network,
        training: training, communicator: communicator)
      try trainer.run(onStep: { trainer.stepCount == 19 ? .stop : .proceed })
      return trainer.state()
    }
    for size in [1, 2, 4] {
      let results = try ThreadRanks.run(size) { communicator in
        let trainer = try Trainer(
          inputs: Self.classes.inputs, targets: Self.classes.targets, network: network,
          training: training, resuming: states[size % 3], communicator: communicator)
        return Self.result(of: trainer, try trainer.run())
      }
      #expect(results.allSatisfy { $0 == alone }, "\(size) ranks")
    }
  }

  @Test(arguments: [Optimizer.sgd, .adaGrad(), .adam(lazy: true)])
  func `a divided batch gives the bits of one process`(optimizer: Optimizer) throws {
    let network = NetworkConfiguration(width: 4096, threshold: .expectedFiring(32))
    for lookup in LookupStrategy.allCases {
      let training = TrainingConfiguration(
        loss: .softmaxCrossEntropy, epochs: 2, batchSize: 16,
        learningRate: optimizer == .sgd ? 5 : 0.05, optimizer: optimizer, weightDecay: 1e-4,
        averagingStart: 0.3, lookup: lookup, division: .batches)
      let alone = try Self.train(Self.classes, network, training, SingleProcess())
      for size in [2, 3] {
        let results = try ThreadRanks.run(size) {
          try Self.train(Self.classes, network, training, $0)
        }
        #expect(results.allSatisfy { $0 == alone }, "\(lookup), \(size) ranks")
      }
    }
  }

  @Test func `a batch smaller than the number of ranks can be divided`() throws {
    let network = NetworkConfiguration(width: 300, threshold: .expectedFiring(6))
    let training = TrainingConfiguration(
      loss: .squared, epochs: 2, batchSize: 4, learningRate: 2, division: .batches)
    let alone = try Self.train(Self.values, network, training, SingleProcess())
    let results = try ThreadRanks.run(5) {
      try Self.train(Self.values, network, training, $0)
    }
    #expect(results.allSatisfy { $0 == alone })
  }

  @Test func `optimizers that move every row do not divide batches`() throws {
    let network = NetworkConfiguration(width: 300, threshold: .expectedFiring(6))
    let training = TrainingConfiguration(
      loss: .squared, epochs: 1, batchSize: 4, learningRate: 0.05, optimizer: .momentum(),
      division: .batches)
    #expect(throws: ConfigurationError.self) {
      try ThreadRanks.run(2) { try Self.train(Self.values, network, training, $0) }
    }
    _ = try Self.train(Self.values, network, training, SingleProcess())
  }

  @Test func `neurons are divided unless batches are huge and outputs many`() {
    let usual = DivisionCost(
      ranks: 4, stored: 30_000, mostHeld: 7500, shards: 8, firings: 64, batch: 256,
      inputStride: 64, outputStride: 16)
    #expect(usual.neurons < usual.batches)
    var huge = usual
    (huge.batch, huge.outputStride, huge.firings) = (1 << 16, 1024, 16)
    #expect(huge.batches < huge.neurons)
    // One shard keeps one rank busy; a divided batch keeps all.
    var small = usual
    (small.stored, small.mostHeld, small.shards, small.batch) = (255, 255, 1, 1 << 14)
    #expect(small.batches < small.neurons)
  }

  @Test func `large batches are added up slice by slice`() throws {
    let network = NetworkConfiguration(width: 4096, threshold: .expectedFiring(32))
    let training = TrainingConfiguration(
      loss: .softmaxCrossEntropy, epochs: 2, batchSize: 240, learningRate: 5)
    let alone = try Self.train(Self.classes, network, training, SingleProcess())
    for size in [2, 3, 4] {
      let results = try ThreadRanks.run(size) { communicator in
        let trainer = try Trainer(
          inputs: Self.classes.inputs, targets: Self.classes.targets, network: network,
          training: training, communicator: communicator)
        let result = Self.result(of: trainer, try trainer.run())
        return (result, trainer.traffic)
      }
      #expect(results.allSatisfy { $0.0 == alone }, "\(size) ranks")
      #expect(results.allSatisfy { $0.1.operations == 4 && $0.1.steps == 2 })
      let sent = results.reduce(0) { $0 + $1.1.bytesSent }
      #expect(sent == results.reduce(0) { $0 + $1.1.bytesReceived })
      // Of 240 rows of 16 floats twice: the others' slices of each shard's sums, then their scores.
      let shards = alone.shards.count - 1
      #expect(sent == 2 * 240 * 16 * 4 * (shards + size) * (size - 1) / size)
    }
  }

  @Test(arguments: [InitialOutputs.zero, .symmetricPairs(.signs), .independent()])
  func `ranks agree on early stopping and on one output`(outputs: InitialOutputs) throws {
    let network = NetworkConfiguration(
      width: 2048, threshold: .expectedFiring(24), outputs: outputs)
    let training = TrainingConfiguration(
      loss: .squared, epochs: 8, batchSize: 25, learningRate: 8, patience: 1, threads: 2)
    let alone = try Self.train(Self.values, network, training, SingleProcess())
    for size in [2, 5] {
      let results = try ThreadRanks.run(size) {
        try Self.train(Self.values, network, training, $0)
      }
      #expect(results.allSatisfy { $0 == alone }, "\(size) ranks")
    }
  }

  @Test func `ranks without a shard take part`() throws {
    let network = NetworkConfiguration(width: 300, threshold: .expectedFiring(6))
    let training = TrainingConfiguration(
      loss: .squared, epochs: 2, batchSize: 25, learningRate: 2)
    let alone = try Self.train(Self.values, network, training, SingleProcess())
    #expect(alone.shards.count < 4)
    for lookup in LookupStrategy.allCases {
      var training = training
      training.lookup = lookup
      let settings = training
      let results = try ThreadRanks.run(4) {
        try Self.train(Self.values, network, settings, $0)
      }
      #expect(results.allSatisfy { $0 == alone }, "\(lookup)")
    }
  }

  @Test func `neurons that join from a stream join one rank`() throws {
    let network = NetworkConfiguration(width: 8192, threshold: .expectedFiring(32))
    let training = TrainingConfiguration(
      loss: .softmaxCrossEntropy, batchSize: 20, learningRate: 3, optimizer: .adaGrad())
    @Sendable func run(
      _ communicator: any Communicator, _ division: WorkDivision
    ) throws -> Result {
      var training = training
      training.division = division
      let first = Problem.classes(5, rows: 60, dimension: 12)
      let trainer = try Trainer(
        inputs: first.inputs, targets: first.targets, network: network, training: training,
        communicator: communicator)
      let stored = trainer.network.count
      for seed in 2..<6 {
        let new = Problem.classes(5, rows: 20, dimension: 12, seed: UInt64(seed))
        try trainer.takeStep(onNew: new.inputs, targets: new.targets)
        trainer.takeStep([0, 7, 50])
      }
      #expect(trainer.network.count > stored)
      return Self.result(of: trainer, [])
    }
    let alone = try run(SingleProcess(), .neurons)
    for size in [2, 3] {
      for division in [WorkDivision.neurons, .batches] {
        let results = try ThreadRanks.run(size) { try run($0, division) }
        #expect(results.allSatisfy { $0 == alone }, "\(size) ranks, \(division)")
      }
    }
  }

  @Test func `each rank holds its part of the rows and of the work`() throws {
    let network = NetworkConfiguration(width: 1 << 14, threshold: .expectedFiring(64))
    let training = TrainingConfiguration(
      loss: .softmaxCrossEntropy, epochs: 1, batchSize: 16, learningRate: 1, lookup: .dense)
    struct Work: Sendable {
      var held: Int
      var count: Int
      var products: Int
      var firings: Int
      var initialProducts: Int
    }
    @Sendable func run(_ communicator: any Communicator) throws -> Work {
      let trainer = try Trainer(
        inputs: Self.classes.inputs, targets: Self.classes.targets, network: network,
        training: training, communicator: communicator)
      try trainer.run()
      return Work(
        held: trainer.network.weights.rows, count: trainer.network.count,
        products: trainer.lookupStatistics.innerProducts, firings: trainer.firings,
        initialProducts: trainer.network.initialStatistics.innerProducts)
    }
    let alone = try run(SingleProcess())
    let four = try ThreadRanks.run(4, run)
    #expect(four.map(\.held).reduce(0, +) == alone.count)
    #expect(four.map(\.firings).reduce(0, +) == alone.firings)
    #expect(four.map(\.initialProducts).reduce(0, +) == alone.initialProducts)
    for work in four {
      #expect(abs(work.held - alone.count / 4) <= 1)
      #expect(Double(work.products) < 0.27 * Double(alone.products))
    }
  }
}
