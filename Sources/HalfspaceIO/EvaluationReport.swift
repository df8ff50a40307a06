// SPDX-License-Identifier: Apache-2.0

/// All that can be said about predictions on rows whose targets are known.
public enum EvaluationReport: Sendable, Equatable {
  /// The target is a class.
  case classification(ClassificationReport)
  /// The target is a number.
  case regression(RegressionReport)
  /// The target is a set of labels.
  case multiLabel(MultiLabelReport)

  /// The numbers that say most.
  public var summary: Evaluation {
    switch self {
    case .classification(let report):
      Evaluation(rows: report.rows, accuracy: report.accuracy)
    case .regression(let report):
      Evaluation(rows: report.rows, rmse: report.rmse, mae: report.mae, r2: report.r2)
    case .multiLabel(let report):
      Evaluation(
        rows: report.rows, microF1: report.micro.f1, precisionAt1: report.ranking[0].precision)
    }
  }
}
