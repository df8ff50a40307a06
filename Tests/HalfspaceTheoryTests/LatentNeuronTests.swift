// SPDX-License-Identifier: Apache-2.0
import Foundation
import HalfspaceLinalg
import HalfspaceNN
import HalfspaceReporting
import HalfspaceTheory
import Testing
import _HalfspaceTestSupport

/// What is said of neurons that never fire, against the trainer and against counts.
@Suite struct LatentNeuronTests {
  private let clusters = TestData.clusters(
    rows: 60, dimension: 10, classes: 3, spread: 0.5, seed: 2)

  private func stored(
    _ inputs: Matrix, _ labels: [Int32], _ network: NetworkConfiguration, epochs: Int = 1
  ) throws -> Trainer {
    let trainer = try Trainer(
      inputs: inputs, targets: .classes(labels, count: 3), network: network,
      training: TrainingConfiguration(
        loss: .softmaxCrossEntropy, epochs: epochs, learningRate: 5))
    try trainer.run()
    return trainer
  }

  @Test(arguments: [2.0, 2.6, 3.2], [InitialOutputs.zero, .symmetricPairs(.signs)])
  func `as many neurons are stored as the data let expect`(
    _ threshold: Double, _ outputs: InitialOutputs
  ) throws {
    let forecast = MaterializationForecast(
      inputs: clusters.inputs, threshold: threshold, probes: 1000)
    let pairs = outputs != .zero
    for width in [4000, 16000] {
      let trainer = try stored(
        clusters.inputs, clusters.labels,
        NetworkConfiguration(
          width: width, threshold: .value(Float(threshold)), rows: .gaussian, outputs: outputs,
          seed: UInt64(width)))
      let expected = forecast.expectedCount(width: width)
      let deviation = forecast.deviation(width: width, pairs: pairs)
      #expect(
        abs(Double(trainer.network.count) - expected) < 4 * deviation,
        "\(trainer.network.count) for \(expected) +- \(deviation)")
      #expect(deviation < 0.2 * expected)
    }
  }

  @Test func `the stored share falls with the threshold and not with the epochs`() throws {
    func network(_ b: Float) -> NetworkConfiguration {
      NetworkConfiguration(width: 4000, threshold: .value(b), rows: .gaussian)
    }
    let once = try stored(clusters.inputs, clusters.labels, network(2.5))
    let often = try stored(clusters.inputs, clusters.labels, network(2.5), epochs: 4)
    #expect(once.network.neurons == often.network.neurons)
    let shares = [1.5, 2.0, 2.5, 3.0].map {
      MaterializationForecast(inputs: clusters.inputs, threshold: $0, probes: 500).share
    }
    for (a, b) in zip(shares, shares.dropFirst()) { #expect(b < a) }
  }

  @Test func `a product grid stores as many`() throws {
    let forecast = MaterializationForecast(inputs: clusters.inputs, threshold: 2.5, probes: 1000)
    let width = 16384
    var counts: [Double] = []
    for seed in 1...6 {
      let trainer = try stored(
        clusters.inputs, clusters.labels,
        NetworkConfiguration(width: width, threshold: .value(2.5), seed: UInt64(seed)))
      counts.append(Double(trainer.network.count))
    }
    let mean = counts.reduce(0, +) / 6
    let spread =
      (counts.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 5).squareRoot() / 6.0.squareRoot()
    let error = (spread * spread + pow(Double(width) * forecast.standardError, 2)).squareRoot()
    #expect(abs(mean - forecast.expectedCount(width: width)) < 4 * error)
  }

  @Test func `the forecast lies within the bounds from pairs of inputs`() {
    for (rows, threshold) in [(60, 1.5), (60, 2.5), (20, 3.5), (60, 4.5)] {
      let inputs = clusters.inputs.gather(0..<rows)
      let forecast = MaterializationForecast(inputs: inputs, threshold: threshold)
      let bounds = MaterializationForecast.bounds(inputs: inputs, threshold: threshold)
      #expect(forecast.share > bounds.lowerBound - 4 * forecast.standardError)
      #expect(forecast.share < bounds.upperBound + 4 * forecast.standardError)
      #expect(forecast.standardError < 0.05 * forecast.share)
      #expect(bounds.upperBound <= forecast.expectedFirings)
      #expect(bounds.upperBound < 4 * bounds.lowerBound)
    }
    // Where no row fires on three inputs that are far from each other, pairs tell everything.
    let apart = UnitSphere.points(20, dimension: 12, seed: 5)
    let bounds = MaterializationForecast.bounds(inputs: apart, threshold: 4)
    #expect(bounds.upperBound < 1.02 * bounds.lowerBound)
  }

  @Test func `forecasts of simple inputs are exact`() {
    let q = GaussianTail.probability(above: 2)
    let one = MaterializationForecast(inputs: Matrix([[0, 1, 0]]), threshold: 2)
    #expect(abs(one.share / q - 1) < 1e-12 && one.standardError < 1e-12)
    // Copies fire together; orthogonal inputs independently.
    let copies = MaterializationForecast(
      inputs: Matrix([[0, 1, 0], [0, 1, 0], [0, 1, 0]]), threshold: 2)
    #expect(abs(copies.share / q - 1) < 1e-3)
    let axes = MaterializationForecast(
      inputs: Matrix([[1, 0, 0], [0, 1, 0], [0, 0, 1]]), threshold: 2, probes: 4000)
    #expect(abs(axes.share - (1 - pow(1 - q, 3))) < 4 * axes.standardError)
    // Length 2 halves the threshold; a row of zeros never fires at a positive one.
    let long = MaterializationForecast(inputs: Matrix([[0, 2], [0, 0]]), threshold: 4)
    #expect(abs(long.share / q - 1) < 1e-12)
    #expect(MaterializationForecast(inputs: Matrix([[0, 0]]), threshold: 1).share == 0)
  }

  // MARK: The product grid

  @Test func `the parts of the variance add up to that of one row`() {
    for b in [0.5, 2.0] {
      let firing = ProductGridVariance.firing(threshold: b, leftMass: 0.3)
      let q = GaussianTail.probability(above: b)
      #expect(abs(firing.variance(independentRows: 1) - q * (1 - q)) < 1e-15)
      #expect(
        abs(firing.variance(groups: 7, leftCount: 1, rightCount: 1) - q * (1 - q) / 7) < 1e-15)
      // An input with itself is a pair of equal inputs.
      let joint = ProductGridVariance.joint(
        threshold: b, split: .init(correlation: 1, masses: (0.3, 0.3), product: 0.3))
      #expect(abs(joint.left / firing.left - 1) < 1e-6)
      #expect(abs(joint.right / firing.right - 1) < 1e-6)
      #expect(abs(joint.mean - firing.mean) < 1e-14)
    }
    // A half that holds nothing of the input tells nothing of it.
    let none = ProductGridVariance.firing(threshold: 1, leftMass: 0)
    #expect(abs(none.left) < 1e-15)
    #expect(abs(none.both) < 1e-15)
  }

  @Test(arguments: [1, 4])
  func `firing counts of product grids vary as Hoeffding says`(_ groups: Int) {
    // Two coordinates, one in each half, so that the masses are known: 0.5 each.
    let input = Matrix([[Float(0.5).squareRoot(), Float(0.5).squareRoot()]])
    let threshold = 1.2
    let count = 400 * groups
    let predicted = ProductGridVariance.firing(threshold: threshold)
    var shares: [Double] = []
    let grids = 400
    for seed in 0..<grids {
      let grid = ProductGrid(count: count, dimension: 2, seed: UInt64(seed), groups: groups)
      var report = InitialReport()
      var work = IndexStatistics()
      grid.report(
        queries: input, rows: 0..<1, above: Float(threshold), threads: 1, into: &report,
        statistics: &work)
      shares.append(Double(report.count) / Double(count))
      if seed == 0 {
        let expected = predicted.variance(groups: groups, leftCount: 20, rightCount: 20)
        #expect(predicted.variance(of: grid) == expected)
        #expect(predicted.effectiveRows(of: grid) < 0.6 * Double(count))
      }
    }
    let mean = shares.reduce(0, +) / Double(grids)
    let variance = shares.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(grids - 1)
    let expected = predicted.variance(groups: groups, leftCount: 20, rightCount: 20)
    // The variance of a sample variance of near normal numbers: 2 / n.
    #expect(abs(variance / expected - 1) < 5 * (2 / Double(grids)).squareRoot())
    #expect(abs(mean - predicted.mean) < 4 * (expected / Double(grids)).squareRoot())
    #expect(variance > 1.5 * predicted.variance(independentRows: count))
  }
}
