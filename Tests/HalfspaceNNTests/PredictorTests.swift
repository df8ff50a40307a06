// SPDX-License-Identifier: Apache-2.0
import HalfspaceLinalg
import HalfspaceReporting
import Testing
import _HalfspaceTestSupport

@testable import HalfspaceNN

@Suite struct PredictorTests {
  static let initializations: [InitialOutputs] = [.zero, .symmetricPairs(), .independent()]

  /// A trained network and rows that it has not seen, more than one block of them.
  private func trained(
    _ outputs: InitialOutputs, outputCount: Int = 3, weightDecay: Double = 0
  ) throws -> (trainer: Trainer, unseen: Matrix) {
    let problem = Problem.values(outputCount, rows: 30, dimension: 6)
    let trainer = try problem.trainer(
      .init(width: 600, threshold: .expectedFiring(12), outputs: outputs, seed: 8),
      .init(
        loss: .squared, epochs: 3, batchSize: 8, learningRate: 0.3, weightDecay: weightDecay))
    try trainer.run()
    return (trainer, TestData.unitRows(150, 6, seed: 70))
  }

  @Test(arguments: initializations, [1, 3])
  func `the scores of a row do not depend on the rows beside it`(
    _ outputs: InitialOutputs, _ outputCount: Int
  ) throws {
    let (trainer, unseen) = try trained(outputs, outputCount: outputCount)
    let predictor = trainer.predictor()
    let together = predictor.scores(for: unseen)
    #expect(together.rows == 150 && together.columns == outputCount)
    #expect(together.hasZeroPadding)
    for k in [0, 1, 63, 64, 65, 127, 128, 149] {
      #expect(predictor.scores(for: unseen.gather([k])).rowArray(0) == together.rowArray(k))
    }
    let reversed = predictor.scores(for: unseen.gather((0..<150).reversed()))
    #expect(reversed.gather((0..<150).reversed()).isIdentical(to: together))
  }

  @Test(arguments: initializations)
  func `the training passes and a predictor give the same scores`(
    _ outputs: InitialOutputs
  ) throws {
    let (trainer, _) = try trained(outputs, weightDecay: 0.02)
    let problem = Problem.values(3, rows: 30, dimension: 6)
    let scores = trainer.predictor().scores(for: problem.inputs.gather(0..<8))
    var workspace = LossWorkspace(batch: 8)
    let loss = Loss.squared.evaluate(
      batch: 8, scores: scores, targets: problem.targets, targetRows: Array(0..<8)[...],
      factor: 1, gradient: scores.emptyTwin(), workspace: &workspace)
    #expect(trainer.takeStep(Array(0..<8)[...]) == loss)
  }

  @Test(arguments: initializations)
  func `threads change no bit`(_ outputs: InitialOutputs) throws {
    let (trainer, unseen) = try trained(outputs)
    let predictor = trainer.predictor()
    let one = predictor.evaluate(unseen, threads: 1)
    for threads in [2, 4] {
      let more = predictor.evaluate(unseen, threads: threads)
      #expect(more.scores.isIdentical(to: one.scores))
      #expect(more.firings == one.firings)
    }
  }

  @Test(arguments: initializations)
  func `many tasks may predict at once`(_ outputs: InitialOutputs) async throws {
    let (trainer, unseen) = try trained(outputs)
    let predictor = trainer.predictor()
    let expected = predictor.scores(for: unseen)
    let identical = await withTaskGroup(of: Bool.self) { group in
      for task in 0..<24 {
        group.addTask {
          // Different parts at once, some of them on several threads.
          let rows = Array(stride(from: task % 5, to: 150, by: 1 + task % 3))
          let scores = predictor.scores(for: unseen.gather(rows), threads: 1 + task % 2)
          return scores.isIdentical(to: expected.gather(rows))
        }
      }
      return await group.reduce(into: []) { $0.append($1) }
    }
    #expect(identical == .init(repeating: true, count: 24))
  }

  @Test func `a predictor is frozen`() throws {
    let (trainer, unseen) = try trained(.zero)
    let predictor = trainer.predictor()
    let before = predictor.scores(for: unseen)
    trainer.takeStep([0, 1, 2])
    #expect(predictor.scores(for: unseen).isIdentical(to: before))
  }

