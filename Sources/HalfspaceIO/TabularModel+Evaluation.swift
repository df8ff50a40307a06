// SPDX-License-Identifier: Apache-2.0
internal import Foundation
public import HalfspaceLinalg
internal import HalfspaceNN

extension TabularModel {
  /// Whether the network was trained with a loss whose outputs are probabilities in disguise.
  public var givesProbabilities: Bool {
    switch record.training.loss {
    case .softmaxCrossEntropy, .oneVersusRestLogistic, .logistic: target.task != .regression
    case .squared, .absolute, .huber, .hinge: false
    }
  }

  /// Probabilities of the classes `[n, C]` from network outputs as `scores(for:)` gives them; nil
  /// when the loss has none.
  ///
  /// Softmax for the softmax loss; the logistic function for the logistic loss and, divided by the
  /// sum over the classes, for one-versus-rest; of labels of which a row may have any number, each on
  /// its own. Computed in `Double`. O(n C).
  public func probabilities(fromScores scores: Matrix) -> Matrix? {
    guard givesProbabilities else { return nil }
    let classCount = target.labels.count
    let result = Matrix(rows: scores.rows, columns: classCount)
    for row in 0..<scores.rows {
      var values = scores.rowArray(row).map(Double.init)
      if record.training.loss == .softmaxCrossEntropy {
        let largest = values.reduce(values[0], max)
        values = values.map { exp($0 - largest) }
      } else {
        // Each term on its own: 1 - p would lose what is small.
        if values.count == 1, classCount == 2, target.task == .classification {
          values = [-values[0], values[0]]
        }
        values = values.map { 1 / (1 + exp(-$0)) }
      }
      if target.task == .multiLabel {
        for column in values.indices { result[row, column] = Float(values[column]) }
        continue
      }
      let sum = values.reduce(0, +)
      for column in values.indices {
        result[row, column] = Float(sum > 0 ? values[column] / sum : 1 / Double(classCount))
      }
    }
    return result
  }

  /// Judges predictions for the rows of a table in every respect; `evaluate(on:)` is the short
  /// form.
  ///
  /// - Parameter weightColumn: a column that says how often each row counts; nil: once.
  /// - Complexity: that of the predictions, and O(C n log n).
  /// - Throws: as `scores(for:threads:)`, and for missing or unknown targets and bad weights.
  public func report(
    on table: Table, weightColumn: String? = nil, threads: Int = 1
  ) throws -> EvaluationReport {
    try report(
      scores: try scores(for: table, threads: threads), targets: table,
      weights: try weightColumn.map(table.weights(in:)))
  }

  /// Judges outputs for the rows whose targets a table holds.
  func report(
    scores: Matrix, targets table: Table, weights: [Double]?
  ) throws -> EvaluationReport {
    if let weights, !weights.contains(where: { $0 > 0 }) {
      throw ConfigurationError.invalid("\(table.name): no row has a weight above 0")
    }
    switch target.task {
    case .classification:
      return .classification(
        ClassificationReport(
          scores: scorePerClass(scores), probabilities: probabilities(fromScores: scores),
          expected: try target.classes(of: table), labels: target.labels, weights: weights))
    case .regression:
      let predicted = (0..<scores.rows).map { target.value(ofOutput: scores[$0, 0]) }
      return .regression(
        RegressionReport(
          predicted: predicted, expected: try target.values(of: table), weights: weights))
    case .multiLabel:
      return .multiLabel(
        MultiLabelReport(
          scores: scores, relevant: try target.labelSets(of: table), labels: target.labels,
          weights: weights))
    }
  }

  /// A single output speaks for class 1, and with its sign changed for class 0.
  private func scorePerClass(_ scores: Matrix) -> Matrix {
    guard scores.columns == 1 else { return scores }
    let both = Matrix(rows: scores.rows, columns: 2)
    for row in 0..<scores.rows {
      both[row, 0] = -scores[row, 0]
      both[row, 1] = scores[row, 0]
    }
    return both
  }
}
