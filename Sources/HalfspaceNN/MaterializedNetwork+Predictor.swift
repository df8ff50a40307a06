// SPDX-License-Identifier: Apache-2.0
internal import HalfspaceLinalg
internal import HalfspaceReporting

extension MaterializedNetwork {
  /// `scale`, times what weight decay has left of both layers: the factor on sums over stored rows.
  var outputFactor: Float { outputFactor(decay: decay, outputDecay: outputDecay) }

  private func outputFactor(decay: Double, outputDecay: Double) -> Float {
    Float(Double(scale) * decay * outputDecay)
  }

  /// A predictor over weights of this network's first rows.
  func predictor(of iterates: Iterates) -> Predictor {
    let count = iterates.weights.rows
    let latent: Predictor.LatentPart? =
      switch initial.outputs {
      case .independent: .init(initial: initial, materialized: Array(neurons[..<count]))
      case .zero, .symmetricPairs: nil
      }
    return Predictor(
      weights: iterates.weights, outputs: iterates.outputs,
      threshold: Float(Double(threshold) / iterates.decay),
      factor: outputFactor(decay: iterates.decay, outputDecay: iterates.outputDecay),
      // Rows that joined later belong to the last shard.
      shards: shards.dropLast() + [count], latent: latent)
  }
}
