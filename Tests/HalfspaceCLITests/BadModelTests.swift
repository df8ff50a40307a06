// SPDX-License-Identifier: Apache-2.0
import Foundation
import Halfspace
import Testing

/// Files that are no models, given to the commands that want one.
@Suite struct BadModelTests {
  private static let uses = [
    ["inspect", "m"], ["predict", "m", "kinds.csv"], ["evaluate", "m", "kinds.csv"],
  ]

  private func workspace() throws -> (Workspace, [UInt8]) {
    let workspace = try Workspace()
    try workspace.write(SampleText.kinds, "kinds.csv")
    try workspace.succeed(
      ["train", "kinds.csv", "--target", "kind", "--output", "m"] + SampleText.short)
    return (workspace, try workspace.bytes("m"))
  }

  /// Expects that the file `m` is refused by every command, in one line that names it.
  private func refuse(_ workspace: Workspace, uses: [[String]] = uses) throws {
    for use in uses {
      let result = try workspace.run(use)
      #expect(result.status == 1 && !result.isCrash, "\(use): \(result.errors)")
      #expect(result.output.isEmpty)
      #expect(result.errors.wholeMatch(of: /halfspace: m\b[^\n]+\n/) != nil, "\(result.errors)")
    }
  }

  @Test func `a model that is cut short`() throws {
    let (workspace, bytes) = try workspace()
    for length in stride(from: 0, to: bytes.count, by: bytes.count / 12) + [bytes.count - 1] {
      try workspace.write(Array(bytes[..<length]), "m")
      try refuse(workspace, uses: [Self.uses[length % 3]])
    }
    try workspace.write(bytes + [0], "m")
    try workspace.fail(["inspect", "m"], "m: found 1 bytes behind the last tensor, expected none")
  }

  @Test func `a model with random bytes in it`() throws {
    let (workspace, bytes) = try workspace()
    var generator = SeededGenerator(seed: 3)
    // In the header nearly all changes are found out; whatever happens, nothing crashes.
    for trial in 0..<12 {
      var damaged = bytes
      for _ in 0..<20 { damaged[generator.below(1500)] = UInt8(generator.below(256)) }
      try workspace.write(damaged, "m")
      try refuse(workspace, uses: [Self.uses[trial % 3]])
    }
    for trial in 0..<6 {
      var damaged = bytes
      for _ in 0..<20 { damaged[generator.below(bytes.count)] = UInt8(generator.below(256)) }
      try workspace.write(damaged, "m")
      let result = try workspace.run(Self.uses[trial % 3])
      #expect(!result.isCrash && (result.status == 0) == result.errors.isEmpty)
    }
    try workspace.write((0..<5000).map { _ in UInt8(generator.below(256)) }, "m")
    try refuse(workspace)
  }

  @Test func `other tensors, and models of a later version`() throws {
    let (workspace, bytes) = try workspace()
    var other = Safetensors(metadata: ["format": "pt"])
    other.set([1, 2] as [Float], shape: [2], for: "bias")
    try workspace.write(try other.encoded(), "m")
    for use in Self.uses {
      try workspace.fail(use, "m is not a Halfspace model: it has no \"halfspace\" metadata")
    }
    var later = try Safetensors(bytes, name: "m")
    later.metadata["halfspace"] = "5"
    try workspace.write(try later.encoded(), "m")
    for use in Self.uses {
      try workspace.fail(
        use,
        "m is a model of format 5, written by a later version; this version of Halfspace reads "
          + "formats up to 4")
    }
    later.metadata["halfspace"] = "0.9"
    try workspace.write(try later.encoded(), "m")
    try workspace.fail(
      ["inspect", "m"],
      "m is a model of format 0.9; this version of Halfspace reads formats up to 4")
  }

  @Test func `a model of NaN is refused by its tensor's name`() throws {
    let (workspace, bytes) = try workspace()
    var file = try Safetensors(bytes, name: "m")
    let weights = try file.matrix("fc1.weight")
    weights[2, 1] = .nan
    file.set(weights, for: "fc1.weight")
    try workspace.write(try file.encoded(), "m")
    let index = 2 * weights.columns + 1
    try workspace.fail(
      ["predict", "m", "kinds.csv"],
      "m, tensor \"fc1.weight\": element \(index) is not a finite number")
  }

  @Test func `model and table in each other's place, and folders`() throws {
    let (workspace, _) = try workspace()
    for command in ["predict", "evaluate"] {
      let result = try workspace.run([command, "kinds.csv", "m"])
      #expect(result.status == 1 && !result.isCrash && result.output.isEmpty)
      let pattern =
        /halfspace: kinds\.csv: a header of \d+ bytes is more than .* \(is this a safetensors file\?\)\n/
      #expect(result.errors.wholeMatch(of: pattern) != nil)
      try workspace.fail(
        [command, "m", "m"], "m: expected a text table, but it holds NUL bytes")
      try workspace.fail([command, ".", "kinds.csv"], "cannot read .: Is a directory")
      try workspace.fail([command, "m", "."], "cannot read .: Is a directory")
      try workspace.fail(
        [command, "none", "kinds.csv"], "cannot read none: No such file or directory")
    }
    try workspace.fail(
      ["train", "m", "--target", "kind"], "m: expected a text table, but it holds NUL bytes")
    try workspace.fail(["inspect", "."], "cannot read .: Is a directory")
  }
}
