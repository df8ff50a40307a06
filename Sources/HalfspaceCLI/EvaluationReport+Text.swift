// SPDX-License-Identifier: Apache-2.0
internal import Halfspace
internal import _HalfspaceReport

extension EvaluationReport {
  /// The result as a person reads it: a line that says most, then tables.
  var text: String {
    let first = "\(summary.sentence) on \(Format.rows(summary.rows))."
    switch self {
    case .regression: return first
    case .classification(let report):
      let details = report.details
      return
        ([first] + (details.isEmpty ? [] : [details])
        + report.tables.map { "\n\($0)" }).joined(separator: "\n")
    }
  }

  /// The result for programs.
  var json: JSONObject {
    var object = JSONObject()
    switch self {
    case .regression: object["task"] = .string(PredictionTask.regression.rawValue)
    case .classification: object["task"] = .string(PredictionTask.classification.rawValue)
    }
    object["rows.test"] = .integer(summary.rows)
    object.setErrors(summary)
    if case .classification(let report) = self { report.add(to: &object) }
    return object
  }
}

extension ClassificationReport {
  /// More classes than this and the tables by class are left to the report.
  private static let classLimit = 30

  fileprivate var details: String {
    let averages = [
      logLoss.map { "log-loss \(Format.significant($0, digits: 4))" },
      auc.map {
        "ROC AUC \(Format.fixed($0, decimals: 4))"
          + (labels.count > 2 ? " (mean, one against the rest)" : "")
      },
      calibration.map { "calibration error \(Format.percent($0.expectedError))" },
    ]
    let parts =
      top.map { "top \($0.k) \(Format.percent($0.accuracy))" } + averages.compactMap { $0 }
    guard let head = parts.first else { return "" }
    return head.prefix(1).uppercased() + head.dropFirst()
      + parts.dropFirst().map { ", \($0)" }.joined() + "."
  }

  fileprivate var tables: [String] {
    var tables: [TextTable] = []
    tables.append(classTable)
    if labels.count <= Self.classLimit { tables.append(confusionTable) }
    if let calibration { tables.append(Self.reliabilityTable(calibration)) }
    return tables.map(\.description)
  }

  private var classTable: TextTable {
    var table = TextTable("class", "precision", "recall", "F1", "ROC AUC", "rows")
    table.alignments[0] = .left
    func append(_ name: String, _ values: PrecisionRecall, _ auc: Double?) {
      table.append(
        name, Format.fixed(values.precision, decimals: 4), Format.fixed(values.recall, decimals: 4),
        Format.fixed(values.f1, decimals: 4), auc.map { Format.fixed($0, decimals: 4) } ?? "-",
        Format.count(values.rows))
    }
    if labels.count <= Self.classLimit {
      for label in labels.indices { append(labels[label], classes[label], aucs[label]) }
    }
    append("mean of classes", macro, auc)
    append("mean of rows", weighted, nil)
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

  private static func reliabilityTable(_ calibration: Calibration) -> TextTable {
    var table = TextTable("predicted with", "rows", "mean", "right")
    table.alignments[0] = .left
    for bin in calibration.bins where bin.rows > 0 {
      table.append(
        "\(Format.percent(bin.lower, decimals: 0)) to \(Format.percent(bin.upper, decimals: 0))",
        Format.count(bin.rows), Format.percent(bin.confidence), Format.percent(bin.accuracy))
    }
    return table
  }

  fileprivate func add(to object: inout JSONObject) {
    for top in top { object["test.top\(top.k)"] = .number(top.accuracy) }
    object["test.logLoss"] = logLoss.map { .number($0) }
    object["test.rocAUC"] = auc.map { .number($0) }
    object["test.calibrationError"] = calibration.map { .number($0.expectedError) }
    object["macro"] = .object(Self.json(macro))
    object["weighted"] = .object(Self.json(weighted))
    object["classes"] = .array(
      labels.indices.map { label in
        var member = JSONObject()
        member["label"] = .string(labels[label])
        for item in Self.json(classes[label]).members { member[key: item.key] = item.value }
        member["rocAUC"] = aucs[label].map { .number($0) } ?? .null
        return .object(member)
      })
    object["confusion"] = .array(confusion.map { .array($0.map { .integer($0) }) })
    guard let calibration else { return }
    object["reliability"] = .array(
      calibration.bins.map { bin in
        [
          "lower": .number(bin.lower), "upper": .number(bin.upper), "rows": .integer(bin.rows),
          "confidence": .number(bin.confidence), "accuracy": .number(bin.accuracy),
        ]
      })
  }

  private static func json(_ values: PrecisionRecall) -> JSONObject {
    var object = JSONObject()
    object["precision"] = .number(values.precision)
    object["recall"] = .number(values.recall)
    object["f1"] = .number(values.f1)
    object["rows"] = .integer(values.rows)
    return object
  }
}
