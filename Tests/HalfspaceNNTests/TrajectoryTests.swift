// SPDX-License-Identifier: Apache-2.0
import HalfspaceIO
import HalfspaceLinalg
import HalfspaceReporting
import Testing
import _HalfspaceTestSupport

@testable import HalfspaceNN

/// The weights after many steps do not depend on how neurons were found.
@Suite struct TrajectoryTests {
  private static let steps = 500

  private enum TestError: Error { case notNumeric(String) }

  /// Handwritten digits, rows of norm 1 with a constant coordinate.
  private static func digits() throws -> (inputs: Matrix, targets: Targets) {
    func numbers(_ column: TableColumn) throws -> [Double] {
      guard case .numeric(let values) = column.storage else {
        throw TestError.notNumeric(column.name)
      }
      return values
    }
    let table = try EmbeddedData.digits
    let pixels = try table.columns.filter { $0.name != "digit" }.map(numbers)
    let digit = try #require(table.columns.first { $0.name == "digit" })
    let labels = try numbers(digit).map { Int($0) }
    let inputs = Matrix(rows: labels.count, columns: pixels.count)
    for i in 0..<labels.count {
      let norm = pixels.reduce(0) { $0 + $1[i] * $1[i] }.squareRoot()
      for c in pixels.indices { inputs[i, c] = Float(pixels[c][i] / norm) }
    }
    return (inputs, .classes(labels.map(Int32.init), count: 10))
  }

  /// Trains with every report compared with brute force where that is asked for.
  private static func train(
    _ data: (inputs: Matrix, targets: Targets), _ strategy: LookupStrategy, threads: Int,
    checked: Bool, batch: Int = 32
  ) throws -> MaterializedNetwork {
    let trainer = try Trainer(
      inputs: data.inputs, targets: data.targets,
      network: .init(width: 4096, threshold: .expectedFiring(16), seed: 3),
      training: .init(
        loss: .softmaxCrossEntropy, epochs: 12, batchSize: batch,
        learningRate: 8 * Double(batch) / 32, lookup: strategy, threads: threads))
    let check = checked ? trainer.checkLookups() : nil
    var order = Array(0..<data.inputs.rows)
    var generator = SeededGenerator(seed: 9, stream: 0)
    var next = order.count
    for _ in 0..<steps {
      if next + batch > order.count {
        generator.shuffle(&order)
        next = 0
      }
      // What follows is none of a step's business.
      let following = order[next + batch..<min(next + 2 * batch, order.count)]
      trainer.takeStep(order[next..<next + batch], followedBy: checked ? following : [])
      next += batch
    }
    if let check {
      #expect(check.reports == steps)
      #expect(check.mismatches == 0, "\(strategy), \(threads) threads")
      if strategy == .tiles { #expect(check.groupedReports == steps) }
    }
    return trainer.network
  }

  @Test func `five hundred steps on digits report what brute force reports, every time`() throws {
    let data = try Self.digits()
    let dense = try Self.train(data, .dense, threads: 1, checked: false)
    for strategy in LookupStrategy.allCases where strategy != .dense {
      let network = try Self.train(data, strategy, threads: 1, checked: true)
      #expect(network.isIdentical(to: dense), "\(strategy)")
    }
  }

  @Test func `batches of one row follow the same trajectory with every strategy`() throws {
    let data = try Self.digits()
    let dense = try Self.train(data, .dense, threads: 1, checked: false, batch: 1)
    for strategy in LookupStrategy.allCases where strategy != .dense {
      let network = try Self.train(data, strategy, threads: 1, checked: true, batch: 1)
      #expect(network.isIdentical(to: dense), "\(strategy)")
    }
  }

  @Test func `neither strategy nor threads nor instruction set change a bit in 500 steps`() async {
    await #expect(processExitsWith: .success) {
      let data = try Self.digits()
      let expected = try Self.train(data, .dense, threads: 1, checked: false)
      for level in Runtime.InstructionSet.allCases where Runtime.select(level) {
        // The portable level is slow; its twins are compared kernel by kernel elsewhere.
        let strategies =
          level == .portable ? [LookupStrategy.tiles, .candidateLists] : LookupStrategy.allCases
        for strategy in strategies {
          let network = try Self.train(data, strategy, threads: 2, checked: false)
          #expect(network.isIdentical(to: expected), "\(level), \(strategy)")
        }
      }
    }
  }

  struct Case: CustomTestStringConvertible, Sendable {
    var strategy: LookupStrategy
    var optimizer: Optimizer
    var weightDecay = 0.0
    var testDescription: String { "\(strategy), \(optimizer), decay \(weightDecay)" }

    static let all = LookupStrategy.allCases.filter { $0 != .dense }.flatMap { strategy in
      [
        Case(strategy: strategy, optimizer: .sgd, weightDecay: 0.02),
        Case(strategy: strategy, optimizer: .adaGrad()),
        Case(strategy: strategy, optimizer: .momentum()),
        Case(strategy: strategy, optimizer: .adam()),
        Case(strategy: strategy, optimizer: .adam(lazy: true)),
      ]
    }
  }

  @Test(arguments: Case.all)
  func `every optimizer follows the same trajectory with every strategy, new rows included`(
    _ test: Case
  ) throws {
    let problem = Problem.classes(3, rows: 120, dimension: 8, seed: 4)
    func run(_ strategy: LookupStrategy) throws -> (Trainer, CheckedLookup) {
      let isAdam = if case .adam = test.optimizer { true } else { false }
      let trainer = try problem.trainer(
        .init(width: 2048, threshold: .expectedFiring(20), seed: 2),
        .init(
          loss: .softmaxCrossEntropy, epochs: 4, batchSize: 16, learningRate: isAdam ? 0.02 : 2,
          optimizer: test.optimizer, weightDecay: test.weightDecay, lookup: strategy))
      let checked = trainer.checkLookups()
      try trainer.run()
      for seed: UInt64 in 0..<4 {
        try trainer.takeStep(
          onNew: TestData.unitRows(9, 8, seed: seed),
          targets: .classes((0..<9).map { $0 % 3 }, count: 3))
        trainer.takeStep(Array(10..<26)[...])
      }
      return (trainer, checked)
    }
    let dense = try run(.dense).0
    let (trainer, checked) = try run(test.strategy)
    #expect(checked.mismatches == 0)
    #expect(checked.reports == 40)
    #expect(trainer.network.isIdentical(to: dense.network))
  }
}
