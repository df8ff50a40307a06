// SPDX-License-Identifier: Apache-2.0
import Foundation
import Halfspace
import _HalfspaceReport

/// C10.
struct WidthLaw: Experiment {
  let id = "C10"
  let title = "Width grows like M² lambda / epsilon²"
  let protocolText = """
    The constructed solution V*_r = a_r g(w_r) / sqrt(m) over the rows of initial networks of 2^8 to \
    2^14 pairs, b = 1, M = 4: root mean square of f_V* - f* on 400 unit inputs. Its square times q is \
    predicted to be M² lambda times a factor between 0.05 and 0.5 (1 is the bound), and lambda is 1/d.
    """

  func run(_ setup: Setup) throws -> Outcome {
    let norm = 4.0
    let dimensions = [4, 8, 16, 64]
    let pairs = (setup.isQuick ? [8, 10, 12] : [8, 10, 12, 14]).map { 1 << $0 }
    let jobs = pairs.reversed().flatMap { pairs in
      dimensions.flatMap { dimension in
        setup.seeds(10, quick: 5).map { (pairs: pairs, dimension: dimension, seed: $0) }
      }
    }
    let squares = try jobs.concurrentMap(threads: setup.threads) { job in
      Self.meanSquare(
        pairs: job.pairs, dimension: job.dimension, norm: norm, seed: job.seed)
    }
    var outcome = Outcome()
    var table = TextTable("inputs d", "pairs q", "RMS error", "RMS² q d / M²")
    var series: [LineChart.Series] = []
    var factors: [(x: Double, value: Double)] = []
    for dimension in dimensions {
      let chosen = zip(jobs, squares).filter { $0.0.dimension == dimension }
      let scaling = Scaling(chosen.map { (Double($0.0.pairs), $0.1) })
      let interval = scaling.exponentInterval
      outcome.findings.append(
        .value(
          "exponent of q at d = \(dimension)", scaling.exponent / 2,
          interval: interval.lowerBound / 2...interval.upperBound / 2, in: -0.55...(-0.45)))
      for place in scaling.places {
        table.append(
          "\(dimension)", Format.count(Int(place.x)), Format.significant(place.mean.squareRoot()),
          Format.fixed(place.mean * place.x * Double(dimension) / (norm * norm), decimals: 3))
      }
      factors += chosen.map { (Double(dimension), $0.1 * Double($0.0.pairs) / (norm * norm)) }
      series.append(
        Scaling(chosen.map { (Double($0.0.pairs), $0.1.squareRoot()) }).series(
          "\(dimension) inputs"))
      if dimension == dimensions.first || dimension == dimensions.last {
        series.append(
          .theory("bound, \(dimension) inputs", pairs.map(Double.init)) {
            norm / (Double(dimension) * $0).squareRoot()
          })
      }
      outcome.points.append(scaling.json)
    }
    let factor = Scaling(factors)
    for place in factor.places {
      outcome.findings.append(
        .value(
          "RMS² q / (M² lambda) at d = \(Int(place.x))", place.mean * place.x, in: 0.05...0.5))
    }
    outcome.findings.append(
      factor.finding("exponent of d in RMS² q / M²", in: -1.3...(-0.8)))
    outcome.table = table
    outcome.figures = [
      (
        "c10",
        LineChart(
          title: "Error of the constructed solution", subtitle: "b = 1, M = 4",
          x: ChartAxis("pairs q", scale: .powersOfTwo, labels: .powers),
          y: ChartAxis("RMS of f_V* - f*", scale: .logarithmic, labels: .powers), series: series)
      )
    ]
    return outcome
  }

  /// Mean over inputs of `(f_V* - f*)²`.
  private static func meanSquare(
    pairs: Int, dimension: Int, norm: Double, seed: UInt64
  ) -> Double {
    let function = KernelExpansion.random(
      kernel: ShiftedReLUKernel(threshold: 1), terms: 10, dimension: dimension, norm: norm,
      seed: seed)
    let rows = IndependentGaussian(count: pairs, dimension: dimension, seed: seed &+ 1)
    let inputs = UnitSphere.points(400, dimension: dimension, seed: seed &+ 2)
    let (weights, displacements) = (
      Matrix(rows: pairs, columns: dimension), Matrix(rows: pairs, columns: dimension)
    )
    for r in 0..<pairs {
      unsafe rows.copyRow(r, to: weights.row(r))
      displacements.setRow(r, to: function.displacement(at: weights.rowArray(r)).map { Float($0) })
    }
    // Both members of a pair add <a V*, x> a / sqrt(m): their squares of signs are 1.
    var index = BruteForceIndex(weights)
    var report = FiringReport()
    index.report(queries: inputs, above: 1, into: &report)
    let truth = function.values(at: inputs)
    let products = inputs.canonicalProduct(with: displacements)
    var sum = 0.0
    for query in 0..<inputs.rows {
      let value = report.neurons(of: query).reduce(0.0) { $0 + Double(products[query, Int($1)]) }
      let error = value / Double(pairs) - truth[query]
      sum += error * error
    }
    return sum / Double(inputs.rows)
  }
}
