// SPDX-License-Identifier: Apache-2.0
import Foundation
import Halfspace
import Testing

/// Same seed, same bits.
@Suite struct DeterminismTests {
  private static let setups: [[String]] = [
    ["kinds.csv", "--target", "kind"], ["numbers.csv", "--target", "y"],
    ["kinds.csv", "--target", "kind", "--initial", "gaussian", "--outputs", "independent"],
    ["numbers.csv", "--target", "y", "--optimizer", "adam", "--outputs", "pairs"],
  ]

  @Test(arguments: setups)
  func `model files depend neither on threads nor on instruction sets`(setup: [String]) throws {
    let workspace = try Workspace()
    try workspace.write(SampleText.kinds, "kinds.csv")
    try workspace.write(SampleText.numbers, "numbers.csv")
    func model(
      _ more: [String] = [], environment: [String: String] = [:]
    ) throws -> (bytes: [UInt8], instructionSet: String?) {
      try workspace.succeed(
        ["train"] + setup
          + ["--width", "512", "--epochs", "3", "--output", "m", "--report", "r.json"] + more,
        environment: environment)
      let report = try Report(workspace.file("r.json"))
      return (try workspace.bytes("m"), report.text("instructionSet"))
    }
    let first = try model(["--threads", "1"])
    #expect(try model(["--threads", "1"]).bytes == first.bytes)
    #expect(try model(["--threads", "2"]).bytes == first.bytes)
    #expect(try model(["--threads", "1", "--seed", "2"]).bytes != first.bytes)
    var used: Set<String> = []
    for level in ["portable", "avx2", "avx512"] {
      let run = try model(environment: ["HALFSPACE_ISA": level])
      #expect(run.bytes == first.bytes, "\(level) differs")
      used.insert(try #require(run.instructionSet))
    }
    // A level that the processor lacks falls back to another, the portable one is always there.
    #expect(used.contains("portable"))
    #if arch(x86_64)
      #expect(used.contains(try #require(first.instructionSet)))
    #endif
  }
}
