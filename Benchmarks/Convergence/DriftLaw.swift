// SPDX-License-Identifier: Apache-2.0
import Foundation
import Halfspace
import _HalfspaceReport

/// C13.
struct DriftLaw: Experiment {
  let id = "C13"
  let title = "Rows move by M / (B sqrt(m)), whatever the number of steps"
  let protocolText = """
    Runs as in C7 around m = 2^12, M = 2, B = 1, T = 2^12, b = 1, 8 inputs, one of these changed at a time; \
    then the inputs at b = 2, and at b = 2 targets of a single kernel function, which all rows that fire on \
    one point share. Distance of rows from where they started at the end of the run: mean over all neurons, \
    and the largest, against the forecast for the furthest row, which is the margin of a static index: (1 \
    + sqrt 2) M / (B sqrt m) sqrt(p / Q(b)), with p = exp(-b² / (2 s²)) / 2 and s = 1 + sqrt(2 ln(q) / d) \
    for the share of inputs on which a row fires at most.
    """

  private struct Case: Sendable {
    var varied: String
    var place: Double
    var norm = 2.0
    var terms = 10
    var settings: TeacherRun.Settings
  }

  /// Drifts of all seeds of a case, in units of `M / (B sqrt m)`.
  private struct Result {
    var one: Case
    var unit: Double
    var means: [Double]
    var largest: [Double]

    var forecast: Double { one.settings.forecast(norm: one.norm).largest / unit }
    var furthest: Double { largest.max() ?? 0 }
  }

  /// What the mean is judged for, with the band of its exponent.
  private static let bands: [(name: String, band: ClosedRange<Double>)] = [
    ("m", -0.55...(-0.45)), ("M", 0.9...1.1), ("B", -1.1...(-0.9)), ("T", -0.07...0.07),
  ]
  private static let singles = "d, b = 2, one kernel function"

  func run(_ setup: Setup) throws -> Outcome {
    let cases = Self.cases(quick: setup.isQuick)
    let jobs = cases.indices.flatMap { k in setup.seeds(6, quick: 3).map { (k: k, seed: $0) } }
    let drifts = try jobs.concurrentMap(threads: setup.threads) { job in
      let one = cases[job.k]
      var settings = one.settings
      settings.seed = job.seed
      let run = try TeacherRun(
        .expansion(
          threshold: settings.threshold, dimension: settings.dimension, norm: one.norm,
          terms: one.terms, seed: job.seed), settings)
      run.advance(to: settings.steps)
      return run.drift
    }
    let results = cases.indices.map { k in
      let here = zip(jobs, drifts).filter { $0.0.k == k }.map(\.1)
      let unit = cases[k].settings.drift(norm: cases[k].norm)
      return Result(
        one: cases[k], unit: unit, means: here.map { $0.mean / unit },
        largest: here.map { $0.largest / unit })
    }
    var outcome = Outcome()
    outcome.table = Self.table(results)
    for (name, band) in Self.bands {
      let scaling = Self.scaling(results, name) { $0.means }
      outcome.findings.append(scaling.finding("exponent of \(name), mean drift", in: band))
      outcome.points.append(scaling.json)
    }
    let judged = results.filter { one in Self.bands.contains { $0.name == one.one.varied } }
    let means = judged.map { Statistics.mean($0.means) }
    let several = results.filter { $0.one.varied != Self.singles }
    let single = results.filter { $0.one.varied == Self.singles }
    func share(_ results: [Result]) -> Double {
      results.map { $0.furthest / $0.forecast }.max() ?? 0
    }
    outcome.findings += [
      .value("smallest mean drift over M / (B sqrt m)", means.min() ?? 0, in: 0.65...1.05),
      .value("largest mean drift over M / (B sqrt m)", means.max() ?? 0, in: 0.65...1.05),
      .value(
        "largest drift of any row at b = 1 and 8 inputs, in the same unit",
        judged.map(\.furthest).max() ?? 0, atMost: 4),
      .value(
        "largest drift of any row over its forecast, \(several.count) cases", share(several),
        atMost: 1),
      .value(
        "the same for targets of one kernel function, \(single.count) cases", share(single),
        atMost: 1),
    ]
    outcome.remarks = [
      """
      The forecast takes the square of a displacement to be in proportion to firings. A single kernel \
      function is the case against it: all rows that fire on its center take the same share of it, M / (B \
      sqrt(m Q)), however often they fire elsewhere.
      """
    ]
    outcome.figures = [("c13", Self.widthChart(results)), ("c13-b", Self.thresholdChart(results))]
    return outcome
  }

