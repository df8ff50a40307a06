// SPDX-License-Identifier: Apache-2.0
internal import Foundation

extension MarginCost {
  /// Comparing the codes of a row with one input of a batch, and with one that comes alone.
  private static let coded = 0.1
  private static let codedAlone = 0.45
  private static let fewestRowsTogether = 8
  /// Comparing a row that has moved with its codes, times the floats of a row.
  private static let moved = 250.0

  /// What a neuron costs in an epoch that is found by its codes, of which `entries` rows were listed at one
  /// margin.
  func ofCodes(entries: Double, at listedMargin: Float) -> Double {
    let firing = self.entries(at: 0, of: entries, at: listedMargin)
    let steps = Double(rows) / Double(batch)
    // In some steps it fires several times.
    let moves = steps * (1 - exp(-firing / steps))
    return (batch < Self.fewestRowsTogether ? Self.codedAlone : Self.coded) * Double(rows)
      + listed * firing + Self.moved / stride * moves
  }

  /// What a neuron costs that is checked on every row.
  var ofChecks: Double { Double(rows) }
}
