// SPDX-License-Identifier: Apache-2.0
import HalfspaceLinalg
import HalfspaceReporting
import Testing
import _HalfspaceTestSupport

@testable import HalfspaceNN

@Suite struct IterateAverageTests {
  /// The sum of all iterates, taken the plain way: every neuron of the network after every step.
  struct PlainAverage {
    var weights: [[Double]]
    var outputs: [[Double]]
    var count = 0.0

    init(_ network: MaterializedNetwork) {
      weights = .init(
        repeating: .init(repeating: 0, count: network.dimension), count: network.width)
      outputs = .init(
        repeating: .init(repeating: 0, count: network.outputCount), count: network.width)
    }

    /// Latent neurons are at their initial weights, times what decay has left of them.
    mutating func add(_ network: MaterializedNetwork) {
      count += 1
      let row = Matrix(rows: 1, columns: network.dimension)
      let output = Matrix(rows: 1, columns: network.outputCount)
      for neuron in 0..<network.width where !network.isMaterialized(neuron) {
        unsafe network.initial.copyWeights(of: neuron, to: row.pointer)
        unsafe network.initial.copyOutputs(of: neuron, to: output.pointer)
        add(row.rowArray(0), output.rowArray(0), network, to: neuron)
      }
      for (r, neuron) in network.neurons.enumerated() {
        add(network.weights.rowArray(r), network.outputs.rowArray(r), network, to: neuron)
      }
    }

    private mutating func add(
      _ row: [Float], _ output: [Float], _ network: MaterializedNetwork, to neuron: Int
    ) {
      for l in row.indices { weights[neuron][l] += network.decay * Double(row[l]) }
      for c in output.indices { outputs[neuron][c] += network.outputDecay * Double(output[c]) }
    }
  }

  struct Case: CustomTestStringConvertible {
    var optimizer = Optimizer.sgd
    var weightDecay = 0.0
    var outputs = InitialOutputs.zero
    var trainsOutputs = true
    var outputCount = 2
    var start = 0.0
    /// Whether rows never seen before join in the middle.
    var joins = false

    var testDescription: String {
      "\(optimizer), decay \(weightDecay), outputs \(outputs) "
        + "\(trainsOutputs ? "trained" : "fixed") \(outputCount), from \(start)"
        + (joins ? ", rows join" : "")
    }

    static let all = [
      Case(), Case(weightDecay: 0.1), Case(outputs: .symmetricPairs(), trainsOutputs: false),
      Case(weightDecay: 0.1, outputs: .independent(), trainsOutputs: false),
      Case(optimizer: .adaGrad(), weightDecay: 0.1), Case(optimizer: .momentum()),
      Case(optimizer: .adam(), weightDecay: 0.1), Case(optimizer: .adam(lazy: true)),
      Case(start: 0.5), Case(weightDecay: 0.1, start: 0.5),
      Case(weightDecay: 0.1, outputCount: 1), Case(joins: true),
      Case(weightDecay: 0.1, outputs: .independent(), joins: true),
      Case(optimizer: .momentum(), weightDecay: 0.1, joins: true),
      Case(optimizer: .adaGrad(), weightDecay: 0.1, start: 0.5, joins: true),
      Case(weightDecay: 0.1, start: 0.9),
    ]
  }

