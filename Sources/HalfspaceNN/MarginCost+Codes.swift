// SPDX-License-Identifier: Apache-2.0

extension MarginCost {
  /// Comparing the codes of a row with one input.
  private static let coded = 0.15

  /// What a neuron costs in an epoch that is found by its codes, of which `entries` rows were listed at one
  /// margin.
  func ofCodes(entries: Double, at listedMargin: Float) -> Double {
    Self.coded * Double(rows) + Self.listed * self.entries(at: 0, of: entries, at: listedMargin)
  }

  /// What a neuron costs that is checked on every row.
  var ofChecks: Double { Double(rows) }
}
