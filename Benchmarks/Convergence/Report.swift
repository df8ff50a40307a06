// SPDX-License-Identifier: Apache-2.0
import Foundation
import Halfspace
import _HalfspaceReport

/// All experiments with what came out, as text, JSON and pictures.
struct Report {
  private(set) var sections: [(experiment: any Experiment, outcome: Outcome, seconds: Double)] = []

  mutating func append(_ experiment: any Experiment, _ outcome: Outcome, seconds: Double) {
    sections.append((experiment, outcome, seconds))
  }

  private static func fileName(_ figure: String) -> String { "convergence-\(figure).svg" }

  func text(machine: MachineFacts, isQuick: Bool) -> String {
    var text = """
      # Claims of the theory, measured

      \(machine.summary) · \(machine.date)\(isQuick ? " · a first look: few seeds, short runs" : "")

      What is trained and searched is what the package trains and searches with: networks of independent
      Gaussian rows in symmetric pairs, by `Trainer`. Intervals are 95 % bootstrap intervals over seeds.
      "As predicted" means inside the band that was written down before, for C1's limit and the ratios of C21
      after a first run, from formulas; everything else is reported as it is.

      \(overview)

      """
    for (experiment, outcome, seconds) in sections {
      text += "\n## \(experiment.id): \(experiment.title)\n\n\(experiment.protocolText)\n\n"
      if let table = outcome.table { text += "\(table)\n\n" }
      for figure in outcome.figures {
        text += "![\(figure.chart.title)](\(Self.fileName(figure.name)))\n\n"
      }
      for remark in outcome.remarks { text += "\(remark)\n\n" }
      text += "(\(Format.duration(seconds)))\n"
    }
    return text
  }

  /// Every finding in one table.
  private var overview: TextTable {
    var table = TextTable("claim", "quantity", "expected", "measured", "verdict")
    table.alignments = .init(repeating: .left, count: 5)
    for (experiment, outcome, _) in sections {
      for finding in outcome.findings {
        table.append(
          experiment.id, finding.quantity, finding.expected, finding.measured, finding.verdict)
      }
    }
    return table
  }

  func json(header: JSONObject) throws -> String {
    var json = header
    json["experiments"] = .array(
      sections.map { experiment, outcome, seconds in
        var object = JSONObject()
        object["id"] = .string(experiment.id)
        object["title"] = .string(experiment.title)
        object["seconds"] = .number(seconds)
        object["findings"] = .array(outcome.findings.map(\.json))
        object["remarks"] = .array(outcome.remarks.map { .string($0) })
        object["points"] = .array(outcome.points)
        return .object(object)
      })
    return try json.text() + "\n"
  }

  var pictures: [(name: String, text: String)] {
    sections.flatMap { section in
      section.outcome.figures.map { (Self.fileName($0.name), $0.chart.svg) }
    }
  }
}
