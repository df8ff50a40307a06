// SPDX-License-Identifier: Apache-2.0
import HalfspaceLinalg
import HalfspaceReporting
import Testing
import _HalfspaceTestSupport

@testable import HalfspaceNN

/// Networks on top of another model: offsets in training, a linear function as neurons afterwards.
@Suite struct LinearPartTests {
  private func trainer(
    _ problem: Problem, _ loss: Loss, offsets: Matrix? = nil, threshold: Float = 1,
    validation: (inputs: Matrix, targets: Targets, offsets: Matrix?)? = nil,
    resuming state: TrainerState? = nil
  ) throws -> Trainer {
    try Trainer(
      rows: .dense(problem.inputs), targets: problem.targets, offsets: offsets,
      network: .init(width: 256, threshold: .value(threshold)),
      training: .init(
        loss: loss, epochs: 3, batchSize: 8, learningRate: 2,
        patience: validation == nil ? nil : 3),
      validation: validation.map { (.dense($0.inputs), $0.targets) },
      validationOffsets: validation?.offsets, resuming: state)
  }

  // MARK: A linear function in the network

  @Test(arguments: [Float(0), 1.5, -0.4], [1, 3])
  func `a linear function joins as two neurons for each output`(
    threshold: Float, outputs: Int
  ) throws {
    let problem = Problem.values(outputs, rows: 40, dimension: 7)
    let trainer = try trainer(problem, .squared, threshold: threshold)
    try trainer.run()
    let network = trainer.predictor()
    let coefficients = TestData.gaussian(outputs, 7, seed: 5)
    let joined = network.adding(linear: coefficients)
    #expect(joined.count == network.count + 2 * outputs)
    let line = problem.unseen.canonicalProduct(with: coefficients)
    for predictor in [joined, joined.folded()] {
      let scores = predictor.scores(for: problem.unseen)
      let before = network.scores(for: problem.unseen)
      for row in 0..<scores.rows {
        for c in 0..<outputs {
          #expect(abs(scores[row, c] - before[row, c] - line[row, c]) < 1e-4)
        }
      }
    }
    // Gradients come with it.
    let gradients = joined.inputGradients(at: problem.unseen)
    let plain = network.inputGradients(at: problem.unseen)
    for c in 0..<outputs {
      for row in 0..<problem.unseen.rows where abs(line[row, c]) > 1e-3 {
        for j in 0..<7 {
          let difference = gradients[c][row, j] - plain[c][row, j]
          #expect(abs(difference - coefficients[c, j]) < 1e-3)
        }
      }
    }
  }

  // MARK: Offsets

  @Test func `on top of what is right already nothing is learned`() throws {
    let problem = Problem.values(2, rows: 40, dimension: 7)
    let trainer = try trainer(problem, .squared, offsets: problem.targets.matrix)
    try trainer.run()
    #expect(trainer.progress.reports.allSatisfy { $0.loss == 0 })
    let scores = trainer.predictor().scores(for: problem.unseen)
    #expect((0..<scores.rows).allSatisfy { scores[$0, 0] == 0 && scores[$0, 1] == 0 })
  }

  @Test func `with a squared loss it is training on what is left`() throws {
    let problem = Problem.values(1, rows: 40, dimension: 7)
    let offsets = TestData.gaussian(40, 1, seed: 9)
    var rest = problem
    let left = try #require(problem.targets.matrix).copy()
    for row in 0..<40 { left[row, 0] -= offsets[row, 0] }
    rest.targets = .values(left)
    let with = try trainer(problem, .squared, offsets: offsets)
    let without = try trainer(rest, .squared)
    try with.run()
    try without.run()
    let (a, b) = (
      with.predictor().scores(for: problem.unseen),
      without.predictor().scores(for: problem.unseen)
    )
    for row in 0..<a.rows { #expect(abs(a[row, 0] - b[row, 0]) < 1e-4) }
    #expect(with.progress.reports.last!.loss < 0.9 * with.progress.reports[0].loss)
  }

  @Test func `offsets of zero change no bit, and the loss of validation rows has theirs`() throws {
    let problem = Problem.classes(3, rows: 60, dimension: 7)
    let held = Problem.classes(3, rows: 20, dimension: 7, seed: 4)
    func run(_ zeros: Bool) throws -> Trainer {
      let trainer = try trainer(
        problem, .softmaxCrossEntropy, offsets: zeros ? Matrix(rows: 60, columns: 3) : nil,
        validation: (held.inputs, held.targets, zeros ? Matrix(rows: 20, columns: 3) : nil))
      try trainer.run()
      return trainer
    }
    let (with, without) = (try run(true), try run(false))
    #expect(with.network.isIdentical(to: without.network))
    #expect(
      with.progress.reports.map(\.validationLoss) == without.progress.reports.map(\.validationLoss))
    // Offsets that are right make the loss of the validation rows small.
    func certain(_ targets: Targets, _ rows: Int) -> Matrix {
      guard case .classes(let classes, _) = targets else { return Matrix(rows: 0, columns: 0) }
      let offsets = Matrix(rows: rows, columns: 3)
      for (row, label) in classes.enumerated() { offsets[row, Int(label)] = 20 }
      return offsets
    }
    let sure = try trainer(
      problem, .softmaxCrossEntropy, offsets: certain(problem.targets, 60),
      validation: (held.inputs, held.targets, certain(held.targets, 20)))
    try sure.run()
    #expect(try #require(sure.progress.reports[0].validationLoss) < 1e-6)
  }

  @Test func `offsets that do not fit are refused, and belong to the run`() throws {
    let problem = Problem.values(1, rows: 40, dimension: 7)
    let offsets = TestData.gaussian(40, 1, seed: 9)
    for bad in [Matrix(rows: 39, columns: 1), Matrix(rows: 40, columns: 2)] {
      #expect(throws: ConfigurationError.self) {
        try trainer(problem, .squared, offsets: bad)
      }
    }
    let infinite = offsets.copy()
    infinite[3, 0] = .infinity
    #expect(throws: ConfigurationError.self) {
      try trainer(problem, .squared, offsets: infinite)
    }
    #expect(throws: ConfigurationError.self) {
      try trainer(
        problem, .squared, offsets: offsets,
        validation: (problem.inputs, problem.targets, nil))
    }
    let stopped = try trainer(problem, .squared, offsets: offsets)
    try stopped.run(onStep: { .stop })
    let state = stopped.state()
    let resumed = try trainer(problem, .squared, offsets: offsets, resuming: state)
    try resumed.run()
    let whole = try trainer(problem, .squared, offsets: offsets)
    try whole.run()
    #expect(resumed.network.isIdentical(to: whole.network))
    let error = #expect(throws: ConfigurationError.self) {
      try trainer(problem, .squared, resuming: state)
    }
    #expect(error?.description.contains("its offsets is") == true)
  }

  @Test func `a note goes along with the state`() throws {
    let problem = Problem.values(1, rows: 40, dimension: 7)
    let first = try trainer(problem, .squared)
    first.note = "found by looking"
    try first.run(onStep: { .stop })
    let second = try trainer(problem, .squared, resuming: first.state())
    #expect(second.note == "found by looking" && second.state().note == first.note)
  }
}
