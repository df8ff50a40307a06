// SPDX-License-Identifier: Apache-2.0
internal import Halfspace
internal import _HalfspaceReport

extension TuningOutcome {
  /// "R²" or "accuracy".
  private var measure: String {
    trials.first?.result.judgesClasses == true ? "accuracy" : "R²"
  }

  /// The settings, best first, with the last trial of each.
  var table: TextTable {
    var table = TextTable("settings", "round", "row visits", measure, "options of train")
    table.alignments = [.right, .right, .right, .right, .left]
    for trial in ranking {
      table.append(
        "\(trial.candidate)", "\(trial.rung)", Format.count(trial.result.rowVisits),
        Format.fixed(trial.result.score, decimals: 4),
        trial.result.settings.arguments.joined(separator: " "))
    }
    return table
  }

  /// What was gained.
  var sentence: String {
    guard let best else { return "No settings could be trained with." }
    let start = trials.last { $0.candidate == 1 && $0.rung == best.rung }
    let found = "\(measure) \(Format.fixed(best.result.score, decimals: 4))"
    let rows = Format.rows(best.result.rows)
    guard let start, start.candidate != best.candidate else {
      return "Best on \(rows) set apart: \(found), settings \(best.candidate)."
    }
    let first = Format.fixed(start.result.score, decimals: 4)
    return "Best on \(rows) set apart: \(found), settings \(best.candidate); the first, chosen "
      + "from the shape of the data alone, come to \(first)."
  }

  /// How the score of the settings that came to the last round grew.
  func chart(title: String) -> LineChart {
    let last = trials.map(\.rung).max() ?? 1
    let finalists = ranking.filter { $0.rung == last }.map(\.candidate)
    let series = finalists.map { candidate in
      LineChart.Series(
        "settings \(candidate)",
        trials.filter { $0.candidate == candidate }
          .map { LineChart.Point(Double($0.result.rowVisits), $0.result.score) })
    }
    return LineChart(
      title: title, subtitle: "settings that came to the last round",
      x: ChartAxis("rows trained on", scale: .logarithmic), y: ChartAxis(measure), series: series)
  }

  /// The report of `--report`.
  func report(command: String) -> JSONObject {
    var report = JSONObject()
    report["measure"] = .string(measure == "accuracy" ? "accuracy" : "r2")
    report["complete"] = .bool(isComplete)
    report["plan"] = .array(
      plan.rungs.map { rung in
        var object = JSONObject()
        object["settings"] = .integer(rung.count)
        object["rowVisits"] = .integer(rung.visits)
        return .object(object)
      })
    report["trials"] = .array(
      trials.map { trial in
        var object = JSONObject()
        object["settings"] = .integer(trial.candidate)
        object["round"] = .integer(trial.rung)
        object["score"] = .number(trial.result.score)
        object["rows"] = .integer(trial.result.rows)
        object["rowVisits"] = .integer(trial.result.rowVisits)
        object["options"] = .string(trial.result.settings.arguments.joined(separator: " "))
        return .object(object)
      })
    if let best {
      report["best.settings"] = .integer(best.candidate)
      report["best.score"] = .number(best.result.score)
    }
    report["command"] = .string(command)
    return report
  }
}
