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
    case .predictions: return [model.target.column]
    case .probabilities: return model.target.labels
    case .scores:
      // The one output of a loss for two classes speaks for the second.
      let labels = model.target.labels.suffix(model.predictor.outputCount)
      return labels.isEmpty ? [model.target.column] : Array(labels)
    case .inputs:
      return model.encoder.featureNames + (model.transform.constant == nil ? [] : ["constant"])
    }
  }

  /// Appends a row for each row of inputs.
  func append(_ inputs: InputRows, to csv: inout CSVWriter) throws {
    if kind == .inputs {
      append(try inputs.matrix(), to: &csv)
      return
    }
    let scores = try model.predictor.scores(for: inputs, threads: threads)
    switch kind {
    case .predictions:
      for text in model.predictions(from: scores, choosing: choice).texts { csv.append([text]) }
    case .probabilities: append(model.probabilities(fromScores: scores)!, to: &csv)
    case .scores, .inputs: append(scores, to: &csv)
    }
  }

  private func append(_ matrix: Matrix, to csv: inout CSVWriter) {
    for row in 0..<matrix.rows { csv.append(matrix.rowArray(row)) }
  }
}
