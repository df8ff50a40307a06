// SPDX-License-Identifier: Apache-2.0
import Halfspace
import Testing

/// The examples of the README.
@Suite struct ReadmeExamples {
  private func table() throws {
    // Example
    let table = try Table(contentsOf: "letter.csv")
    let outcome = try TabularModel.train(on: table, target: "Letter")
    print(outcome.model.record.test!.accuracy!)  // on held-out rows
    try outcome.model.save(to: "letter.safetensors")

    let model = try TabularModel(contentsOf: "letter.safetensors")
    let labels = try model.predict(table).texts
    // End
    print(labels)
  }

  private func vectors(inputs: Matrix, labels: [Int32]) throws {
    // Example
    let trainer = try Trainer(
      inputs: inputs, targets: .classes(labels, count: 10),
      network: .init(width: 1 << 20, threshold: .expectedFiring(64)),
      training: .init(loss: .softmaxCrossEntropy))
    try trainer.run()
    let scores = trainer.predictor().scores(for: inputs)
    // End
    #expect(scores.rows == inputs.rows)
    #expect(scores.columns == 10)
  }

  @Test func `the example with vectors runs`() throws {
    let inputs = Matrix(rows: 30, columns: 4)
    for row in 0..<30 { inputs.setRow(row, to: (0..<4).map { row % 10 % (4 - $0) == 0 ? 1 : 0 }) }
    try vectors(inputs: inputs, labels: (0..<30).map { Int32($0 % 10) })
  }
}
