// SPDX-License-Identifier: Apache-2.0
import Foundation
import Halfspace
import Testing

/// Python as the tests need it.
private enum Python {
  /// Whether python3 is there with the packages that the script imports.
  static let isComplete =
    (try? run(["-c", "import numpy, safetensors.numpy"], in: "/tmp").status) == 0

  static func run(_ arguments: [String], in folder: String) throws -> Workspace.Result {
    try Workspace.run(
      URL(fileURLWithPath: "/usr/bin/env"), ["python3"] + arguments, in: folder)
  }
}

/// A model is a plain two-layer network that others can evaluate.
@Suite struct PlainPredictionTests {
  private static let setups: [[String]] = [
    ["kinds.csv", "--target", "kind"], ["numbers.csv", "--target", "y"],
    ["kinds.csv", "--target", "kind", "--outputs", "pairs", "--loss", "one-versus-rest"],
    ["numbers.csv", "--target", "y", "--weight-decay", "0.0001", "--threshold", "0"],
  ]

  /// A workspace with the model `m`, its inputs and its scores for the table it was trained on.
  private func workspace(_ setup: [String]) throws -> Workspace {
    let workspace = try Workspace()
    try workspace.write(SampleText.kinds, "kinds.csv")
    try workspace.write(SampleText.numbers, "numbers.csv")
    try workspace.succeed(["train"] + setup + ["--output", "m"] + SampleText.short)
    for kind in ["inputs", "scores"] {
      try workspace.succeed(["predict", "m", setup[0], "--\(kind)", "--output", "\(kind).csv"])
    }
    return workspace
  }

  private func expectAgreement(_ scores: [[Double]], _ expected: [[Double]]) {
    #expect(scores.count == SampleText.rowCount && expected.count == scores.count)
    let largest = expected.joined().map(\.magnitude).max() ?? 0
    #expect(largest > 0)
    for (row, other) in zip(scores, expected) {
      #expect(row.count == other.count)
      for (a, b) in zip(row, other) { #expect(abs(a - b) <= 1e-5 * largest) }
    }
  }

  private func numbers(_ csv: String, hasHeader: Bool) -> [[Double]] {
    csv.split(separator: "\n").dropFirst(hasHeader ? 1 : 0).map { line in
      line.split(separator: ",").map { Double($0) ?? .nan }
    }
  }

  @Test(arguments: setups)
  func `linear, ReLU, linear over the tensors gives the scores`(setup: [String]) throws {
    let workspace = try workspace(setup)
    let file = try Safetensors(contentsOf: workspace.file("m"))
    let w1 = try file.matrix("fc1.weight")
    let (m, d) = (w1.rows, w1.columns)
    let b1 = try file.floats("fc1.bias", shape: [m])
    let w2 = try file.matrix("fc2.weight", columns: m)
    let b2 = try file.floats("fc2.bias", shape: [w2.rows])
    #expect(w2.rows == (setup[0] == "kinds.csv" ? 3 : 1))
    #expect(Set(file.tensors.keys) == ["fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"])
    func dot(_ weights: [Float], _ x: [Double], _ bias: Float) -> Double {
      zip(weights, x).reduce(Double(bias)) { $0 + Double($1.0) * $1.1 }
    }
    let inputs = numbers(try workspace.text("inputs.csv"), hasHeader: true)
    let plain = inputs.map { x in
      precondition(x.count == d, "\(x.count) inputs for rows of \(d)")
      let hidden = (0..<m).map { max(0, dot(w1.rowArray($0), x, b1[$0])) }
      return (0..<w2.rows).map { dot(w2.rowArray($0), hidden, b2[$0]) }
    }
    expectAgreement(
      numbers(try workspace.text("scores.csv"), hasHeader: true), plain)
  }

  @Test(
    .enabled(
      if: Python.isComplete, "needs python3 with numpy and safetensors (pip install safetensors)"),
    arguments: setups)
  func `numpy gives the scores`(setup: [String]) throws {
    let workspace = try workspace(setup)
    let script = URL(fileURLWithPath: #filePath)
      .deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("Python/predict_with_numpy.py").path
    let result = try Python.run([script, "m", "inputs.csv"], in: workspace.path)
    try #require(result.status == 0, "\(result.errors)")
    expectAgreement(
      numbers(try workspace.text("scores.csv"), hasHeader: true),
      numbers(result.output, hasHeader: false))
  }
}
