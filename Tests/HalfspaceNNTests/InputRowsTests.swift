// SPDX-License-Identifier: Apache-2.0
import HalfspaceLinalg
import HalfspaceReporting
import Synchronization
import Testing
import _HalfspaceTestSupport

@testable import HalfspaceNN

/// Where rows come from shows in nothing that is computed from them.
@Suite struct InputRowsTests {
  /// Rows of a matrix, as if they had to be read; from some call on they no longer can be.
  final class Source: RowSource {
    let matrix: Matrix
    let calls = Atomic<Int>(0)
    let failsAfter: Int

    init(_ matrix: Matrix, failsAfter: Int = .max) {
      self.matrix = matrix
      self.failsAfter = failsAfter
    }

    var rows: Int { matrix.rows }
    var columns: Int { matrix.columns }

    func copy(_ rows: ArraySlice<Int>, to block: Matrix) throws(RowReadError) {
      guard calls.wrappingAdd(1, ordering: .relaxed).newValue <= failsAfter else {
        throw RowReadError("the disk is gone")
      }
      for (k, row) in rows.enumerated() {
        unsafe block.row(k).update(from: matrix.row(row), count: matrix.stride)
      }
    }
  }

  private let network = NetworkConfiguration(width: 4096, threshold: .expectedFiring(30))

  private func training(_ optimizer: Optimizer = .sgd) -> TrainingConfiguration {
    TrainingConfiguration(
      loss: .softmaxCrossEntropy, epochs: 3, batchSize: 16,
      learningRate: optimizer == .sgd ? 10 : 0.05, optimizer: optimizer, averagingStart: 0.5)
  }

