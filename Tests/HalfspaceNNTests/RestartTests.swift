// SPDX-License-Identifier: Apache-2.0
import HalfspaceLinalg
import HalfspaceReporting
import Testing
import _HalfspaceTestSupport

@testable import HalfspaceNN

/// Runs whose rate silences the neurons, and that begin again with a lower one.
@Suite struct RestartTests {
  private static let network = NetworkConfiguration(width: 2048, threshold: .expectedFiring(16))

  /// A chequered square, as unit rows of three coordinates: every neuron is shared by many rows.
  private static let board: Problem = {
    let points = TestData.gaussian(400, 2, seed: 4)
    let inputs = Matrix(rows: 400, columns: 3)
    var labels: [Int32] = []
    for r in 0..<400 {
      let (x, y) = (points[r, 0], points[r, 1])
      let norm = (x * x + y * y + 1).squareRoot()
      for (c, value) in [x, y, 1].enumerated() { inputs[r, c] = value / norm }
      labels.append(Int32((Int((2 * x).rounded(.down)) + Int((2 * y).rounded(.down))) & 1))
    }
    return Problem(
      inputs: inputs, targets: .classes(labels, count: 2), unseen: inputs)
  }()

  private static func training(
    rate: Double = 90, floor: Double? = 0.6,
    _ change: (inout TrainingConfiguration) -> Void = { _ in }
  ) -> TrainingConfiguration {
    var training = TrainingConfiguration(
      loss: .softmaxCrossEntropy, epochs: 5, batchSize: 16, learningRate: rate, firingFloor: floor)
    change(&training)
    return training
  }

  @Test func `a rate that silences neurons is lowered, and the run is that of the lower rate`()
    throws
  {
    let trainer = try Self.board.trainer(Self.network, Self.training())
    var seen: [EpochReport] = []
    let reports = try trainer.run(onEpoch: {
      seen.append($0)
      return .proceed
    })
    let initial = Double(trainer.network.initialFirings) / 400
    #expect(trainer.progress.restarts > 0)
    #expect(reports.count == 5 && trainer.stepCount == 125)
    // Of five epochs the first two are of the first quarter.
    func isTooFast(_ report: EpochReport) -> Bool {
      report.epoch <= 2 && report.firingsPerRow < 0.6 * initial
    }
    #expect(!reports.contains(where: isTooFast))
    // Every epoch is reported, also those that were too fast; after these comes the first one again.
    #expect(seen.count == 5 + seen.count(where: isTooFast))
    for (report, next) in zip(seen, seen.dropFirst()) {
      #expect(next.epoch == (isTooFast(report) ? 1 : report.epoch + 1))
    }
    let lower = try Self.board.trainer(
      Self.network, Self.training(rate: trainer.baseLearningRate, floor: nil))
    try lower.run()
    #expect(trainer.network.isIdentical(to: lower.network))
    #expect(trainer.firings == lower.firings)
    #expect(lower.baseLearningRate == trainer.baseLearningRate)
    // Nobody watching, the neurons fall silent.
    let silenced = try Self.board.trainer(Self.network, Self.training(floor: nil))
    #expect(try silenced.run().last!.firingsPerRow < 0.3 * initial)
    #expect(silenced.progress.restarts == 0)
  }

  @Test(
    arguments: [
      { $0.optimizer = .momentum() }, { $0.averagingStart = 0.2 },
      { ($0.lookup, $0.threads) = (.candidateLists, 2) }, { $0.lookup = .tiles },
      { $0.lookup = .tree },
      { $0.lookup = .staticIndex },
    ] as [@Sendable (inout TrainingConfiguration) -> Void])
  func `nothing of the fast run is left in the slow one`(
    change: @Sendable (inout TrainingConfiguration) -> Void
  ) throws {
    let trainer = try Self.board.trainer(Self.network, Self.training(change))
    try trainer.run()
    #expect(trainer.progress.restarts > 0)
    let lower = try Self.board.trainer(
      Self.network, Self.training(rate: trainer.baseLearningRate, floor: nil, change))
    try lower.run()
    #expect(trainer.network.isIdentical(to: lower.network))
    let (a, b) = (trainer.predictor(), lower.predictor())
    #expect(a.weights.isIdentical(to: b.weights) && a.outputs.isIdentical(to: b.outputs))
  }

  @Test func `a run that goes well does not begin again`() throws {
    let problem = Problem.classes(5, rows: 240, dimension: 12)
    let network = NetworkConfiguration(width: 4096, threshold: .expectedFiring(32))
    let watched = try problem.trainer(network, Self.training(rate: 5))
    let free = try problem.trainer(network, Self.training(rate: 5, floor: nil))
    try watched.run()
    try free.run()
    #expect(watched.progress.restarts == 0)
    #expect(watched.network.isIdentical(to: free.network))
  }

  @Test func `a rate that no third saves is lowered so often and no more`() throws {
    let trainer = try Self.board.trainer(Self.network, Self.training(rate: 20_000))
    try trainer.run()
    #expect(trainer.isFinished && trainer.progress.restarts == Trainer.mostRestarts)
    #expect(trainer.progress.reports.count == 5)
  }

  @Test func `a run that is stopped at random steps begins again as one that is not`() throws {
    let whole = try Self.board.trainer(Self.network, Self.training())
    try whole.run()
    var generator = SeededGenerator(seed: 8)
    var current = try Self.board.trainer(Self.network, Self.training())
    var stops = 0
    while !current.isFinished {
      var left = generator.below(30)
      try current.run(onStep: {
        left -= 1
        return left < 0 ? .stop : .proceed
      })
      let state = current.state()
      try state.validate()
      current = try Trainer(
        inputs: Self.board.inputs, targets: Self.board.targets, network: Self.network,
        training: Self.training(), resuming: state)
      stops += 1
    }
    #expect(stops > 5 && current.progress.restarts == whole.progress.restarts)
    #expect(current.network.isIdentical(to: whole.network))
  }

  @Test(arguments: [WorkDivision.neurons, .batches])
  func `several ranks begin again as one`(division: WorkDivision) throws {
    let training = Self.training { $0.division = division }
    @Sendable func run(_ communicator: any Communicator) throws -> SharedTrainingTests.Result {
      let trainer = try Trainer(
        inputs: Self.board.inputs, targets: Self.board.targets, network: Self.network,
        training: training, communicator: communicator)
      try trainer.run()
      #expect(trainer.progress.restarts > 0)
      return SharedTrainingTests.result(of: trainer, trainer.progress.reports)
    }
    let alone = try run(SingleProcess())
    #expect(try ThreadRanks.run(2, run).allSatisfy { $0 == alone })
  }

  @Test(arguments: [-0.1, 1, .nan])
  func `a floor that is no share is refused`(floor: Double) {
    #expect(throws: ConfigurationError.self) {
      try Self.board.trainer(Self.network, Self.training(floor: floor))
    }
  }
}
