// SPDX-License-Identifier: Apache-2.0
import Halfspace
import HalfspaceMPI
import Testing

/// The examples of the articles on models, data and processes.
@Suite struct ModelExamples {
  private func export() throws {
    // Example
    let model = try TabularModel(contentsOf: "letter.safetensors")
    try model.export(to: "letter.onnx")
    try model.export(to: "letter.npz")
    // End
  }

  private func answer(_ table: Table) throws {
    // Example
    var model = try TabularModel(contentsOf: "letter.safetensors")
    model.encoder.unknownCategories = .ignore
    let answers = try model.predict(table).texts
    let scores = try model.scores(for: table)
    let probabilities = model.probabilities(fromScores: scores)
    // End
    print(answers, probabilities?.rows ?? 0)
  }

  private func serve(
    _ model: TabularModel, _ typicalInputs: Matrix, _ inputs: [[Float]],
    _ respond: ([Float]) -> Void
  ) {
    // Example
    let predictor = model.predictor
    predictor.prepare(like: typicalInputs)
    var scores = [Float](repeating: 0, count: predictor.outputCount)
    for input in inputs {
      var span = scores.mutableSpan
      predictor.scores(of: input.span, into: &span)
      respond(scores)
    }
    // End
  }

  private func serve(_ predictor: Predictor, _ waiting: [[Float]]) {
    // Example
    let batch = Matrix(rows: 64, columns: predictor.dimension)
    let results = Matrix(rows: 64, columns: predictor.outputCount)
    for (row, input) in waiting.enumerated() { batch.setRow(row, to: input) }
    let firings = predictor.scores(for: batch, into: results)
    // End
    print(firings)
  }

  private func stream(_ model: TabularModel) throws {
    // Example
    let file = try PendingFile("predictions.csv")
    try model.forEachPiece(ofTable: "new.csv") { piece in
      let answers = try model.predict(piece).texts
      try file.write(Array(answers.map { $0 + "\n" }.joined().utf8))
    }
    try file.commit()
    // End
  }

  private func sparse() throws {
    // Example
    let dataset = try Dataset(contentsOf: "words.libsvm")
    let outcome = try TabularModel.train(on: dataset)
    try outcome.model.save(to: "words.safetensors")

    let model = try TabularModel(contentsOf: "words.safetensors")
    let report = try model.report(on: model.readDataset(contentsOf: "more.libsvm"))
    // End
    print(report)
  }

  private func share(
    _ inputs: Matrix, _ targets: Targets, _ network: NetworkConfiguration,
    _ training: TrainingConfiguration
  ) throws {
    // Example
    let processes = try ProcessGroup.join()
    let trainer = try Trainer(
      inputs: inputs, targets: targets, network: network, training: training,
      communicator: processes)
    try trainer.run()
    let predictor = trainer.predictor()  // gathered, on every rank
    if processes.rank == 0 { print(predictor.count) }
    ProcessGroup.leave()
    // End
  }

  private func plan(_ x: Matrix, _ y: Targets) throws {
    // Example
    let plan = try ConvergencePlan(norm: 4, epsilon: 0.05, dimension: 16)
    let trainer = try Trainer(
      inputs: x, targets: y, network: plan.network(),
      training: plan.training(loss: .absolute, rows: x.rows))
    try trainer.run()
    // End
    // Example
    let certificate = trainer.lookupSummary.statistics.certificate!
    print(certificate.holds, certificate.largestDisplacement, certificate.overReport)
    // End
  }
}