  @Test(arguments: [Optimizer.sgd, .adaGrad(), .momentum(), .adam()])
  func `training on streamed rows gives the bits of training on a matrix`(
    optimizer: Optimizer
  ) throws {
    let problem = Problem.classes(5, rows: 172, dimension: 17)
    let dense = try problem.trainer(network, training(optimizer))
    let streamed = try Trainer(
      rows: .streamed(Source(problem.inputs)), targets: problem.targets, network: network,
      training: training(optimizer))
    #expect(try dense.run().map(\.loss) == (try streamed.run().map(\.loss)))
    #expect(dense.network.isIdentical(to: streamed.network))
    let scores = dense.predictor().scores(for: problem.unseen)
    #expect(
      try scores.isIdentical(
        to: streamed.predictor().scores(for: .streamed(Source(problem.unseen)))))
  }

  /// Rows most of whose elements are zero.
  private func sparseProblem() -> Problem {
    var problem = Problem.classes(5, rows: 172, dimension: 90)
    func thin(_ matrix: Matrix) -> Matrix {
      let result = Matrix(rows: matrix.rows, columns: matrix.columns)
      for r in 0..<matrix.rows {
        let row = matrix.rowArray(r)
        let limit = row.map(abs).sorted()[80]
        // Some rows have many entries, one has none.
        for c in row.indices where r != 7 && (abs(row[c]) > limit || r % 13 == 5) {
          result[r, c] = 2 * row[c]
        }
      }
      return result
    }
    problem.inputs = thin(problem.inputs)
    problem.unseen = thin(problem.unseen)
    return problem
  }

  struct SparseCase: CustomTestStringConvertible {
    var optimizer = Optimizer.sgd
    var outputs = InitialOutputs.zero
    var trainsOutputs = true
    var loss = Loss.softmaxCrossEntropy
    var averages = false
    var weightDecay = 0.0
    var lookup = LookupStrategy.automatic
    var threads = 1

    var testDescription: String {
      "\(optimizer), outputs \(outputs) \(trainsOutputs ? "trained" : "fixed"), \(loss), "
        + "averages \(averages), decay \(weightDecay), \(lookup), \(threads) threads"
    }

    static let all: [SparseCase] =
      [Optimizer.sgd, .adaGrad(), .momentum(), .momentum(lazy: true), .adam()].flatMap {
        optimizer in
        [SparseCase(optimizer: optimizer), SparseCase(optimizer: optimizer, averages: true)]
      } + [
        SparseCase(outputs: .symmetricPairs(.signs), trainsOutputs: false),
        SparseCase(optimizer: .adaGrad(), outputs: .independent()),
        SparseCase(loss: .oneVersusRestLogistic, weightDecay: 0.01),
        SparseCase(lookup: .dense, threads: 3),
        SparseCase(optimizer: .adaGrad(), averages: true, threads: 3),
        SparseCase(lookup: .tiles), SparseCase(lookup: .tree),
      ]
  }

  @Test(arguments: SparseCase.all)
  func `training on sparse rows gives the bits of training on the rows with their zeros`(
    _ test: SparseCase
  ) throws {
    let problem = sparseProblem()
    let network = NetworkConfiguration(
      width: 4096, threshold: .expectedFiring(30), outputs: test.outputs,
      trainsOutputs: test.trainsOutputs)
    var training = TrainingConfiguration(
      loss: test.loss, epochs: 2, batchSize: 16, learningRate: test.optimizer == .sgd ? 10 : 0.05,
      optimizer: test.optimizer, weightDecay: test.weightDecay,
      averagingStart: test.averages ? 0.3 : nil)
    let dense = try problem.trainer(network, training)
    training.lookup = test.lookup
    training.threads = test.threads
    let sparse = try Trainer(
      rows: .sparse(SparseMatrix(problem.inputs)), targets: problem.targets, network: network,
      training: training)
    #expect(try dense.run().map(\.loss) == (try sparse.run().map(\.loss)))
    #expect(dense.network.isIdentical(to: sparse.network))
    #expect(sparse.network.count > 200)
    let few = problem.unseen.gather(0..<9)
    #expect(
      try dense.takeStep(onNew: few, targets: problem.targets.gather(0..<9))
        == (try sparse.takeStep(onNew: few, targets: problem.targets.gather(0..<9))))
    #expect(dense.network.isIdentical(to: sparse.network), "after a step on new rows")
    let scores = dense.predictor().scores(for: problem.unseen)
    #expect(
      try scores.isIdentical(
        to: sparse.predictor().scores(for: .sparse(SparseMatrix(problem.unseen)), threads: 2)))
  }

  @Test func `validation on streamed rows is validation on a matrix`() throws {
    let problem = Problem.classes(5, rows: 172, dimension: 17)
    func reports(_ wrap: (Matrix) -> InputRows) throws -> [Double?] {
      let inputs = wrap(problem.inputs)
      let rows = Array(0..<100)
      let trainer = try Trainer(
        rows: inputs.gather(rows), targets: problem.targets.gather(rows), network: network,
        training: training(),
        validation: (inputs.gather(Array(100..<172)), problem.targets.gather(100..<172)))
      return try trainer.run().map(\.validationLoss)
    }
    let expected = try reports { .dense($0) }
    #expect(expected.allSatisfy { $0 != nil })
    #expect(try reports { .streamed(Source($0)) } == expected)
  }

  @Test func `rows that cannot be read end the run with the reason`() throws {
    let problem = Problem.classes(5, rows: 100, dimension: 17)
    let gone = RowReadError("the disk is gone")
    #expect(throws: ConfigurationError.unreadable(gone)) {
      try Trainer(
        rows: .streamed(Source(problem.inputs, failsAfter: 0)), targets: problem.targets,
        network: network, training: training())
    }
    let trainer = try Trainer(
      rows: .streamed(Source(problem.inputs, failsAfter: 10)), targets: problem.targets,
      network: network, training: training())
    #expect(throws: TrainingError.unreadable(gone)) { try trainer.run() }
    #expect(trainer.predictor().weights.isFinite)
  }

  @Test func `candidate lists refuse rows that are not in memory`() throws {
    let problem = Problem.classes(5, rows: 100, dimension: 17)
    var training = training()
    training.lookup = .candidateLists
    #expect(throws: ConfigurationError.self) {
      try Trainer(
        rows: .streamed(Source(problem.inputs)), targets: problem.targets, network: network,
        training: training)
    }
  }
}
