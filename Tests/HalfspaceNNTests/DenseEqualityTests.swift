// SPDX-License-Identifier: Apache-2.0
import HalfspaceLinalg
import HalfspaceReporting
import Testing
import _HalfspaceTestSupport

@testable import HalfspaceNN

/// Training follows the dense network's trajectory bit for bit: the promise of the package.
@Suite struct DenseEqualityTests {
  /// A wide network: three epochs at m = 4096.
  struct WideCase: CustomTestStringConvertible {
    var seed: UInt64
    var rows: NetworkConfiguration.Rows
    var outputs: InitialOutputs
    var trainsOutputs: Bool
    var optimizer: Optimizer

    var testDescription: String {
      "\(optimizer), \(rows), outputs \(outputs) \(trainsOutputs ? "trained" : "fixed"), "
        + "seed \(seed)"
    }

    static let all: [WideCase] = [1, 2, 3].flatMap { seed in
      [Optimizer.sgd, .adaGrad()].flatMap { optimizer in
        [
          (InitialOutputs.zero, true), (.symmetricPairs(), true),
          (.symmetricPairs(.signs), false),
        ].map { outputs, trains in
          WideCase(
            seed: seed, rows: seed == 2 ? .gaussian : .productGrid(), outputs: outputs,
            trainsOutputs: trains, optimizer: optimizer)
        }
      }
    }
  }

  @Test(arguments: WideCase.all)
  func `4096 neurons, three epochs`(_ wide: WideCase) throws {
    let problem = Problem.classes(5, rows: 72, dimension: 17, seed: wide.seed)
    let twin = try DenseTwin(
      problem,
      .init(
        width: 4096, threshold: .expectedFiring(30), rows: wide.rows, outputs: wide.outputs,
        trainsOutputs: wide.trainsOutputs, seed: wide.seed),
      .init(
        loss: .softmaxCrossEntropy, epochs: 3, batchSize: 16,
        learningRate: wide.optimizer == .sgd ? 10 : 0.5, optimizer: wide.optimizer,
        seed: wide.seed))
    try twin.run()
    #expect(twin.trainer.network.count < 3000, "so that many rows are latent")
  }

  /// A narrow network, for the many combinations.
  struct NarrowCase: CustomTestStringConvertible {
    var optimizer = Optimizer.sgd
    var outputs = InitialOutputs.zero
    var trainsOutputs = true
    var rows = NetworkConfiguration.Rows.productGrid(groups: 3)
    var weightDecay = 0.0
    var loss = Loss.softmaxCrossEntropy
    var outputCount = 3

    var testDescription: String {
      "\(optimizer), outputs \(outputs) \(trainsOutputs ? "trained" : "fixed"), \(rows), "
        + "decay \(weightDecay), \(loss), \(outputCount) outputs"
    }

    static let optimizers: [Optimizer] = [.sgd, .adaGrad(), .momentum(), .adam()]

    static let initializations: [(InitialOutputs, Bool)] =
      [(.zero, true)]
      + InitialOutputs.Distribution.allCases.flatMap { distribution in
        [true, false].flatMap { trains in
          [(.symmetricPairs(distribution), trains), (.independent(distribution), trains)]
        }
      }

    static let all: [NarrowCase] =
      // Every initialization with every optimizer.
      initializations.enumerated().flatMap { number, start in
        optimizers.map {
          NarrowCase(
            optimizer: $0, outputs: start.0, trainsOutputs: start.1,
            rows: number.isMultiple(of: 2) ? .productGrid(groups: 3) : .gaussian)
        }
      }
      // Weight decay with every optimizer.
      + optimizers.flatMap { optimizer in
        [(InitialOutputs.zero, true), (.independent(), true), (.symmetricPairs(), false)].map {
          NarrowCase(
            optimizer: optimizer, outputs: $0, trainsOutputs: $1, rows: .gaussian,
            weightDecay: 0.01)
        }
      }
      // One output (stride 1), a full lane, more than one block of lanes.
      + [1, 3, 16, 26].flatMap { count in
        [InitialOutputs.zero, .symmetricPairs(), .independent()].map {
          NarrowCase(outputs: $0, loss: .squared, outputCount: count)
        }
      }
      + [16, 26].map { NarrowCase(optimizer: .adaGrad(), outputCount: $0) }
      + [
        NarrowCase(optimizer: .adam(), loss: .squared, outputCount: 1),
        NarrowCase(optimizer: .momentum(), weightDecay: 0.01, loss: .squared, outputCount: 1),
        NarrowCase(loss: .huber(delta: 0.5), outputCount: 2),
        NarrowCase(loss: .absolute, outputCount: 2),
        NarrowCase(outputs: .independent(), loss: .logistic, outputCount: 1),
        NarrowCase(outputs: .symmetricPairs(), loss: .hinge, outputCount: 1),
        NarrowCase(loss: .oneVersusRestLogistic, outputCount: 4),
      ]

