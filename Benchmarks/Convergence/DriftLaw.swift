// SPDX-License-Identifier: Apache-2.0
import Foundation
import Halfspace
import _HalfspaceReport

/// C13.
struct DriftLaw: Experiment {
  let id = "C13"
  let title = "Rows move by M / (B sqrt(m)), whatever the number of steps"
  let protocolText = """
    Runs as in C7 around m = 2^12, M = 2, B = 1, T = 2^12, one of the four changed at a time. Distance of \
    rows from where they started at the end of the run: mean over all neurons, and the largest.
    """

  private struct Case: Sendable {
    var varied: String
    var place: Double
    var norm = 2.0
    var settings: TeacherRun.Settings
  }

  func run(_ setup: Setup) throws -> Outcome {
    let cases = Self.cases(quick: setup.isQuick)
    let jobs = cases.indices.flatMap { k in setup.seeds(6, quick: 3).map { (k: k, seed: $0) } }
    let drifts = try jobs.concurrentMap(threads: setup.threads) { job in
      let one = cases[job.k]
      var settings = one.settings
      settings.seed = job.seed
      let run = try TeacherRun(
        .expansion(threshold: 1, dimension: 8, norm: one.norm, seed: job.seed), settings)
      run.advance(to: settings.steps)
      return run.drift
    }
    var outcome = Outcome()
    var table = TextTable(
      "varied", "value", "M / (B sqrt m)", "mean", "in that unit", "largest", "in that unit")
    let bands: [(name: String, band: ClosedRange<Double>)] = [
      ("m", -0.55...(-0.45)), ("M", 0.9...1.1), ("B", -1.1...(-0.9)), ("T", -0.07...0.07),
    ]
    var means: [Double] = []
    var largest = 0.0
    var series: [LineChart.Series] = []
    for (name, band) in bands {
      var scalings: [Scaling] = []
      for isLargest in [false, true] {
        scalings.append(
          Scaling(
            zip(jobs, drifts).filter { cases[$0.0.k].varied == name }.map {
              (cases[$0.0.k].place, isLargest ? $0.1.largest : $0.1.mean)
            }))
      }
      outcome.findings.append(scalings[0].finding("exponent of \(name), mean drift", in: band))
      for (place, extreme) in zip(scalings[0].places, scalings[1].places) {
        let here = cases.first { $0.varied == name && $0.place == place.x }!
        let unit = here.settings.drift(norm: here.norm)
        means.append(place.mean / unit)
        largest = max(largest, (extreme.values.max() ?? 0) / unit)
        table.append(
          name, Format.significant(place.x), Format.significant(unit),
          Format.significant(place.mean), Format.fixed(place.mean / unit, decimals: 2),
          Format.significant(extreme.mean), Format.fixed(extreme.mean / unit, decimals: 2))
      }
      outcome.points.append(scalings[0].json)
      if name == "m" {
        series.append(scalings[0].series("mean"))
        series.append(scalings[1].series("largest"))
      }
    }
    outcome.table = table
    outcome.findings += [
      .value(
        "smallest mean drift over M / (B sqrt m)", means.min() ?? 0, in: 0.65...1.05),
      .value("largest mean drift over M / (B sqrt m)", means.max() ?? 0, in: 0.65...1.05),
      .value("largest drift of any row, in the same unit", largest, atMost: 4),
    ]
    let widths = series[0].points.map(\.x)
    series.append(.theory("M / sqrt(m)", widths) { 2 / $0.squareRoot() })
    series.append(.theory("margin 4 M / sqrt(m)", widths) { 8 / $0.squareRoot() })
    outcome.figures = [
      (
        "c13",
        LineChart(
          title: "Drift of rows", subtitle: "8 inputs, b = 1, M = 2, B = 1",
          x: ChartAxis("neurons m", scale: .powersOfTwo, labels: .powers),
          y: ChartAxis("distance from the start", scale: .logarithmic, labels: .powers),
          series: series)
      )
    ]
    return outcome
  }

  private static func cases(quick: Bool) -> [Case] {
    var base = TeacherRun.Settings()
    base.width = 1 << 12
    base.steps = 1 << 12
    var cases: [Case] = []
    for exponent in quick ? [14, 12, 10] : [16, 14, 12, 10] {
      var settings = base
      settings.width = 1 << exponent
      cases.append(Case(varied: "m", place: Double(settings.width), settings: settings))
    }
    for exponent in quick ? [14, 12, 10] : [16, 14, 12, 10] {
      var settings = base
      settings.steps = 1 << exponent
      cases.append(Case(varied: "T", place: Double(settings.steps), settings: settings))
    }
    for norm in [1.0, 2, 4, 8] {
      cases.append(Case(varied: "M", place: norm, norm: norm, settings: base))
    }
    for scale in [0.5, 1, 4, 16] {
      var settings = base
      settings.outputScale = scale
      cases.append(Case(varied: "B", place: scale, settings: settings))
    }
    return cases
  }
}
