// SPDX-License-Identifier: Apache-2.0
import _HalfspaceReport

/// A figure that a benchmark is to reach, and the one it reached.
public struct Goal {
  let text: String
  let wanted: String
  let reached: String
  let isMet: Bool

  /// A figure that is to be at least `bound`.
  public init(_ text: String, _ value: Double, atLeast bound: Double, unit: String = "×") {
    self.text = text
    wanted = "at least \(Format.significant(bound)) \(unit)"
    reached = "\(Format.significant(value)) \(unit)"
    isMet = value >= bound
  }

  /// A figure that is to be at most `bound`.
  public init(_ text: String, _ value: Double, atMost bound: Double, unit: String = "×") {
    self.text = text
    wanted = "at most \(Format.significant(bound)) \(unit)"
    reached = "\(Format.significant(value)) \(unit)"
    isMet = value <= bound
  }

  /// A section of a report; empty without goals.
  public static func section(_ goals: [Goal]) -> String {
    guard !goals.isEmpty else { return "" }
    var table = TextTable("target", "wanted", "reached", "")
    for goal in goals {
      table.append(goal.text, goal.wanted, goal.reached, goal.isMet ? "met" : "missed")
    }
    return "\n## Targets\n\n\(table)\n"
  }
}
