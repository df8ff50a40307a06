// SPDX-License-Identifier: Apache-2.0
//
// How far is the firing kernel of a product grid from that of infinitely many rows, and what does
// theory say? Prints markdown.
//
//   GridError [seeds]
//
// The kernel is the share of rows that fire on both of two queries. Its relative error is the root
// mean square over pairs of unit queries of a given correlation and over seeds.
import Foundation
import Halfspace
import _HalfspaceReport

let seeds = CommandLine.arguments.count > 1 ? Int(CommandLine.arguments[1]) ?? 20 : 20
let (m, d, pairs) = (1 << 16, 128, 64)
let firings = 64.0
let threshold = GaussianTail.threshold(forProbability: firings / Double(m))
let correlations = [1, 0.9, 0.7]

/// `pairs` pairs of unit vectors: rows 2 p and 2 p + 1.
func queries(correlation: Double) -> Matrix {
  let directions = IndependentGaussian(count: 2 * pairs, dimension: d, seed: 0xFACE)
  let result = Matrix(rows: 2 * pairs, columns: d)
  for r in 0..<2 * pairs { unsafe directions.copyRow(r, to: result.row(r)) }
  func unit(_ x: [Double]) -> [Double] {
    let norm = x.reduce(0) { $0 + $1 * $1 }.squareRoot()
    return x.map { $0 / norm }
  }
  for p in 0..<pairs {
    let x = unit(result.rowArray(2 * p).map(Double.init))
    let other = result.rowArray(2 * p + 1).map(Double.init)
    let along = zip(x, other).reduce(0) { $0 + $1.0 * $1.1 }
    let across = unit(zip(other, x).map { $0 - along * $1 })
    let sine = (1 - correlation * correlation).squareRoot()
    result.setRow(2 * p, to: x.map(Float.init))
    result.setRow(2 * p + 1, to: zip(x, across).map { Float(correlation * $0 + sine * $1) })
  }
  return result
}

/// The mean of the squared differences between the shares of rows that fire on both queries of a
/// pair and `kappa`.
func squaredError(_ rows: any InitialWeights, _ queries: Matrix, kappa: Double) -> Double {
  var report = InitialReport()
  var work = IndexStatistics()
  rows.report(
    queries: queries, rows: 0..<queries.rows, above: Float(threshold), threads: 1, into: &report,
    statistics: &work)
  return (0..<pairs).reduce(0.0) { sum, p in
    let both = Set(report.neurons(of: 2 * p)).intersection(report.neurons(of: 2 * p + 1))
    let difference = Double(both.count) / Double(m) - kappa
    return sum + difference * difference / Double(pairs)
  }
}

let kinds: [(name: String, groups: Int, parts: Int)] =
  [1, 2, 4, 8, 16, 32, 64, 128, 256].map { ("G = \($0)", $0, 2) }
  + [16, 64, 256].map { ("G = \($0), three parts", $0, 3) } + [("independent", 0, 0)]
let variances = correlations.map { Variance(threshold: threshold, correlation: $0) }
let inputs = correlations.map { queries(correlation: $0) }
var table = TextTable(
  columns: ["rows", "inner products"]
    + correlations.flatMap { ["error, correlation \(Format.significant($0))", "predicted"] })
for kind in kinds {
  var errors = correlations.map { _ in 0.0 }
  var work = IndexStatistics()
  for seed in 0..<seeds {
    let rows: any InitialWeights =
      kind.groups == 0
      ? IndependentGaussian(count: m, dimension: d, seed: UInt64(seed))
      : ProductGrid(
        count: m, dimension: d, seed: UInt64(seed), groups: kind.groups, parts: kind.parts)
    for k in correlations.indices {
      errors[k] += squaredError(rows, inputs[k], kappa: variances[k].kappa) / Double(seeds)
    }
    if seed == 0 {
      var report = InitialReport()
      rows.report(
        queries: inputs[0], rows: 0..<1, above: Float(threshold), threads: 1, into: &report,
        statistics: &work)
    }
  }
  table.append(
    row: [kind.name, Format.count(work.innerProducts - work.rechecked)]
      + correlations.indices.flatMap { k in
        let variance = variances[k]
        let predicted =
          kind.groups == 0
          ? variance.independent / Double(m)
          : variance.ofGrid(rows: m, groups: kind.groups, parts: kind.parts)
        return [errors[k], predicted].map {
          Format.percent($0.squareRoot() / variance.kappa, decimals: 1)
        }
      })
}
print(
  """
  \(Format.count(m)) rows of \(d) coordinates, \(Int(firings)) of which fire on a unit query; \(pairs) \
  pairs of queries, \(seeds) seeds. Relative error of the share of rows that fire on both, root mean \
  square, beside the prediction of Hoeffding's decomposition. (Correlation 1: one and the same query.)

  \(table)

  """)

// What the default is past 2^26 rows, by the prediction alone.
var wide = TextTable(
  columns: ["rows", "grid", "inner products", "error, correlation 1", "correlation 0.9"])
for exponent in [26, 30] {
  let m = 1 << exponent
  let threshold = GaussianTail.threshold(forProbability: firings / Double(m))
  let variances = [1, 0.9].map { Variance(threshold: threshold, correlation: $0) }
  for (groups, parts) in [(64, 2), (64, 3), (256, 3), (0, 0)] {
    let s = pow(Double(m) / Double(max(1, groups)), 1 / Double(max(1, parts)))
    let products = groups == 0 ? Double(m) : Double(groups * parts) * s
    wide.append(
      row: [
        "2^\(exponent)",
        groups == 0 ? "independent" : "G = \(groups), \(parts == 3 ? "three" : "two") parts",
        Format.count(Int(products)),
      ]
        + variances.map { variance in
          let value =
            groups == 0
            ? variance.independent / Double(m)
            : variance.ofGrid(rows: m, groups: groups, parts: parts)
          return Format.percent(value.squareRoot() / variance.kappa, decimals: 1)
        })
  }
}
print("Predicted for very wide networks:\n\n\(wide)")