  /// What was varied under a name, in absolute units.
  private static func scaling(
    _ results: [Result], _ name: String, _ values: (Result) -> [Double]
  ) -> Scaling {
    Scaling(
      results.filter { $0.one.varied == name }.flatMap { result in
        values(result).map { (result.one.place, $0 * result.unit) }
      })
  }

  private static func table(_ results: [Result]) -> TextTable {
    var table = TextTable(
      "varied", "value", "M / (B sqrt m)", "mean", "in that unit", "largest, mean", "of all seeds",
      "forecast", "share")
    for result in results {
      table.append(
        result.one.varied, Format.significant(result.one.place), Format.significant(result.unit),
        Format.significant(result.unit * Statistics.mean(result.means)),
        Format.fixed(Statistics.mean(result.means), decimals: 2),
        Format.fixed(Statistics.mean(result.largest), decimals: 2),
        Format.fixed(result.furthest, decimals: 2), Format.fixed(result.forecast, decimals: 2),
        Format.fixed(result.furthest / result.forecast, decimals: 2))
    }
    return table
  }

  private static func widthChart(_ results: [Result]) -> LineChart {
    let chosen = results.filter { $0.one.varied == "m" }
    let widths = chosen.map(\.one.place).sorted()
    let margins = Dictionary(
      uniqueKeysWithValues: chosen.map { ($0.one.place, $0.forecast * $0.unit) })
    return LineChart(
      title: "Drift of rows", subtitle: "8 inputs, b = 1, M = 2, B = 1",
      x: ChartAxis("neurons m", scale: .powersOfTwo, labels: .powers),
      y: ChartAxis("distance from the start", scale: .logarithmic, labels: .powers),
      series: [
        scaling(results, "m") { $0.means }.series("mean"),
        scaling(results, "m") { $0.largest }.series("largest"),
        .theory("M / sqrt(m)", widths) { 2 / $0.squareRoot() },
        .theory("forecast of the largest", widths) { margins[$0]! },
      ])
  }

  private static func thresholdChart(_ results: [Result]) -> LineChart {
    let chosen = results.filter { $0.one.varied == "b" }
    func scaling(_ values: (Result) -> [Double]) -> Scaling {
      Scaling(chosen.flatMap { result in values(result).map { (result.one.place, $0) } })
    }
    return LineChart(
      title: "Drift of rows and the threshold", subtitle: "8 inputs, m = 4,096, M = 2, B = 1",
      x: ChartAxis("threshold b"),
      y: ChartAxis("distance / (M / sqrt(m))", scale: .logarithmic),
      series: [
        scaling(\.means).series("mean"), scaling(\.largest).series("largest"),
        .theory("forecast of the largest", stride(from: 0, through: 3, by: 0.1).map { $0 }) { b in
          var settings = chosen[0].one.settings
          settings.threshold = b
          return settings.forecast(norm: 2).largest / settings.drift(norm: 2)
        },
      ])
  }

  private static func cases(quick: Bool) -> [Case] {
    var base = TeacherRun.Settings()
    base.width = 1 << 12
    base.steps = 1 << 12
    var cases: [Case] = []
    func add(
      _ varied: String, _ place: Double, norm: Double = 2, terms: Int = 10,
      _ change: (inout TeacherRun.Settings) -> Void
    ) {
      var settings = base
      change(&settings)
      cases.append(
        Case(varied: varied, place: place, norm: norm, terms: terms, settings: settings))
    }
    for exponent in quick ? [14, 12, 10] : [16, 14, 12, 10] {
      add("m", Double(1 << exponent)) { $0.width = 1 << exponent }
    }
    for exponent in quick ? [14, 12, 10] : [16, 14, 12, 10] {
      add("T", Double(1 << exponent)) { $0.steps = 1 << exponent }
    }
    for norm in [1.0, 2, 4, 8] { add("M", norm, norm: norm) { _ in } }
    for scale in [0.5, 1, 4, 16] { add("B", scale) { $0.outputScale = scale } }
    for b in [0, 0.5, 1, 1.5, 2, 2.5, 3] { add("b", b) { $0.threshold = b } }
    for d in [2, 4, 8, 16, 64] {
      add("d, b = 2", Double(d)) { ($0.dimension, $0.threshold) = (d, 2) }
    }
    for d in [2, 4, 8, 16] {
      add(singles, Double(d), terms: 1) { ($0.dimension, $0.threshold) = (d, 2) }
    }
    return cases
  }
}
