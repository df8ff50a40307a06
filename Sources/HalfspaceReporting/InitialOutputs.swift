// SPDX-License-Identifier: Apache-2.0

/// The output weights that a network starts with.
///
/// With `zero` and `symmetricPairs` the neurons that have never fired contribute nothing to any
/// output, so that prediction needs the materialized neurons only and training starts at `f = 0`.
/// With `zero` that is so to the bit. The members of a pair cancel in real numbers; a dense network
/// that adds both keeps the rounding of the two sums on inputs that it has not been trained on.
public enum InitialOutputs: Sendable, Equatable, Codable {
  /// What output weights that are not zero are drawn from.
  public enum Distribution: String, Sendable, Codable, CaseIterable {
    /// N(0, 1).
    case gaussian
    /// -1 and +1 with equal probability, the fixed output layer of the theory.
    case signs
  }

  /// All zero; the output layer must be trained.
  case zero
  /// Neurons `2r` and `2r + 1` share row `r` and have output weights `+a_r` and `-a_r`.
  case symmetricPairs(Distribution = .gaussian)
  /// Every neuron has a row and output weights of its own.
  case independent(Distribution = .gaussian)
}
