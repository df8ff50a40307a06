// SPDX-License-Identifier: Apache-2.0
import HalfspaceLinalg
import Testing
import _HalfspaceTestSupport

@testable import HalfspaceNN

@Suite struct FiringStatisticsTests {
  @Test func `counts are those of all products`() throws {
    let problem = Problem.values(2, rows: 90, dimension: 5)
    let trainer = try problem.trainer(
      .init(width: 512, threshold: .expectedFiring(10), seed: 8),
      .init(loss: .squared, epochs: 1, batchSize: 8, learningRate: 0.3))
    try trainer.run()
    let predictor = trainer.predictor()
    let products = predictor.weights.canonicalProduct(with: problem.unseen)
    let fires = (0..<predictor.count).map { r in
      products.rowArray(r).map { $0 > predictor.threshold }
    }
    var statistics = FiringStatistics(predictor)
    statistics.add(problem.unseen.gather(0..<69))
    statistics.add(problem.unseen.gather([69]))
    #expect(statistics.rows == 70)
    #expect(statistics.rowsPerNeuron == fires.map { $0.count { $0 } })
    #expect(statistics.silentNeurons == fires.count { !$0.contains(true) })
    let perRow = (0..<70).map { k in fires.count { $0[k] } }.sorted()
    let total = Double(perRow.reduce(0, +))
    #expect(abs(statistics.perRow.mean - total / 70) < 1e-9)
    #expect(statistics.perRow.quartiles == [0, 17, 34, 51, 69].map { perRow[$0] })
    #expect(abs(statistics.perNeuron.mean - total / Double(predictor.count)) < 1e-9)
    let perNeuron = statistics.rowsPerNeuron.sorted()
    #expect(statistics.perNeuron.quartiles.first == perNeuron.first)
    #expect(statistics.perNeuron.quartiles.last == perNeuron.last)
  }

  @Test func `no rows have no statistics`() {
    let predictor = Predictor(
      weights: Matrix(rows: 2, columns: 3), outputs: Matrix(rows: 2, columns: 1), threshold: 1,
      factor: 1, shards: [0, 2])
    let statistics = FiringStatistics(predictor)
    #expect(statistics.perRow == FiringStatistics.Distribution(counts: [0]))
    #expect(statistics.perRow.mean == 0 && statistics.silentNeurons == 2)
  }
}
