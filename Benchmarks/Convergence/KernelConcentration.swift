// SPDX-License-Identifier: Apache-2.0
import Foundation
import Halfspace
import _HalfspaceReport

/// C5.
struct KernelConcentration: Experiment {
  let id = "C5"
  let title = "The tangent kernel of a finite network approaches K_b like 1 / sqrt(m)"
  let protocolText = """
    Initial networks of 2^8 to 2^16 neurons in symmetric pairs, 8 inputs, b = 1. For all pairs of 24 \
    unit inputs: the inner product times the share of neurons that fire on both, against K_b; root \
    mean square over pairs and seeds. Predicted: sqrt(kappa_0 (1 - kappa_0)) |rho| / sqrt(q).
    """

  func run(_ setup: Setup) throws -> Outcome {
    let (threshold, dimension) = (1.0, 8)
    let inputs = UnitSphere.points(24, dimension: dimension, seed: 9)
    let kernel = ShiftedReLUKernel(threshold: threshold).gramMatrix(of: inputs)
    let products = inputs.canonicalProduct(with: inputs)
    let widths = stride(from: 8, through: 16, by: 2).map { 1 << $0 }
    let jobs = widths.reversed().flatMap { width in
      setup.seeds(30, quick: 8).map { (width: width, seed: $0) }
    }
    let errors = try jobs.concurrentMap(threads: setup.threads) { job in
      let sets = Firings(width: job.width, dimension: dimension, seed: job.seed)
        .neurons(inputs, above: threshold).map(Set.init)
      var squares: [Double] = []
      for i in 0..<inputs.rows {
        for j in 0..<i {
          let share = Double(sets[i].intersection(sets[j]).count) / Double(job.width)
          let error = Double(products[i, j]) * share - kernel[i, j]
          squares.append(error * error)
        }
      }
      return Statistics.mean(squares)
    }
    // Squares are averaged over seeds; what is shown are roots.
    let squares = Scaling(zip(jobs, errors).map { (Double($0.width), $1) })
    let roots = Scaling(zip(jobs, errors).map { (Double($0.width), $1.squareRoot()) })
    var variance = 0.0
    for i in 0..<inputs.rows {
      for j in 0..<i {
        let rho = Double(products[i, j])
        let kappa0 = ShiftedReLU.kappa0(threshold: threshold, correlation: rho)
        variance += rho * rho * kappa0 * (1 - kappa0)
      }
    }
    variance /= Double(inputs.rows * (inputs.rows - 1) / 2)
    func predicted(_ width: Double) -> Double { (variance / (width / 2)).squareRoot() }

    var outcome = Outcome()
    var table = TextTable("m", "RMS error of an entry", "predicted", "ratio")
    var ratios: [Double] = []
    for place in squares.places {
      let root = place.mean.squareRoot()
      ratios.append(root / predicted(place.x))
      table.append(
        Format.count(Int(place.x)), Format.significant(root),
        Format.significant(predicted(place.x)), Format.fixed(ratios[ratios.count - 1], decimals: 3))
    }
    let interval = squares.exponentInterval
    outcome.table = table
    outcome.findings = [
      .value(
        "exponent of m", squares.exponent / 2,
        interval: interval.lowerBound / 2...interval.upperBound / 2, in: -0.53...(-0.47)),
      .value("constant over the predicted one, mean", Statistics.mean(ratios), in: 0.9...1.1),
    ]
    outcome.points = [squares.json]
    outcome.figures = [
      (
        "c5",
        LineChart(
          title: "Error of the tangent kernel", subtitle: "8 inputs, b = 1",
          x: ChartAxis("neurons m", scale: .powersOfTwo, labels: .powers),
          y: ChartAxis("RMS error of an entry", scale: .logarithmic, labels: .powers),
          series: [
            roots.series("measured"), .theory("predicted", widths.map(Double.init), predicted),
          ])
      )
    ]
    return outcome
  }
}