    func problem(rows: Int) -> Problem {
      switch loss {
      case .softmaxCrossEntropy: .classes(outputCount, rows: rows, dimension: 6)
      case .logistic, .hinge, .oneVersusRestLogistic:
        .labels(outputCount, rows: rows, dimension: 6)
      case .squared, .absolute, .huber: .values(outputCount, rows: rows, dimension: 6)
      }
    }
  }

  @Test(arguments: NarrowCase.all)
  func `every initialization, optimizer, loss, decay and output count`(
    _ narrow: NarrowCase
  ) throws {
    let isAdam = if case .adam = narrow.optimizer { true } else { false }
    // A tail batch of 5 rows, and a threshold at which most neurons are latent.
    let twin = try DenseTwin(
      narrow.problem(rows: 21),
      .init(
        width: 400, threshold: .expectedFiring(8), rows: narrow.rows, outputs: narrow.outputs,
        trainsOutputs: narrow.trainsOutputs, seed: 5),
      .init(
        loss: narrow.loss, epochs: 3, batchSize: 8, learningRate: isAdam ? 0.05 : 1,
        optimizer: narrow.optimizer, weightDecay: narrow.weightDecay, seed: 9))
    try twin.run()
    let firings = twin.firingsOnUnseen()
    #expect(firings.stored > 0 && firings.latent > 0)
    switch narrow.outputs {
    case .zero, .independent:
      twin.expectSameScores()
    case .symmetricPairs:
      // The members of a latent pair cancel in real numbers; a dense sum keeps their rounding.
      let scores = twin.trainer.predictor().scores(for: twin.problem.unseen)
      let dense = twin.dense.scores(for: twin.problem.unseen)
      #expect(scores.largestDifference(from: dense) < 1e-5 * max(1, scores.largestMagnitude))
    }
  }
  // MARK: Adversarial rows

  @Test(arguments: [Optimizer.sgd, .adaGrad(), .momentum()])
  func `duplicates, zeros, huge, tiny and denormal rows`(_ optimizer: Optimizer) throws {
    let problem = Problem.values(2, rows: 24, dimension: 6)
    for (row, scale) in [(1, 1e6), (2, 1e-6), (3, 0x1p-130), (4, 1e-40), (5, 0), (6, -1)] {
      problem.inputs.setRow(
        row, to: problem.inputs.rowArray(0).map { Float(Double($0) * scale) })
    }
    problem.inputs.setRow(7, to: problem.inputs.rowArray(0))
    problem.inputs.setRow(8, to: problem.inputs.rowArray(0))
    problem.inputs.setRow(9, to: [0, -0.0, 1, 0, 0, 0])
    let twin = try DenseTwin(
      problem,
      .init(width: 400, threshold: .expectedFiring(8), outputs: .independent(), seed: 5),
      .init(
        loss: .huber(delta: 1), epochs: 3, batchSize: 7, learningRate: 1e-9,
        schedule: .constant, optimizer: optimizer))
    try twin.run()
    #expect(twin.trainer.network.weights.isFinite)
    twin.expectSameScores()
  }

  @Test func `a neuron exactly at the threshold is silent`() throws {
    let problem = Problem.values(2, rows: 12, dimension: 6)
    let network = NetworkConfiguration(
      width: 200, threshold: .value(1.2), outputs: .independent(), seed: 5)
    let initial = try network.makeInitialNetwork(dimension: 6, outputCount: 2)
    let rows = Matrix(rows: 200, columns: 6)
    for r in 0..<200 { unsafe initial.copyWeights(of: r, to: rows.row(r)) }
    // The largest value below 2 of any pair: everything above it fires, it does not.
    let values = rows.canonicalProduct(with: problem.inputs)
    let all = (0..<200).flatMap { values.rowArray($0) }
    let tie = all.filter { $0 < 2 }.max()!
    for (threshold, fires) in [(tie, false), (tie.nextDown, true)] {
      var tied = network
      tied.threshold = .value(threshold)
      let twin = try DenseTwin(
        problem, tied, .init(loss: .squared, epochs: 2, batchSize: 5, learningRate: 0.01))
      #expect(
        twin.trainer.network.initialFirings == all.count { fires ? $0 >= tie : $0 > tie })
      try twin.run()
      twin.expectSameScores()
    }
  }
}
