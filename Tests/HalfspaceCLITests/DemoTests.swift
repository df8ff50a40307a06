// SPDX-License-Identifier: Apache-2.0
import Foundation
import Halfspace
import Testing

/// `halfspace demo`.
@Suite struct DemoTests {
  @Test func `the demo recognizes at least 98 % of the digits and shows some`() throws {
    let workspace = try Workspace()
    let result = try workspace.succeed(["demo", "--quiet", "--widths", "512", "1024"])
    #expect(result.errors.isEmpty && workspace.names.isEmpty)
    let match = try #require(
      result.output.firstMatch(of: /Accuracy ([0-9.]+) % on 359 held-out rows\./))
    #expect(try #require(Double(match.1)) >= 98)
    #expect(result.output.contains("is a 0?"))
    for width in ["512", "1,024"] {
      #expect(result.lines.contains { $0.hasPrefix("|") && $0.contains(" \(width) ") })
    }
  }
}
