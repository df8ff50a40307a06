// SPDX-License-Identifier: Apache-2.0
public import HalfspaceLinalg

/// The stored weights of a network at one time. The matrices must not change afterwards.
public struct Iterates: Sendable {
  /// First-layer rows `[M, d]`, to be multiplied by `decay`.
  public var weights: Matrix
  /// What weight decay had left of the first layer.
  public var decay: Double
  /// Output weights `[M, C]`, to be multiplied by `outputDecay`.
  public var outputs: Matrix
  /// What weight decay had left of the output weights.
  public var outputDecay: Double

  /// Weights of the given matrices.
  public init(weights: Matrix, decay: Double, outputs: Matrix, outputDecay: Double) {
    self.weights = weights
    self.decay = decay
    self.outputs = outputs
    self.outputDecay = outputDecay
  }
}
