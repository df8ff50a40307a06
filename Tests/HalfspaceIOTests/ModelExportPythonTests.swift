// SPDX-License-Identifier: Apache-2.0
import HalfspaceLinalg
import HalfspaceNN
import HalfspaceReporting
import Testing

@testable import HalfspaceIO

/// Exported models, evaluated by the programs they are for.
@Suite struct ModelExportPythonTests {
  /// One way to make a model.
  struct Kind: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var table: Table
    var scaling: FeatureTransform.Scaling?
    var loss: TrainingOptions.LossName?
    var constant = true
    var labelSeparator: Character?
    var metric: TrainingOptions.Metric?
    var linearPart: TrainingOptions.LinearPart?

    static let all: [Kind] = {
      let classes = SampleTable.classification(rows: 1000)
      let two = SampleTable.classification(rows: 1000, classes: 2)
      let numbers = SampleTable.regression(rows: 1000)
      return [
        Kind(testDescription: "softmax, texts and missing cells", table: classes),
        Kind(
          testDescription: "one against the rest, ranks", table: classes, scaling: .rank,
          loss: .oneVersusRest),
        Kind(testDescription: "logistic, one output", table: two, loss: .logistic),
        Kind(testDescription: "hinge, no probabilities", table: two, loss: .hinge),
        Kind(
          testDescription: "sets of labels", table: SampleTable.labelSets(rows: 1000),
          labelSeparator: ";"),
        Kind(testDescription: "squared", table: numbers),
        Kind(
          testDescription: "squared, ranks, no constant", table: numbers, scaling: .rank,
          constant: false),
        Kind(testDescription: "squared, common scale", table: numbers, scaling: .commonScale),
        Kind(testDescription: "squared, learned metric", table: numbers, metric: .learned),
        Kind(
          testDescription: "softmax, ranks, learned metric", table: classes, scaling: .rank,
          metric: .learned),
        Kind(
          testDescription: "squared, logarithms, linear part",
          table: SampleTable.skewed(rows: 1000),
          scaling: .log, linearPart: .fitted),
        Kind(
          testDescription: "softmax, linear part", table: classes, linearPart: .fitted),
      ]
    }()

    func model() throws -> TabularModel {
      var options = TrainingOptions()
      options.width = 512
      options.threshold = .expectedFiring(40)
      options.scaling = scaling
      options.loss = loss
      options.labelSeparator = labelSeparator
      options.metric = metric
      options.linearPart = linearPart
      options.epochs = 2
      options.threads = 1
      let target = table.columnNames[table.columnNames.count - 1]
      let trained = try TabularModel.train(on: table, target: target, options: options).model
      guard !constant else { return trained }
      // The network of another constant is as good a network to export.
      let transform = try FeatureTransform(
        fitting: try trained.encoder.encode(table), scaling: trained.transform.scaling)
      let weights = Matrix(
        rows: trained.predictor.count, columns: trained.predictor.dimension - 1)
      for row in 0..<weights.rows {
        weights.setRow(row, to: trained.predictor.weights.rowArray(row).dropLast())
      }
      return TabularModel(
        encoder: trained.encoder, transform: transform, target: trained.target,
        predictor: Predictor(
          weights: weights, outputs: trained.predictor.outputs,
          threshold: trained.predictor.threshold, factor: trained.predictor.factor,
          shards: trained.predictor.shards), record: trained.record)
    }
  }

  @Test(
    .enabled(
      if: Python.has("numpy, safetensors.numpy, onnx, onnxruntime"),
      "needs python3 with numpy, safetensors, onnx and onnxruntime"), arguments: Kind.all)
  func `onnxruntime and numpy agree with our predictions on 1,000 rows`(kind: Kind) throws {
    let folder = TemporaryFolder()
    let model = try kind.model()
    for format in ModelFormat.allCases {
      try model.export(to: folder.file("model.\(format.rawValue)"))
    }
    func write(_ matrix: Matrix, _ name: String) throws {
      let lines = (0..<matrix.rows).map { matrix.rowArray($0).map { "\($0)" } }
      try self.write([(0..<matrix.columns).map { "\($0)" }] + lines, folder.file(name))
    }
    let table = kind.table
    try self.write(
      [table.columnNames]
        + (0..<table.rowCount).map { row in table.columns.map { $0.text(row) ?? "" } },
      folder.file("rows.csv"))
    let inputs = try model.transform.apply(to: try model.encoder.encode(table))
    let scores = try model.scores(for: table)
    try write(inputs, "inputs.csv")
    try write(scores, "scores.csv")
    try self.write(
      [["answer"]] + (try model.predict(table)).texts.map { [$0] }, folder.file("answers.csv"))
    if let probabilities = model.probabilities(fromScores: scores) {
      try write(probabilities, "probabilities.csv")
    }
    let result = Python.run([Python.script("check_exports.py"), folder.path])
    #expect(result.status == 0, "\(result.output)")
    #expect(result.output.contains("ONNX scores: "))
  }

  private func write(_ rows: [[String]], _ path: String) throws {
    try AtomicFile.write(
      rows.map { $0.map { "\"\($0)\"" }.joined(separator: ",") + "\n" }.joined(), to: path)
  }
}
