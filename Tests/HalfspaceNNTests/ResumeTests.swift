// SPDX-License-Identifier: Apache-2.0
import HalfspaceLinalg
import HalfspaceReporting
import Testing
import _HalfspaceTestSupport

@testable import HalfspaceNN

/// Runs that are stopped and go on elsewhere: the same bits as those that never stopped.
@Suite struct ResumeTests {
  private static let network = NetworkConfiguration(
    width: 300, threshold: .firingFraction(0.08), seed: 3)

  private static let problem = Problem.classes(3, rows: 61, dimension: 6)

  private static func training(
    _ change: (inout TrainingConfiguration) -> Void = { _ in }
  ) -> TrainingConfiguration {
    var training = TrainingConfiguration(
      loss: .softmaxCrossEntropy, epochs: 4, batchSize: 8, learningRate: 3, seed: 5)
    change(&training)
    return training
  }

  /// Settings, each with another kind of state.
  private static let settings: [(name: String, NetworkConfiguration, TrainingConfiguration)] = {
    var independent = network
    independent.outputs = .independent(.gaussian)
    var fixed = network
    fixed.outputs = .symmetricPairs(.signs)
    fixed.trainsOutputs = false
    return [
      ("plain", network, training()),
      ("decay, average", network, training { ($0.weightDecay, $0.averagingStart) = (0.01, 0.3) }),
      ("AdaGrad", network, training { ($0.optimizer, $0.learningRate) = (.adaGrad(), 0.1) }),
      (
        "momentum, average", independent,
        training { ($0.optimizer, $0.averagingStart) = (.momentum(), 0) }
      ),
      (
        "lazy Adam, decay", network,
        training {
          ($0.optimizer, $0.learningRate, $0.weightDecay) = (.adam(lazy: true), 0.01, 0.1)
        }
      ),
      ("Adam", fixed, training { ($0.optimizer, $0.learningRate) = (.adam(), 0.01) }),
      (
        "early stopping", independent,
        training { ($0.patience, $0.epochs, $0.learningRate, $0.weightDecay) = (2, 9, 40, 1e-3) }
      ),
      ("no shuffles", network, training { ($0.shuffles, $0.schedule) = (false, .cosine) }),
    ]
  }()

  private func trainer(
    _ setting: Int, problem: Problem = Self.problem, resuming state: TrainerState? = nil,
    _ change: (inout TrainingConfiguration) -> Void = { _ in }
  ) throws -> Trainer {
    var (_, network, training) = Self.settings[setting]
    change(&training)
    let held = Problem.classes(3, rows: 20, dimension: 6, seed: 2)
    return try Trainer(
      inputs: problem.inputs, targets: problem.targets, network: network, training: training,
      validation: training.patience == nil ? nil : (held.inputs, held.targets), resuming: state)
  }

