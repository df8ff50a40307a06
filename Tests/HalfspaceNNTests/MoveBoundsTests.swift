// SPDX-License-Identifier: Apache-2.0
import HalfspaceLinalg
import HalfspaceReporting
import Testing
import _HalfspaceTestSupport

@testable import HalfspaceNN

/// No row ever moves farther than lookups are told.
@Suite struct MoveBoundsTests {
  /// Measures every move that it is told of.
  private final class Surveyor: NeuronLookup {
    private var lookup: any NeuronLookup
    private var weights: Matrix
    private var before: Matrix
    private(set) var told = 0
    private(set) var wrong = 0
    /// The sums of all bounds and of all distances.
    private(set) var sums = (bound: 0.0, distance: 0.0)

    init(_ lookup: any NeuronLookup, _ weights: Matrix) {
      self.lookup = lookup
      self.weights = weights
      before = weights.copy()
    }

    var strategy: LookupStrategy { lookup.strategy }
    var work: IndexStatistics { lookup.work }
    var statistics: LookupStatistics { lookup.statistics }
    var wantsDisplacements: Bool { true }

    func report(
      _ batch: LookupBatch, above threshold: Float, into report: inout FiringReport
    ) {
      lookup.report(batch, above: threshold, into: &report)
    }

    func update(rows: UnsafeBufferPointer<Int32>, displacements: UnsafeBufferPointer<Float>?) {
      unsafe lookup.update(rows: rows, displacements: displacements)
      for k in 0..<rows.count {
        let r = unsafe Int(rows[k])
        var square = 0.0
        for c in 0..<weights.columns {
          let e = Double(weights[r, c]) - Double(before[r, c])
          square += e * e
        }
        unsafe before.row(r).update(from: weights.row(r), count: weights.stride)
        guard let bound = unsafe displacements?[k] else { continue }
        told += 1
        if !(square.squareRoot() <= Double(bound)) { wrong += 1 }
        sums.bound += Double(bound)
        sums.distance += square.squareRoot()
      }
    }

    func grow(to weights: Matrix) {
      self.weights = weights
      before = weights.copy()
      lookup.grow(to: weights)
    }
  }

  private func survey(_ optimizer: Optimizer, weightDecay: Double) throws -> Surveyor {
    let problem = Problem.classes(4, rows: 90, dimension: 17, seed: 6)
    let trainer = try problem.trainer(
      .init(width: 2048, threshold: .expectedFiring(40)),
      .init(
        loss: .softmaxCrossEntropy, epochs: 3, batchSize: 32, learningRate: 3,
        optimizer: optimizer, weightDecay: weightDecay))
    let surveyor = Surveyor(trainer.lookup, trainer.network.weights)
    trainer.lookup = surveyor
    try trainer.run()
    try trainer.takeStep(
      onNew: TestData.unitRows(32, 17, seed: 77),
      targets: .classes((0..<32).map { $0 % 4 }, count: 4))
    return surveyor
  }

  @Test(arguments: [0, 0.05])
  func `bounds of plain SGD hold and are not much too large`(_ weightDecay: Double) throws {
    let surveyor = try survey(.sgd, weightDecay: weightDecay)
    #expect(surveyor.told > 500)
    #expect(surveyor.wrong == 0)
    #expect(surveyor.sums.bound < 3 * surveyor.sums.distance)
  }

  @Test(arguments: [Optimizer.adaGrad(), .momentum(), .adam(lazy: true)])
  func `nothing is claimed about other optimizers`(_ optimizer: Optimizer) throws {
    #expect(try survey(optimizer, weightDecay: 0).told == 0)
  }
}
