// SPDX-License-Identifier: Apache-2.0
internal import Halfspace
internal import _HalfspaceReport

extension EvaluationReport {
  /// The result as a person reads it: a line that says most, then tables.
  var text: String {
    let first = "\(summary.sentence) on \(Format.rows(summary.rows))."
    switch self {
    case .regression: return first
    case .classification(let report): return Self.text(first, report.details, report.tables)
    case .multiLabel(let report): return Self.text(first, report.details, report.tables)
    }
  }

  private static func text(_ first: String, _ details: [String], _ tables: [TextTable]) -> String {
    let rest = details.joined(separator: ", ")
    let sentence = rest.isEmpty ? [] : [rest.prefix(1).uppercased() + rest.dropFirst() + "."]
    return ([first] + sentence + tables.map { "\n\($0.description)" }).joined(separator: "\n")
  }

  /// The result for programs.
  var json: JSONObject {
    var object = JSONObject()
    object["task"] = .string(task.rawValue)
    object["rows.test"] = .integer(summary.rows)
    object.setErrors(summary)
    switch self {
    case .regression: break
    case .classification(let report): report.add(to: &object)
    case .multiLabel(let report): report.add(to: &object)
    }
    return object
  }

  private var task: PredictionTask {
    switch self {
    case .regression: .regression
    case .classification: .classification
    case .multiLabel: .multiLabel
    }
  }
}

// MARK: Parts of reports

/// What reports of classes and of labels have in common.
enum ReportText {
  /// More classes or labels than this and the tables of them are left to `--report`.
  static let rowLimit = 30

  /// A table of what is found, one row for each class or label if they are not too many.
  static func foundTable(
    _ what: String, _ labels: [String], _ values: [PrecisionRecall], _ aucs: [Double?]
  ) -> TextTable {
    var table = TextTable(what, "precision", "recall", "F1", "ROC AUC", "rows")
    table.alignments[0] = .left
    guard labels.count <= rowLimit else { return table }
    for label in labels.indices {
      append(labels[label], values[label], aucs[label], to: &table)
    }
    return table
  }

  static func append(
    _ name: String, _ values: PrecisionRecall, _ auc: Double?, to table: inout TextTable
  ) {
    table.append(
      name, Format.fixed(values.precision, decimals: 4), Format.fixed(values.recall, decimals: 4),
      Format.fixed(values.f1, decimals: 4), auc.map { Format.fixed($0, decimals: 4) } ?? "-",
      Format.count(values.rows))
  }

  static func reliabilityTable(_ calibration: Calibration, _ rows: String) -> TextTable {
    var table = TextTable("predicted with", rows, "mean", "right")
    table.alignments[0] = .left
    for bin in calibration.bins where bin.rows > 0 {
      table.append(
        "\(Format.percent(bin.lower, decimals: 0)) to \(Format.percent(bin.upper, decimals: 0))",
        Format.count(bin.rows), Format.percent(bin.confidence), Format.percent(bin.accuracy))
    }
    return table
  }

  static func json(_ values: PrecisionRecall) -> JSONObject {
    var object = JSONObject()
    object["precision"] = .number(values.precision)
    object["recall"] = .number(values.recall)
    object["f1"] = .number(values.f1)
    object["rows"] = .integer(values.rows)
    return object
  }

  /// One object for each class or label.
  static func json(
    _ labels: [String], _ values: [PrecisionRecall], _ aucs: [Double?]
  ) -> JSONValue {
    .array(
      labels.indices.map { label in
        var member = JSONObject()
        member["label"] = .string(labels[label])
        for item in json(values[label]).members { member[key: item.key] = item.value }
        member["rocAUC"] = aucs[label].map { .number($0) } ?? .null
        return .object(member)
      })
  }

  static func json(_ calibration: Calibration) -> JSONValue {
    .array(
      calibration.bins.map { bin in
        [
          "lower": .number(bin.lower), "upper": .number(bin.upper), "rows": .integer(bin.rows),
          "confidence": .number(bin.confidence), "accuracy": .number(bin.accuracy),
        ]
      })
  }
}
