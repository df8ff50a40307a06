// SPDX-License-Identifier: Apache-2.0
import Halfspace
import _HalfspaceBenchmark
import _HalfspaceReport

/// What the curves show.
enum Summary {
  private static func mean(_ values: [Double]) -> Double {
    values.reduce(0, +) / Double(max(1, values.count))
  }

  private static func median(_ values: [Double]) -> Double { Timing(samples: values).median }

  private static func score(_ value: Double, _ problem: TableProblem) -> String {
    problem.isClassification
      ? Format.percent(value, decimals: 2) : Format.fixed(value, decimals: 4)
  }

  private static func methods(_ curves: [Curve]) -> [String] {
    var names: [String] = []
    for curve in curves where !names.contains(curve.method) { names.append(curve.method) }
    return names
  }

  /// Means over the seeds; times to a goal only where every seed reaches it.
  static func table(_ curves: [Curve], of problem: TableProblem) -> TextTable {
    var table = TextTable(
      columns: [
        "method", "settings", problem.isClassification ? "accuracy" : "R²", "seconds",
        "before steps",
      ] + problem.goals.map { "to \(score($0, problem))" }
        + ["one row alone", "in batch", "model"])
    for method in methods(curves) {
      let mine = curves.filter { $0.method == method }
      table.append(
        row: [
          method, mine[0].settings, score(mean(mine.map(\.final.score)), problem),
          Format.duration(median(mine.map(\.final.seconds))),
          Format.duration(median(mine.map(\.preparationSeconds))),
        ]
          + problem.goals.map { goal in
            let times = mine.compactMap { $0.seconds(to: goal) }
            return times.count == mine.count ? Format.duration(median(times)) : "–"
          }
          + [
            Format.duration(median(mine.map(\.predictionSeconds))),
            Format.duration(median(mine.map(\.batchPredictionSeconds))),
            mine[0].modelBytes.map { Format.bytes($0) } ?? "–",
          ])
    }
    return table
  }

  static func chart(_ curves: [Curve], of problem: TableProblem, subtitle: String) -> LineChart {
    // The first epochs would press the rest together.
    let floor = problem.isClassification ? (problem.goals[0] - 0.045) : problem.goals[0] - 0.1
    let measure = problem.isClassification ? "Test accuracy" : "R² on test rows"
    return LineChart(
      title: "\(measure) against training time, \(problem.name)", subtitle: subtitle,
      x: ChartAxis("seconds", scale: .logarithmic, labels: .duration),
      y: ChartAxis(measure.lowercased(), labels: problem.isClassification ? .percent : .plain),
      series: curves.map { curve in
        .init(
          curve.method,
          curve.points.filter { $0.score >= floor }.map { .init($0.seconds, $0.score) })
      }.filter { !$0.points.isEmpty })
  }

  static func csv(_ curves: [Curve]) -> String {
    var csv = CSVWriter(columns: ["problem", "method", "seed", "epoch", "seconds", "score"])
    for curve in curves {
      for (epoch, point) in curve.points.enumerated() {
        csv.append(
          [curve.problem, curve.method, curve.seed, epoch + 1, point.seconds, point.score]
            as [any CustomStringConvertible])
      }
    }
    return csv.text
  }

  static func goals(_ curves: [Curve]) -> [Goal] {
    var goals: [Goal] = []
    let letter = curves.filter { $0.problem == "letter" }
    let ours = letter.filter { $0.method == "Halfspace, \(Strategy.all[0].name)" }
    guard !ours.isEmpty else { return goals }
    goals.append(
      Goal(
        "letter: mean accuracy, \(ours.count) seeds", 100 * mean(ours.map(\.final.score)),
        atLeast: 97.2, unit: "%"))
    guard let svm = letter.first(where: { $0.method.contains("SVC") }) else { return goals }
    goals.append(
      Goal(
        "letter: training time against the SVM's",
        median(ours.map(\.final.seconds)) / svm.final.seconds, atMost: 0.5))
    goals.append(
      Goal(
        "letter: predictions per second against the SVM's",
        svm.predictionSeconds / median(ours.map(\.predictionSeconds)), atLeast: 100))
    return goals
  }
}