  @Test func `firings are counted over stored neurons`() throws {
    let (trainer, unseen) = try trained(.independent())
    let network = trainer.network
    let products = network.weights.canonicalProduct(with: unseen)
    let expected = (0..<network.count).reduce(0) { sum, r in
      sum + products.rowArray(r).count { $0 > network.effectiveThreshold }
    }
    #expect(trainer.predictor().evaluate(unseen).firings == expected)
  }

  @Test(arguments: initializations, [0, 0.05])
  func `folding the factor into the output weights changes scores by rounding only`(
    _ outputs: InitialOutputs, _ weightDecay: Double
  ) throws {
    let (trainer, unseen) = try trained(outputs, weightDecay: weightDecay)
    let predictor = trainer.predictor()
    let folded = predictor.folded()
    #expect(folded.factor == 1)
    #expect(folded.weights.isIdentical(to: predictor.weights))
    let scores = predictor.scores(for: unseen)
    #expect(scores.largestMagnitude > 0.1)
    #expect(
      folded.scores(for: unseen).largestDifference(from: scores)
        < 1e-6 * scores.largestMagnitude)
    #expect(
      folded.folded().scores(for: unseen).isIdentical(to: folded.scores(for: unseen)))
  }

  @Test func `only independent output weights keep latent neurons alive`() throws {
    for outputs in Self.initializations {
      let (trainer, unseen) = try trained(outputs)
      let predictor = trainer.predictor()
      guard let latent = predictor.latent else {
        #expect(outputs != .independent())
        continue
      }
      #expect(outputs == .independent())
      #expect(latent.materialized == trainer.network.neurons)
      let stored = Predictor(
        weights: predictor.weights, outputs: predictor.outputs, threshold: predictor.threshold,
        factor: predictor.factor, shards: predictor.shards)
      #expect(!stored.scores(for: unseen).isIdentical(to: predictor.scores(for: unseen)))
    }
  }

  @Test func `no rows give no scores`() throws {
    let (trainer, _) = try trained(.zero)
    let result = trainer.predictor().evaluate(Matrix(rows: 0, columns: 6))
    #expect(result.scores.rows == 0 && result.scores.columns == 3 && result.firings == 0)
  }

  @Test func `a network restored from its stored parts predicts the same bits`() throws {
    for (outputs, count) in [(InitialOutputs.zero, 1), (.independent(), 3)] {
      let (trainer, unseen) = try trained(outputs, outputCount: count, weightDecay: 0.02)
      let network = trainer.network
      let padded = Matrix(rows: network.count, columns: count)
      for r in 0..<network.count { padded.setRow(r, to: network.outputs.rowArray(r)) }
      let restored = MaterializedNetwork(
        initial: network.initial, threshold: network.threshold, neurons: network.neurons,
        weights: network.weights.copy(), outputs: padded, shards: network.shards,
        decay: network.decay, outputDecay: network.outputDecay)
      #expect(restored.isIdentical(to: network))
      #expect(restored.scale == network.scale)
      #expect(network.neurons.allSatisfy(restored.isMaterialized))
      let predictor = restored.predictor(
        of: Iterates(
          weights: restored.weights, decay: restored.decay, outputs: restored.outputs,
          outputDecay: restored.outputDecay))
      #expect(
        predictor.scores(for: unseen).isIdentical(to: trainer.predictor().scores(for: unseen)))
    }
  }

  // MARK: Preconditions

  @Test func `inputs of another width trap`() async {
    await #expect(processExitsWith: .failure) {
      _ = Predictor(
        weights: Matrix(rows: 2, columns: 3), outputs: Matrix(rows: 2, columns: 1), threshold: 1,
        factor: 1, shards: [0, 2]
      ).scores(for: Matrix(rows: 1, columns: 4))
    }
  }

  @Test func `parts that do not fit each other trap`() async {
    await #expect(processExitsWith: .failure) {
      _ = Predictor(
        weights: Matrix(rows: 2, columns: 3), outputs: Matrix(rows: 3, columns: 1), threshold: 1,
        factor: 1, shards: [0, 2])
    }
    await #expect(processExitsWith: .failure) {
      _ = Predictor(
        weights: Matrix(rows: 2, columns: 3), outputs: Matrix(rows: 2, columns: 1), threshold: 1,
        factor: 1, shards: [0, 3])
    }
  }
}