  /// Expects that two trainers have come to the same end.
  private func expectSame(
    _ a: Trainer, _ b: Trainer, sourceLocation: SourceLocation = #_sourceLocation
  ) {
    #expect(a.network.isIdentical(to: b.network), sourceLocation: sourceLocation)
    #expect(
      a.stepCount == b.stepCount && a.firings == b.firings && a.average == b.average,
      sourceLocation: sourceLocation)
    let (p, q) = (a.predictor(), b.predictor())
    #expect(
      p.weights.isIdentical(to: q.weights) && p.outputs.isIdentical(to: q.outputs)
        && p.threshold == q.threshold && p.factor == q.factor && p.shards == q.shards
        && p.latent?.materialized == q.latent?.materialized, sourceLocation: sourceLocation)
    func timeless(_ trainer: Trainer) -> [EpochReport] {
      trainer.progress.reports.map { report in
        var report = report
        report.times = TrainingTimes()
        return report
      }
    }
    #expect(timeless(a) == timeless(b), sourceLocation: sourceLocation)
  }

  @Test(arguments: settings.indices)
  func `a run that is stopped at random steps ends as one that is not`(setting: Int) throws {
    let whole = try trainer(setting)
    try whole.run()
    #expect(whole.isFinished)
    var generator = SeededGenerator(seed: UInt64(setting))
    var current = try trainer(setting)
    var stops = 0
    while !current.isFinished {
      var left = generator.below(12)
      try current.run(onStep: {
        left -= 1
        return left < 0 ? .stop : .proceed
      })
      let state = current.state()
      try state.validate()
      current = try trainer(setting, resuming: state)
      stops += 1
    }
    #expect(stops >= 3)
    expectSame(whole, current)
  }

  @Test func `a run goes on after any of its steps, the last of an epoch included`() throws {
    let whole = try trainer(1)
    try whole.run()
    let steps = whole.stepCount
    #expect(steps == 32)
    for stop in [1, 7, 8, 9, 16, 31, 32] {
      let first = try trainer(1)
      try first.run(onStep: { first.stepCount == stop ? .stop : .proceed })
      #expect(first.stepCount == stop)
      #expect(first.progress.reports.count == stop / 8)
      let second = try trainer(1, resuming: first.state())
      try second.run()
      expectSame(whole, second)
      // The same trainer goes on as well.
      try first.run()
      expectSame(whole, first)
    }
  }

  @Test func `a state can be taken within a step's callback and is not moved by later steps`()
    throws
  {
    let whole = try trainer(4)
    var states: [TrainerState] = []
    try whole.run(onStep: {
      if whole.stepCount.isMultiple(of: 8) { states.append(whole.state()) }
      return .proceed
    })
    #expect(states.count == 4)
    for state in states {
      let resumed = try trainer(4, resuming: state)
      try resumed.run()
      expectSame(whole, resumed)
    }
  }

  @Test func `a run goes on with another lookup and other threads`() throws {
    let whole = try trainer(0)
    try whole.run()
    for (lookup, threads) in [(LookupStrategy.candidateLists, 2), (.tiles, 1), (.dense, 3)] {
      let first = try trainer(0)
      try first.run(onStep: { first.stepCount == 11 ? .stop : .proceed })
      let second = try trainer(0, resuming: first.state()) {
        ($0.lookup, $0.threads) = (lookup, threads)
      }
      #expect(second.lookupSummary.strategy == lookup)
      try second.run()
      expectSame(whole, second)
    }
  }

  @Test func `neurons that joined from a stream are part of the state`() throws {
    func stream(_ trainer: Trainer, from: Int) throws {
      for block in from..<3 {
        // From all directions, not from those of the classes: other neurons fire.
        let inputs = TestData.unitRows(8, 6, seed: UInt64(50 + block))
        try trainer.takeStep(
          onNew: inputs, targets: .classes((0..<8).map { $0 % 3 }, count: 3))
      }
    }
    let whole = try trainer(3)
    try whole.run(onStep: { whole.stepCount == 20 ? .stop : .proceed })
    let before = whole.network.count
    try stream(whole, from: 0)
    #expect(whole.network.count > before)
    try whole.run()

    let first = try trainer(3)
    try first.run(onStep: { first.stepCount == 20 ? .stop : .proceed })
    try stream(first, from: 0)
    let second = try trainer(3, resuming: first.state())
    #expect(second.network.rowsSeen == first.network.rowsSeen)
    try second.run()
    expectSame(whole, second)
  }

  // MARK: Refusals

  @Test func `a state of other settings or other data is refused by name`() throws {
    let state = try trainer(6).state()
    func refused(_ what: String, _ make: () throws -> Trainer) {
      let error = #expect(throws: ConfigurationError.self) { _ = try make() }
      if case .otherRun(let found, _, _)? = error {
        #expect(found == what)
      } else {
        Issue.record("\(what): \(String(describing: error))")
      }
    }
    refused("epochs") { try trainer(6, resuming: state) { $0.epochs = 10 } }
    refused("learningRate") { try trainer(6, resuming: state) { $0.learningRate = 41 } }
    refused("optimizer") { try trainer(6, resuming: state) { $0.optimizer = .adam() } }
    refused("seed") { try trainer(6, resuming: state) { $0.seed = 6 } }
    refused("outputs") { try trainer(0, resuming: state) }
    refused("inputs") {
      let other = Self.problem
      let inputs = other.inputs.copy()
      inputs[17, 3] += 1e-6
      return try trainer(
        6, problem: .init(inputs: inputs, targets: other.targets, unseen: other.unseen),
        resuming: state)
    }
    refused("inputs") {
      try trainer(6, problem: Problem.classes(3, rows: 60, dimension: 6), resuming: state)
    }
    refused("targets") {
      guard case .classes(var labels, let count) = Self.problem.targets else { fatalError() }
      labels[60] = (labels[60] + 1) % 3
      return try trainer(
        6,
        problem: .init(
          inputs: Self.problem.inputs, targets: .classes(labels, count: count),
          unseen: Self.problem.unseen), resuming: state)
    }
    refused("validationInputs") {
      let (_, network, training) = Self.settings[6]
      return try Trainer(
        inputs: Self.problem.inputs, targets: Self.problem.targets, network: network,
        training: training, validation: (Self.problem.inputs, Self.problem.targets),
        resuming: state)
    }
    #expect(
      ConfigurationError.otherRun(what: "epochs", saved: "20", given: "30").description
        == "cannot resume: the checkpoint is of another run; its epochs is 20, not 30")
  }

  @Test(arguments: 0..<12)
  func `a state that contradicts itself is refused`(damage: Int) throws {
    let first = try trainer(1)
    try first.run(onStep: { first.stepCount == 20 ? .stop : .proceed })
    var state = first.state()
    let m = state.neurons.count
    switch damage {
    case 0: state.neurons[0] = state.neurons[1]
    case 1: state.neurons[0] = 300
    case 2: state.shards[state.shards.count - 1] += 1
    case 3: state.hidden.rows = Matrix(rows: m, columns: 5)
    case 4: state.output.rows = Matrix(rows: m - 1, columns: 3)
    case 5: state.hidden.optimizer = [state.hidden.rows]
    case 6: state.output.averageSum = nil
    case 7: state.hidden.decay = 0
    case 8: state.counts.progress.rowsDone = 62
    case 9: state.counts.progress.firingsBefore = state.counts.firings + 1
    case 10: state.counts.steps = .max
    default: state.counts.average = nil
    }
    let error = #expect(throws: ConfigurationError.self) {
      _ = try trainer(1, resuming: state)
    }
    guard case .unusableState? = error else {
      Issue.record("\(String(describing: error))")
      return
    }
  }
}
