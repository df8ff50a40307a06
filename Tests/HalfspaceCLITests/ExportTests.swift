// SPDX-License-Identifier: Apache-2.0
import Foundation
import Halfspace
import Testing

/// Models for other programs, probabilities, and what a model does on a table.
@Suite struct ExportTests {
  private func workspace(_ options: [String] = []) throws -> Workspace {
    let workspace = try Workspace()
    try workspace.write(SampleText.kinds, "kinds.csv")
    try workspace.succeed(
      ["train", "kinds.csv", "--target", "kind", "--output", "m"] + SampleText.short + options)
    return workspace
  }

  @Test func `models are written by extension and by format`() throws {
    let workspace = try workspace()
    for name in ["a.onnx", "a.npz", "a.safetensors"] {
      #expect(try workspace.succeed(["export", "m", name]).output.isEmpty)
    }
    try workspace.succeed(["export", "m", "b", "--format", "onnx"])
    #expect(try workspace.bytes("b") == workspace.bytes("a.onnx"))
    #expect(try workspace.bytes("m") == workspace.bytes("a.safetensors"))
    #expect(try workspace.bytes("a.npz").starts(with: [0x50, 0x4B, 3, 4]))
    try workspace.fail(
      ["export", "m", "c.bin"],
      "c.bin: expected a name that ends with .safetensors, .onnx, .npz, or a format")
    try workspace.fail(["export", "m", "m"], "cannot write m: it is an input")
  }

  @Test func `networks that are no small networks are refused`() throws {
    let workspace = try workspace(["--outputs", "independent"])
    let result = try workspace.run(["export", "m", "a.onnx"])
    #expect(result.status == 1 && result.errors.hasPrefix("halfspace: a.onnx: with independent"))
    #expect(!workspace.names.contains("a.onnx"))
  }

  @Test func `probabilities of the classes sum to one, the largest for the prediction`() throws {
    let workspace = try workspace()
    func table(_ flag: String) throws -> Table {
      try Table(
        csv: try workspace.succeed(["predict", "m", "kinds.csv", flag]).output, name: flag,
        options: .init(hasHeader: true))
    }
    let answers = try table("--predictions")
    let probabilities = try table("--probabilities")
    #expect(probabilities.columnNames == ["apple, sour", "pear", "plum"])
    for row in 0..<answers.rowCount {
      let values = probabilities.columns.map { $0.number(row) ?? .nan }
      #expect(abs(values.reduce(0, +) - 1) < 1e-6)
      let largest = values.firstIndex(of: values.max() ?? 0) ?? 0
      #expect(probabilities.columnNames[largest] == answers.columns[0].text(row))
    }
    try workspace.write(SampleText.numbers, "numbers.csv")
    try workspace.succeed(
      ["train", "numbers.csv", "--target", "y", "--output", "r"] + SampleText.short)
    try workspace.fail(
      ["predict", "r", "numbers.csv", "--probabilities"],
      "r: a model trained with the huber loss has no probabilities")
  }

  @Test func `a learned metric shows in inspect`() throws {
    let workspace = try Workspace()
    try workspace.write(SampleText.numbers, "numbers.csv")
    for (metric, format) in [("none", "1"), ("learned", "2")] {
      try workspace.succeed(
        ["train", "numbers.csv", "--target", "y", "--output", "m", "--metric", metric]
          + SampleText.short)
      let lines = try workspace.succeed(["inspect", "m"]).lines
      #expect(lines.contains { $0.contains("format") && $0.contains(format) })
      #expect(lines.contains { $0.contains("| metric") } == (metric == "learned"))
      try workspace.succeed(["evaluate", "m", "numbers.csv"])
    }
  }

  @Test func `inspect counts on a table which neurons fire`() throws {
    let workspace = try workspace()
    let lines = try workspace.succeed(["inspect", "m", "kinds.csv"]).lines
    #expect(lines.contains { $0.firstMatch(of: /rows of the table +\| +90\b/) != nil })
    #expect(lines.contains { $0.contains("| stored neurons firing on a row ") })
    #expect(lines.contains { $0.contains("| rows a stored neuron fires on ") })
    #expect(lines.contains { $0.contains("| stored neurons firing on no row ") })
    let short = try workspace.succeed(["inspect", "m"]).lines
    #expect(lines.count == short.count + 4)
  }

  @Test func `predictions of a long table are the same, in order, as those of its parts`() throws {
    let workspace = try workspace()
    let lines = SampleText.kinds.split(separator: "\n", omittingEmptySubsequences: true)
    // Beyond a piece of a mebibyte.
    let copies = (1 << 21) / SampleText.kinds.utf8.count + 1
    let body = lines.dropFirst().joined(separator: "\n") + "\n"
    try workspace.write("\(lines[0])\n" + String(repeating: body, count: copies), "long.csv")
    let short = try workspace.succeed(["predict", "m", "kinds.csv"]).lines
    try workspace.succeed(["predict", "m", "long.csv", "--output", "long"])
    let long = try workspace.text("long").split(separator: "\n").map(String.init)
    #expect(long.count == copies * (short.count - 1) + 1)
    #expect(long[0] == short[0])
    for copy in [0, 1, copies / 2, copies - 1] {
      let first = 1 + copy * (short.count - 1)
      #expect(Array(long[first..<(first + short.count - 1)]) == Array(short.dropFirst()))
    }
  }
}
