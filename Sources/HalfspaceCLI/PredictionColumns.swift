// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Halfspace
internal import _HalfspaceReport

/// What a model says of rows, as columns of a table.
struct PredictionColumns: Sendable {
  /// What is said.
  enum Kind: String, EnumerableFlag {
    case predictions, probabilities, scores, inputs
  }

  let kind: Kind
  let model: TabularModel
  let choice: LabelChoice
  let threads: Int

  /// - Parameters:
  ///   - file: the model's file, for errors.
  ///   - choice: which labels are predicted, where somebody says so.
  /// - Throws: `ModelFileError` where the model cannot say such things.
  init(
    of kind: Kind, by model: TabularModel, from file: String, choosing choice: LabelChoice? = nil,
    threads: Int
  ) throws {
    if kind == .probabilities && !model.givesProbabilities {
      throw ModelFileError(
        file: file, reason: .noProbabilities(loss: model.record.training.loss.name))
    }
    if choice != nil, model.target.task != .multiLabel {
      throw ModelFileError(file: file, reason: .noLabelSets(task: model.target.task))
    }
    self.kind = kind
    self.model = model
    self.choice = choice ?? .probable
    self.threads = threads
  }

  /// The names of the columns.
  var names: [String] {
    switch kind {
    case .predictions: return model.target.columns
    case .probabilities: return model.target.labels
    case .scores:
      // The one output of a loss for two classes speaks for the second.
      let labels = model.target.labels.suffix(model.predictor.outputCount)
      return labels.isEmpty ? [model.target.column] : Array(labels)
    case .inputs:
      return model.encoder.featureNames + (model.transform.constant == nil ? [] : ["constant"])
    }
  }

  /// What is said of rows, a member for each of them.
  enum Answers {
    case predictions(TabularModel.Predictions)
    /// A row of numbers for each of them.
    case numbers(Matrix)
  }

  /// What the model says of rows of inputs.
  func answers(for inputs: InputRows) throws -> Answers {
    if kind == .inputs { return .numbers(try inputs.matrix()) }
    let scores = try model.predictor.scores(for: inputs, threads: threads)
    return switch kind {
    case .predictions: .predictions(model.predictions(from: scores, choosing: choice))
    case .probabilities: .numbers(model.probabilities(fromScores: scores)!)
    case .scores, .inputs: .numbers(scores)
    }
  }

  /// Appends a row for each row of inputs.
  func append(_ inputs: InputRows, to csv: inout CSVWriter) throws {
    switch try answers(for: inputs) {
    case .predictions(.labelColumns(let rows)):
      for row in rows { csv.append(row.map { $0 ? 1 : 0 }) }
    case .predictions(let predictions):
      for text in predictions.texts { csv.append([text]) }
    case .numbers(let matrix):
      for row in 0..<matrix.rows { csv.append(matrix.rowArray(row)) }
    }
  }
}
