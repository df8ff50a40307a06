// SPDX-License-Identifier: Apache-2.0
import HalfspaceLinalg
import HalfspaceReporting
import Testing

@testable import HalfspaceNN

/// Width is free: cost is asserted on counters, not on a clock.
@Suite struct WidthTests {
  @Test func `a billion neurons train in the memory of those that fire`() throws {
    let rows = 200
    let problem = Problem.classes(4, rows: rows, dimension: 17, seed: 3)
    let width = 1 << 30
    let trainer = try problem.trainer(
      .init(width: width, threshold: .expectedFiring(64)),
      .init(loss: .softmaxCrossEntropy, epochs: 5, learningRate: 20))
    let network = trainer.network
    #expect(network.width == width)
    #expect(network.initial.rows.memoryBytes < 150 << 20)
    #expect(network.count > 0 && network.count <= network.initialFirings)
    let perRow = Double(network.initialFirings) / Double(rows)
    #expect(perRow > 32 && perRow < 128, "64 were asked for")

    // The report: far fewer inner products than rows of the network.
    let work = network.initialStatistics
    #expect(work.queries == rows)
    #expect(work.reported >= network.initialFirings)
    #expect(work.innerProducts / rows < width / 1000)

    // The steps: no more than the stored rows, twice (filter and canonical kernel).
    let reports = try trainer.run()
    #expect(trainer.network.count == network.count)
    #expect(trainer.lookupStatistics.innerProducts <= 2 * 5 * rows * network.count)
    #expect(reports.last!.loss < 0.7 * reports.first!.loss)
    let measured = Loss.softmaxCrossEntropy.measure(
      trainer.predictor().scores(for: problem.inputs), against: problem.targets)
    #expect(measured.accuracy! > 0.9)
    #expect(trainer.predictor().scores(for: problem.unseen).isFinite)
  }

  @Test func `at equal firings the stored rows grow far slower than the width`() throws {
    let problem = Problem.classes(4, rows: 100, dimension: 10, seed: 3)
    let counts = try [12, 16, 20].map { exponent in
      try problem.trainer(
        .init(width: 1 << exponent, threshold: .expectedFiring(32)),
        .init(loss: .softmaxCrossEntropy)
      ).network.count
    }
    #expect(counts.allSatisfy { $0 <= 100 * 32 * 2 })
    #expect(counts[1] < 4 * counts[0] && counts[2] < 4 * counts[1], "sixteenfold widths")
  }

  @Test func `neurons beyond 32 bits have numbers`() throws {
    let problem = Problem.values(1, rows: 10, dimension: 6)
    let trainer = try problem.trainer(
      .init(width: 1 << 33, threshold: .expectedFiring(20), outputs: .symmetricPairs()),
      .init(loss: .squared, epochs: 1, learningRate: 0.1))
    #expect(trainer.network.neurons.contains { $0 > 1 << 32 })
    #expect(trainer.network.neurons.allSatisfy { $0 < 1 << 33 })
    #expect(try trainer.run().count == 1)
  }
}
