// SPDX-License-Identifier: Apache-2.0
import HalfspaceLinalg
import HalfspaceReporting
import Testing

@testable import HalfspaceNN

/// A row of weight w counts as w rows.
@Suite struct SampleWeightTests {
  private static let rows = 48

  private func trainer(
    _ problem: Problem, _ loss: Loss, _ weights: [Double]?, batch: Int? = nil
  ) throws -> Trainer {
    try Trainer(
      rows: .dense(problem.inputs), targets: problem.targets, weights: weights,
      network: .init(width: 2048, threshold: .expectedFiring(30), outputs: .symmetricPairs()),
      training: .init(
        loss: loss, epochs: 4, batchSize: batch ?? problem.inputs.rows, learningRate: 3,
        schedule: .constant))
  }

  private func problem(_ loss: Loss) -> Problem {
    switch loss {
    case .softmaxCrossEntropy: .classes(4, rows: Self.rows, dimension: 12)
    case .oneVersusRestLogistic: .labels(3, rows: Self.rows, dimension: 12)
    case .logistic, .hinge: .labels(1, rows: Self.rows, dimension: 12)
    case .squared, .absolute, .huber: .values(2, rows: Self.rows, dimension: 12)
    }
  }

  @Test(arguments: [
    Loss.softmaxCrossEntropy, .oneVersusRestLogistic, .logistic, .squared, .huber(delta: 1),
  ])
  func `steps on weighted rows are steps on rows repeated as often`(loss: Loss) throws {
    let problem = problem(loss)
    let times = (0..<Self.rows).map { 1 + $0 % 3 }
    let repeated = times.indices.flatMap { [Int](repeating: $0, count: times[$0]) }
    var many = problem
    many.inputs = problem.inputs.gather(repeated)
    many.targets = problem.targets.gather(repeated)
    let weighted = try trainer(problem, loss, times.map(Double.init))
    let expected = try trainer(many, loss, nil)
    let losses = try weighted.run().map(\.loss)
    for (a, b) in zip(losses, try expected.run().map(\.loss)) { #expect(abs(a - b) < 1e-4 * b) }
    #expect(losses.last! < 0.9 * losses[0])
    let scores = weighted.predictor().scores(for: problem.unseen)
    let others = expected.predictor().scores(for: problem.unseen)
    for row in 0..<scores.rows {
      for (a, b) in zip(scores.rowArray(row), others.rowArray(row)) { #expect(abs(a - b) < 1e-3) }
    }
    // Without the weights it is another network.
    let plain = try trainer(problem, loss, nil)
    try plain.run()
    #expect(!plain.network.isIdentical(to: weighted.network))
  }

  @Test func `only the proportions of weights matter`() throws {
    let problem = problem(.softmaxCrossEntropy)
    let none = try trainer(problem, .softmaxCrossEntropy, nil, batch: 8)
    let equal = try trainer(
      problem, .softmaxCrossEntropy, .init(repeating: 0.25, count: Self.rows), batch: 8)
    #expect(try none.run().map(\.loss) == (try equal.run().map(\.loss)))
    #expect(none.network.isIdentical(to: equal.network))
  }

  @Test func `rows of weight zero teach nothing`() throws {
    let problem = problem(.softmaxCrossEntropy)
    var wrong = problem
    guard case .classes(var classes, let count) = problem.targets else { return }
    for row in 0..<10 { classes[row] = (classes[row] + 1) % Int32(count) }
    wrong.targets = .classes(classes, count: count)
    let weights = (0..<Self.rows).map { $0 < 10 ? 0.0 : 1 }
    let right = try trainer(problem, .softmaxCrossEntropy, weights)
    let other = try trainer(wrong, .softmaxCrossEntropy, weights)
    #expect(try right.run().map(\.loss) == (try other.run().map(\.loss)))
    #expect(right.network.isIdentical(to: other.network))
  }

  @Test(arguments: [
    [1.0], [Double](repeating: 0, count: 48), [-1] + .init(repeating: 1, count: 47),
  ])
  func `weights that make no sense are refused`(weights: [Double]) throws {
    #expect(throws: ConfigurationError.self) {
      try trainer(problem(.squared), .squared, weights)
    }
  }
}
