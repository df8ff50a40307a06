// SPDX-License-Identifier: Apache-2.0
import Foundation
import Halfspace
import Testing

/// The examples of the README, compiled: each stands here line by line as it stands there.
@Suite struct ReadmeTests {
  private func tableExample() throws {
    // README: table
    let table = try Table(contentsOf: "letter.csv")
    let outcome = try TabularModel.train(on: table, target: "Letter")
    print(outcome.model.record.test!.accuracy!)  // on held-out rows
    try outcome.model.save(to: "letter.safetensors")

    let model = try TabularModel(contentsOf: "letter.safetensors")
    let labels = try model.predict(table).texts
    // README: end
    print(labels)
  }

  private func vectorExample(inputs: Matrix, labels: [Int32]) throws {
    // README: vectors
    let trainer = try Trainer(
      inputs: inputs, targets: .classes(labels, count: 10),
      network: .init(width: 1 << 20, threshold: .expectedFiring(64)),
      training: .init(loss: .softmaxCrossEntropy))
    try trainer.run()
    let scores = trainer.predictor().scores(for: inputs)
    // README: end
    #expect(scores.rows == inputs.rows)
    #expect(scores.columns == 10)
  }

  @Test(arguments: ["table", "vectors"])
  func `the README shows the examples that are compiled here`(name: String) throws {
    let here = URL(fileURLWithPath: #filePath)
    let source = try String(contentsOf: here, encoding: .utf8)
    let start = try #require(source.range(of: "// README: \(name)\n"))
    let end = try #require(source[start.upperBound...].range(of: "    // README: end"))
    let example = source[start.upperBound..<end.lowerBound]
      .split(separator: "\n", omittingEmptySubsequences: false)
      .map { $0.hasPrefix("    ") ? String($0.dropFirst(4)) : String($0) }
      .joined(separator: "\n")
    let root = here.deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let readme = try String(
      contentsOf: root.appendingPathComponent("README.md"), encoding: .utf8)
    #expect(example.contains("= try "))
    #expect(readme.contains(example))
  }

  @Test func `the example with vectors runs`() throws {
    let inputs = Matrix(rows: 30, columns: 4)
    for row in 0..<30 { inputs.setRow(row, to: (0..<4).map { row % 10 % (4 - $0) == 0 ? 1 : 0 }) }
    try vectorExample(inputs: inputs, labels: (0..<30).map { Int32($0 % 10) })
  }
}
