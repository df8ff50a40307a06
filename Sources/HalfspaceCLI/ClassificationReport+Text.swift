// SPDX-License-Identifier: Apache-2.0
internal import Halfspace
internal import _HalfspaceReport

extension ClassificationReport {
  /// What there is to say beside the accuracy.
  var details: [String] {
    let averages = [
      logLoss.map { "log-loss \(Format.significant($0, digits: 4))" },
      auc.map {
        "ROC AUC \(Format.fixed($0, decimals: 4))"
          + (labels.count > 2 ? " (mean, one against the rest)" : "")
      },
      calibration.map { "calibration error \(Format.percent($0.expectedError))" },
    ]
    return top.map { "top \($0.k) \(Format.percent($0.accuracy))" } + averages.compactMap { $0 }
  }

  /// Classes, what they are taken for, and whether probabilities mean what they say.
  var tables: [TextTable] {
    [classTable] + (labels.count <= ReportText.rowLimit ? [confusionTable] : [])
      + [calibration.map { ReportText.reliabilityTable($0, "rows") }].compactMap { $0 }
  }

  private var classTable: TextTable {
    var table = ReportText.foundTable("class", labels, classes, aucs)
    ReportText.append("mean of classes", macro, auc, to: &table)
    ReportText.append("mean of rows", weighted, nil, to: &table)
    return table
  }

  private var confusionTable: TextTable {
    var table = TextTable(columns: ["class \\ predicted"] + labels)
    table.alignments = [.left] + labels.map { _ in .right }
    for label in labels.indices {
      table.append(row: [labels[label]] + confusion[label].map(Format.count))
    }
    return table
  }

  /// Adds all of it to a report for programs.
  func add(to object: inout JSONObject) {
    for top in top { object["test.top\(top.k)"] = .number(top.accuracy) }
    object["test.logLoss"] = logLoss.map { .number($0) }
    object["test.rocAUC"] = auc.map { .number($0) }
    object["test.calibrationError"] = calibration.map { .number($0.expectedError) }
    object["macro"] = .object(ReportText.json(macro))
    object["weighted"] = .object(ReportText.json(weighted))
    object["classes"] = ReportText.json(labels, classes, aucs)
    object["confusion"] = .array(confusion.map { .array($0.map { .integer($0) }) })
    object["reliability"] = calibration.map(ReportText.json)
  }
}
