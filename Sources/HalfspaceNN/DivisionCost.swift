// SPDX-License-Identifier: Apache-2.0

/// What one step costs a rank, for either way to divide it, from what is known after the static
/// report.
///
///     neurons   batch d h c      +  exchange of sums of shards
///     batches   batch d M c / P  +  exchange of scores, pairs and moved rows
///
/// with `c` seconds for a multiplication of a lookup, M stored neurons, `h` those on the fullest
/// rank, and at most `min(M, k batch)` rows moved where `k` neurons fire on a row. Neurons win nearly
/// always: the moved rows alone are more than the scores. Batches win where they are so large that
/// most rows of weights move in every step anyway and outputs are many, or where there are fewer
/// shards than ranks.
struct DivisionCost {
  var ranks: Int
  /// Stored neurons, all of them and those on the fullest rank.
  var stored: Int
  var mostHeld: Int
  var shards: Int
  /// Neurons that fire on a row.
  var firings: Double
  var batch: Int
  /// Floats of a row of either layer, padding included.
  var inputStride: Int
  var outputStride: Int

  /// Seconds for a multiplication of a lookup, on one core. What matters is its proportion to the
  /// prices of an exchange.
  private static let product = 0.03e-9
  private static let exchange = ExchangeCost.oneMachine

  private var scoreBytes: Double { 4 * Double(batch * outputStride) }

  private func products(_ rows: Double) -> Double {
    Self.product * rows * Double(batch * inputStride)
  }

  /// Seconds of a step with the neurons divided.
  var neurons: Double {
    products(Double(mostHeld))
      + Self.exchange.sums(bytes: scoreBytes, shards: shards, ranks: ranks)
  }

  /// Seconds of a step with the batch divided.
  var batches: Double {
    let pairs = firings * Double(batch)
    return products(Double(stored) / Double(ranks))
      + Self.exchange.dividedBatch(
        bytes: scoreBytes, pairs: pairs, moved: min(Double(stored), pairs),
        rowBytes: 4 * Double(inputStride + outputStride), ranks: ranks)
  }
}
