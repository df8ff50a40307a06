// SPDX-License-Identifier: Apache-2.0
internal import Halfspace
internal import _HalfspaceReport

/// The class of `--positive-class`: how well it is told from all others.
struct PositiveClass {
  private let label: String
  private let values: PrecisionRecall
  private let auc: Double?

  /// What a report says of the class; nil when it is not of classes.
  init?(_ label: String, in report: EvaluationReport) {
    guard case .classification(let report) = report,
      let number = report.labels.firstIndex(of: label)
    else { return nil }
    self.label = label
    values = report.classes[number]
    auc = report.aucs[number]
  }

  /// - Throws: `ModelFileError` when the model in `file` does not know the class.
  static func check(_ label: String, of model: TabularModel, in file: String) throws {
    guard model.target.task == .classification else {
      throw ModelFileError(file: file, reason: .noClasses(task: model.target.task))
    }
    guard model.target.labels.contains(label) else {
      throw ModelFileError(file: file, reason: .unknownClass(label, known: model.target.labels))
    }
  }

  /// The result in one sentence.
  var sentence: String {
    "Class \(label) against the rest: precision \(Format.fixed(values.precision, decimals: 4)), "
      + "recall \(Format.fixed(values.recall, decimals: 4)), "
      + "F1 \(Format.fixed(values.f1, decimals: 4)), "
      + "ROC AUC \(auc.map { Format.fixed($0, decimals: 4) } ?? "-") "
      + "(\(Format.rows(values.rows, "positive ")))."
  }

  /// The result for programs.
  var json: JSONObject {
    var object = ReportText.json(values)
    object["label"] = .string(label)
    object["rocAUC"] = auc.map { .number($0) } ?? .null
    return object
  }
}
