// SPDX-License-Identifier: Apache-2.0
internal import HalfspaceLinalg
internal import HalfspaceReporting

extension MaterializedNetwork {
  /// `scale`, times what weight decay has left of both layers: the factor on sums over stored rows.
  var outputFactor: Float { outputFactor(decay: decay, outputDecay: outputDecay) }

  private func outputFactor(decay: Double, outputDecay: Double) -> Float {
    Float(Double(scale) * decay * outputDecay)
  }

  /// A predictor over the given rows of this network's shape, which must not change afterwards.
  func predictor(
    weights: Matrix, decay: Double, outputs: Matrix, outputDecay: Double
  ) -> Predictor {
    let latent: Predictor.LatentPart? =
      switch initial.outputs {
      case .independent: .init(initial: initial, materialized: neurons)
      case .zero, .symmetricPairs: nil
      }
    return Predictor(
      weights: weights, outputs: outputs, threshold: Float(Double(threshold) / decay),
      factor: outputFactor(decay: decay, outputDecay: outputDecay), shards: shards,
      latent: latent)
  }
}