  @Test(arguments: Case.all)
  func `the average is that of all iterates`(_ test: Case) throws {
    let problem = Problem.values(test.outputCount, rows: 24, dimension: 5, seed: 2)
    // Ten steps: two epochs of five batches, of which the last one is a tail.
    let trainer = try problem.trainer(
      .init(
        width: 300, threshold: .expectedFiring(12), outputs: test.outputs,
        trainsOutputs: test.trainsOutputs, seed: 3),
      .init(
        loss: .squared, epochs: 2, batchSize: 5, learningRate: 0.4, schedule: .linear,
        optimizer: test.optimizer, weightDecay: test.weightDecay, averagingStart: test.start))
    let network = trainer.network
    let stored = network.count
    var plain = PlainAverage(network)
    for step in 0..<10 {
      if test.joins && (step == 3 || step == 7) {
        let new = TestData.unitRows(4, 5, seed: UInt64(step) + 100)
        try trainer.takeStep(
          onNew: new, targets: .values(TestData.gaussian(4, test.outputCount, seed: 1)))
      } else {
        trainer.takeStep((0..<5).map { (5 * step + $0) % 24 }[...])
      }
      if Double(step) >= test.start * 10 { plain.add(network) }
    }
    #expect(plain.count == (10 * (1 - test.start)).rounded())
    #expect((network.count > stored) == test.joins)

    let predictor = trainer.predictor()
    let decay = Double(network.threshold) / Double(predictor.threshold)
    let outputDecay = Double(predictor.factor) / Double(network.scale) / decay
    for (r, neuron) in network.neurons.enumerated() {
      for l in 0..<5 {
        let average = decay * Double(predictor.weights[r, l])
        #expect(abs(average - plain.weights[neuron][l] / plain.count) < 3e-6)
      }
      for c in 0..<test.outputCount {
        let average = outputDecay * Double(predictor.outputs[r, c])
        #expect(abs(average - plain.outputs[neuron][c] / plain.count) < 3e-6)
      }
    }
    // Neither is the average the last iterate, nor is the network itself touched by averaging.
    #expect(
      test.start == 0.9 || predictor.weights.largestDifference(from: network.weights) > 1e-4)
    let again = trainer.predictor()
    #expect(again.weights.isIdentical(to: predictor.weights))
  }

  @Test(arguments: [InitialOutputs.zero, .independent()], [0, 0.1])
  func `predictions are those of the averaged network, latent part included`(
    _ outputs: InitialOutputs, _ weightDecay: Double
  ) throws {
    let problem = Problem.values(2, rows: 24, dimension: 5, seed: 2)
    let trainer = try problem.trainer(
      .init(width: 300, threshold: .expectedFiring(12), outputs: outputs, seed: 3),
      .init(
        loss: .squared, batchSize: 8, learningRate: 0.4, weightDecay: weightDecay,
        averagingStart: 0))
    var plain = PlainAverage(trainer.network)
    for step in 0..<6 {
      trainer.takeStep((0..<8).map { (8 * step + $0) % 24 }[...])
      plain.add(trainer.network)
    }
    let scores = trainer.predictor().scores(for: problem.unseen)
    let b = Double(trainer.network.threshold)
    for k in 0..<problem.unseen.rows {
      let x = problem.unseen.rowArray(k).map(Double.init)
      var expected = [0.0, 0]
      for neuron in 0..<300 {
        let h = zip(plain.weights[neuron], x).reduce(-b) { $0 + $1.0 * $1.1 / plain.count }
        guard h > 0 else { continue }
        for c in 0..<2 { expected[c] += h * plain.outputs[neuron][c] / plain.count }
      }
      for c in 0..<2 {
        #expect(abs(Double(scores[k, c]) - Double(trainer.network.scale) * expected[c]) < 1e-5)
      }
    }
  }

  @Test func `before averaging begins the last iterate is the result`() throws {
    let problem = Problem.values(1, rows: 8, dimension: 4)
    let trainer = try problem.trainer(
      .init(width: 64, threshold: .expectedFiring(6)),
      .init(loss: .squared, epochs: 4, batchSize: 4, learningRate: 0.2, averagingStart: 0.9))
    trainer.takeStep([0, 1, 2])
    #expect(trainer.predictor().weights.isIdentical(to: trainer.network.weights))
  }

  @Test func `averaging does not change the run`() throws {
    let problem = Problem.classes(3, rows: 30, dimension: 5)
    let trainers = try [nil, 0.25].map { start in
      let trainer = try problem.trainer(
        .init(width: 256, threshold: .expectedFiring(12)),
        .init(
          loss: .softmaxCrossEntropy, epochs: 3, batchSize: 8, learningRate: 2,
          averagingStart: start))
      try trainer.run()
      return trainer
    }
    #expect(trainers[0].network.isIdentical(to: trainers[1].network))
    #expect(
      !trainers[0].predictor().weights.isIdentical(to: trainers[1].predictor().weights))
  }
}
