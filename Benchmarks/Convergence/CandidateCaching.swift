// SPDX-License-Identifier: Apache-2.0
import Foundation
import Halfspace
import _HalfspaceReport

/// C18.
struct CandidateCaching: Experiment {
  let id = "C18"
  let title = "Lists of candidates save products in any dimension"
  let protocolText = """
    784 inputs, 2^14 neurons, b = sqrt(0.4 ln m), M = 4, B = 1, batches of 8, a fixed set of n rows. \
    Trainer with `LookupStrategy.candidateLists`; inner products of all lookups, the making of the lists \
    included, over those of a dense pass. Predicted for lists made once with the margin 0.25 that the \
    strategy begins with: Q(b - 0.25) + 1 / epochs. A dense twin of the smallest run is compared bit by bit.
    """

  private struct Result: Sendable {
    var share: Double
    var refreshes: Int
    var listed: Double
    var differs: Bool?
  }

  func run(_ setup: Setup) throws -> Outcome {
    let epochs = setup.isQuick ? 5 : 20
    let rowCounts = setup.isQuick ? [500, 1000] : [1000, 2000, 4000]
    let width = 1 << 14
    let b = (0.4 * log(Double(width))).squareRoot()
    let jobs = rowCounts.reversed().flatMap { rows in
      setup.seeds(rows == 4000 ? 1 : 2, quick: 2).map { (rows: rows, seed: $0) }
    }
    let results = try jobs.concurrentMap(threads: setup.threads) { job in
      try Self.measure(
        rows: job.rows, width: width, threshold: b, epochs: epochs, seed: job.seed,
        compares: job.rows == rowCounts[0] && job.seed == 1)
    }
    let predicted =
      GaussianTail.probability(above: b - 0.25) + 1 / Double(epochs)
    let scaling = Scaling(zip(jobs, results).map { (Double($0.rows), $1.share) })
    var outcome = Outcome()
    var table = TextTable(
      "n", "products / dense", "predicted", "limit Q(b) + 1 / epochs", "listed share", "refreshes",
      "seeds")
    for place in scaling.places {
      let here = zip(jobs, results).filter { Double($0.0.rows) == place.x }.map(\.1)
      table.append(
        Format.count(Int(place.x)), Format.fixed(place.mean, decimals: 4),
        Format.fixed(predicted, decimals: 4),
        Format.fixed(GaussianTail.probability(above: b) + 1 / Double(epochs), decimals: 4),
        Format.fixed(Statistics.mean(here.map(\.listed)), decimals: 4),
        Format.fixed(Statistics.mean(here.map { Double($0.refreshes) }), decimals: 1),
        "\(here.count)")
      outcome.findings.append(
        .value(
          "products over dense, n = \(Format.count(Int(place.x)))", place.mean,
          interval: place.values.count > 1 ? place.interval : nil,
          in: 0.9 * predicted...1.1 * predicted))
    }
    outcome.findings.append(
      .value(
        "runs whose weights differ from a dense twin's",
        Double(results.compactMap(\.differs).count { $0 }), atMost: 0))
    outcome.table = table
    outcome.points = [scaling.json]
    outcome.figures = [
      (
        "c18",
        LineChart(
          title: "Inner products with candidate lists, over dense",
          subtitle: "784 inputs, 16,384 neurons, \(epochs) epochs",
          x: ChartAxis("training rows n", scale: .logarithmic),
          y: ChartAxis("share of dense", scale: .logarithmic, range: 0.05...1),
          series: [
            scaling.series("measured"),
            .theory("lists made once", scaling.places.map(\.x)) { _ in predicted },
          ])
      )
    ]
    return outcome
  }

  private static func measure(
    rows: Int, width: Int, threshold: Double, epochs: Int, seed: UInt64, compares: Bool
  ) throws -> Result {
    let dimension = 784
    let (norm, batch) = (4.0, 8)
    let inputs = UnitSphere.points(rows, dimension: dimension, seed: seed &+ 1000)
    // Of random centers in 784 dimensions no row would see anything: some rows are the centers.
    let centers = inputs.gather(Array(0..<10))
    let signs = LabelNoise(deviation: 1).values(10, seed: seed)
    let target = KernelExpansion(
      kernel: ShiftedReLUKernel(threshold: threshold), centers: centers, coefficients: signs
    ).scaled(toNorm: norm)
    let noise = LabelNoise(deviation: 0.05).values(rows, seed: seed &+ 2000)
    let labels = zip(target.values(at: inputs), noise).map { [Float($0 + $1)] }
    let steps = Double(epochs * rows / batch)
    let rate = norm / (GaussianTail.probability(above: threshold) * steps).squareRoot()
    func train(_ lookup: LookupStrategy) throws -> Trainer {
      let trainer = try Trainer(
        inputs: inputs, targets: .values(Matrix(labels)),
        network: NetworkConfiguration(
          width: width, threshold: .value(Float(threshold)), rows: .gaussian,
          outputs: .symmetricPairs(.signs), trainsOutputs: false, seed: seed &+ 3000,
          outputScale: 1),
        training: TrainingConfiguration(
          loss: .absolute, epochs: epochs, batchSize: batch, learningRate: rate,
          schedule: .constant, lookup: lookup))
      try trainer.run()
      return trainer
    }
    let trainer = try train(.candidateLists)
    let summary = trainer.lookupSummary
    let dense = Double(trainer.network.count) * Double(rows) * Double(epochs)
    let differs =
      compares
      ? try !train(.dense).network.weights.isIdentical(to: trainer.network.weights) : nil
    return Result(
      share: Double(summary.work.innerProducts) / dense,
      refreshes: summary.statistics.refreshes,
      listed: Double(summary.statistics.listedPairs)
        / (Double(trainer.network.count) * Double(rows)),
      differs: differs)
  }
}
