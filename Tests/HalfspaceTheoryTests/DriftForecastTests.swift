// SPDX-License-Identifier: Apache-2.0
import Foundation
import HalfspaceLinalg
import HalfspaceNN
import HalfspaceReporting
import HalfspaceTheory
import Testing
import _HalfspaceTestSupport

@Suite struct DriftForecastTests {
  private func forecast(
    norm: Double = 2, width: Int = 4096, threshold: Double, outputScale: Double = 1,
    concentration: Double = 0.125
  ) -> DriftForecast {
    DriftForecast(
      norm: norm, width: width, threshold: threshold, outputScale: outputScale,
      concentration: concentration)
  }

  /// Shares of the inputs on which each of `count` Gaussian rows fires.
  private func firingShares(_ count: Int, _ inputs: Matrix, above b: Double) -> [Double] {
    let rows = TestData.gaussian(count, inputs.columns, seed: 17)
    let products = rows.product(with: inputs, otherTransposed: true)
    return (0..<count).map { r in
      Double((0..<inputs.rows).count { Double(products[r, $0]) > b }) / Double(inputs.rows)
    }
  }

  @Test(arguments: [2, 4, 8, 32])
  func `no Gaussian row fires on more inputs than is forecast`(_ dimension: Int) {
    let inputs = UnitSphere.points(2000, dimension: dimension, seed: 3)
    for b in [0, 1, 2.0, 3] {
      let shares = firingShares(2048, inputs, above: b)
      let bound = forecast(threshold: b, concentration: 1 / Double(dimension)).largestFiringShare
      // Four standard errors of a share that is counted on 2,000 inputs.
      #expect(shares.max()! <= bound + 4 * (0.25 / 2000).squareRoot(), "b \(b)")
      // The mean is what the square of the drift is in proportion to.
      let mean = shares.reduce(0, +) / Double(shares.count)
      let deviation = (shares.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 2048).squareRoot()
      #expect(
        abs(mean - GaussianTail.probability(above: b)) <= 4 * deviation / 2048.0.squareRoot())
    }
  }

  @Test func `the share counts the direction that inputs prefer`() throws {
    // Axis 0 carries half of the square of every input, with either sign.
    let inputs = UnitSphere.points(2000, dimension: 16, seed: 4)
    let half = Float(0.5).squareRoot()
    for r in 0..<inputs.rows {
      let sign: Float = inputs[r, 0] < 0 ? -1 : 1
      let rest = (1 - inputs[r, 0] * inputs[r, 0]).squareRoot()
      for l in 1..<16 { inputs[r, l] *= half / rest }
      inputs[r, 0] = sign * half
    }
    let concentration = try ConvergencePlan.concentration(of: inputs)
    #expect(abs(concentration - 0.5) < 0.02)
    for b in [1.0, 2] {
      let largest = firingShares(2048, inputs, above: b).max()!
      let plain = forecast(threshold: b, concentration: 1.0 / 16).largestFiringShare
      let bound = forecast(threshold: b, concentration: concentration).largestFiringShare
      #expect(largest <= bound + 4 * (0.25 / 2000).squareRoot() && plain < bound)
    }
  }

  @Test func `the furthest row moves by the root of its share of firings more`() {
    // At b = 0 every row fires on half of the inputs, and all move alike.
    let zero = forecast(threshold: 0)
    #expect(zero.largestFiringShare == 0.5 && abs(zero.largest / zero.rootMeanSquare - 1) < 1e-12)
    var last = zero
    for b in [0.5, 1, 2, 3] {
      let next = forecast(threshold: b)
      #expect(next.rootMeanSquare == zero.rootMeanSquare)
      #expect(next.largest > last.largest && next.largestFiringShare < last.largestFiringShare)
      let square = next.largest * next.largest / (zero.rootMeanSquare * zero.rootMeanSquare)
      let share = next.largestFiringShare / GaussianTail.probability(above: b)
      #expect(abs(square / share - 1) < 1e-12)
      last = next
    }
    // Below 0 a row may fire on all inputs.
    #expect(forecast(threshold: -1).largestFiringShare == 1)
  }

  @Test func `drift is in proportion to the norm and falls with scale and width`() {
    let base = forecast(threshold: 1.5)
    #expect(abs(base.rootMeanSquare - (1 + 2.0.squareRoot()) * 2 / 64) < 1e-12)
    #expect(abs(forecast(norm: 6, threshold: 1.5).largest / base.largest - 3) < 1e-12)
    #expect(abs(forecast(threshold: 1.5, outputScale: 4).largest * 4 / base.largest - 1) < 1e-12)
    let wide = forecast(width: 4 * 4096, threshold: 1.5)
    #expect(abs(wide.rootMeanSquare * 2 / base.rootMeanSquare - 1) < 1e-12)
    // The largest of more rows is a little larger in its unit.
    #expect(wide.largest * 2 > base.largest && wide.largest < 0.6 * base.largest)
  }

  @Test func `no row of a run goes further than forecast`() throws {
    for (dimension, b) in [(4, 2.0), (8, 1.824), (16, 1)] {
      let steps = 2048
      let drift = forecast(
        norm: 4, width: 2048, threshold: b, concentration: 1 / Double(dimension))
      let target = KernelExpansion.random(
        kernel: ShiftedReLUKernel(threshold: b), terms: 10, dimension: dimension, norm: 4,
        seed: 21)
      let inputs = UnitSphere.points(steps, dimension: dimension, seed: 22)
      var source = NormalSource(seed: 23)
      let labels = target.values(at: inputs).map { [Float($0) + 0.3 * source.next()] }
      let trainer = try Trainer(
        inputs: inputs, targets: .values(Matrix(labels)),
        network: NetworkConfiguration(
          width: 2048, threshold: .value(Float(b)), rows: .gaussian,
          outputs: .symmetricPairs(.signs), trainsOutputs: false, seed: 24, outputScale: 1),
        training: TrainingConfiguration(
          loss: .absolute, epochs: 1, batchSize: 1,
          learningRate: 4
            / (GaussianTail.probability(above: b) * Double(steps)).squareRoot(),
          schedule: .constant, lookup: .staticIndex, indexMargin: drift.largest))
      try trainer.run()
      let certificate = try #require(trainer.lookupSummary.statistics.certificate)
      #expect(certificate.holds, "d \(dimension), b \(b): \(certificate)")
      // Not for want of moving: a quarter of it is used.
      #expect(certificate.largestDisplacement > 0.25 * drift.largest)
    }
  }

  @Test func `settings without a forecast trap`() async {
    await #expect(processExitsWith: .failure) {
      _ = DriftForecast(
        norm: 0, width: 4, threshold: 1, outputScale: 1, concentration: 0.5)
    }
    await #expect(processExitsWith: .failure) {
      _ = DriftForecast(
        norm: 1, width: 1, threshold: 1, outputScale: 1, concentration: 0.5)
    }
  }
}
