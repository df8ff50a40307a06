// SPDX-License-Identifier: Apache-2.0
internal import Halfspace
internal import _HalfspaceReport

extension Evaluation {
  /// "Accuracy 97.2 %", the errors of regression, or how well labels are chosen.
  var sentence: String {
    if let accuracy { return "Accuracy \(Format.percent(accuracy))" }
    if let microF1, let precisionAt1 {
      return "Micro F1 \(Format.fixed(microF1, decimals: 4)), "
        + "precision@1 \(Format.percent(precisionAt1))"
    }
    return [
      r2.map { "R² \(Format.fixed($0, decimals: 4))" },
      rmse.map { "RMSE \(Format.significant($0, digits: 4))" },
      mae.map { "MAE \(Format.significant($0, digits: 4))" },
    ].compactMap { $0 }.joined(separator: ", ")
  }
}

extension JSONObject {
  /// Sets what `evaluation` holds under `test`.
  mutating func setErrors(_ evaluation: Evaluation) {
    self["test.accuracy"] = evaluation.accuracy.map { .number($0) }
    self["test.rmse"] = evaluation.rmse.map { .number($0) }
    self["test.mae"] = evaluation.mae.map { .number($0) }
    self["test.r2"] = evaluation.r2.map { .number($0) }
    self["test.microF1"] = evaluation.microF1.map { .number($0) }
    self["test.precisionAt1"] = evaluation.precisionAt1.map { .number($0) }
  }
}

extension Format {
  /// "1 row", "16,000 held-out rows".
  static func rows(_ count: Int, _ kind: String = "") -> String {
    "\(Format.count(count)) \(kind)row\(count == 1 ? "" : "s")"
  }
}
