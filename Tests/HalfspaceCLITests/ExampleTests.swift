// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

/// The examples run and show what they say.
@Suite struct ExampleTests {
  private func run(_ name: String) throws -> Workspace.Result {
    let result = try Workspace.run(
      Workspace.program(name), [], in: FileManager.default.temporaryDirectory.path)
    try #require(result.status == 0 && !result.isCrash, "\(result.errors)")
    return result
  }

  @Test func `a network of three layers learns digits, neurons joining on the way`() throws {
    let lines = try run("ThreeLayers").lines
    let last = try #require(lines.last)
    let accuracy = try #require(last.split(separator: " ").last.flatMap { Double($0) })
    #expect(last.hasPrefix("accuracy on ") && accuracy > 0.95, "\(last)")
    let stored = lines.compactMap { $0.firstMatch(of: /neurons (\d+) and (\d+) of/) }
    #expect(stored.count == lines.count - 1)
    #expect(stored.allSatisfy { Int($0.2)! < 1 << 15 })
    // The rows of the second layer move: neurons still join when all rows have been seen.
    #expect(Int(stored[1].2)! > Int(stored[0].2)!)
  }

  @Test func `a wide output layer learns labels, most of them beyond their margin`() throws {
    let lines = try run("WideOutputs").lines
    let last = try #require(lines.last)
    let share = try #require(last.firstMatch(of: /for ([0-9.]+) of/).flatMap { Double($0.1) })
    #expect(share > 0.9, "\(last)")
    let active = lines.compactMap { $0.firstMatch(of: /, ([0-9.]+) of (\d+) labels active/) }
    #expect(active.count == lines.count - 1)
    #expect(active.allSatisfy { Double($0.1)! < Double($0.2)! / 4 })
  }
}
