// SPDX-License-Identifier: Apache-2.0
internal import Foundation

/// What exchanges between processes cost: a start for each round of messages, and the bytes that a
/// rank receives.
///
///     e = starts * latency + bytes * secondsPerByte
///
/// A collective operation of P ranks takes `ceil(log2 P)` rounds. The model has no terms for
/// congestion, for messages that wait for slow ranks, or for what a machine's ranks share.
public struct ExchangeCost: Sendable, Equatable {
  /// Seconds of a small message between two ranks.
  public var latency: Double
  /// Seconds for a byte received.
  public var secondsPerByte: Double

  /// A model with these prices.
  public init(latency: Double, secondsPerByte: Double) {
    self.latency = latency
    self.secondsPerByte = secondsPerByte
  }

  /// Processes on one machine, as they choose by: every rank must choose alike, so that these are
  /// constants.
  static let oneMachine = ExchangeCost(latency: 1.5e-6, secondsPerByte: 0.2e-9)

  private func rounds(_ ranks: Int) -> Double { log2(Double(max(1, ranks))).rounded(.up) }

  private func seconds(rounds: Double, bytes: Double, ranks: Int) -> Double {
    let p = Double(ranks)
    return rounds * latency + bytes * (p - 1) / p * secondsPerByte
  }

  /// Seconds until every rank has `bytes`, of which ranks hold equal parts.
  public func gather(bytes: Double, ranks: Int) -> Double {
    seconds(rounds: rounds(ranks), bytes: bytes, ranks: ranks)
  }

  /// Seconds until every rank has the scores of a batch, `bytes` of them, when every rank gets the
  /// sums of all `shards`.
  public func wholeSums(bytes: Double, shards: Int, ranks: Int) -> Double {
    gather(bytes: bytes * Double(shards), ranks: ranks)
  }

  /// The same when each rank adds a slice of the sums of all `shards` and tells the others.
  public func slicedSums(bytes: Double, shards: Int, ranks: Int) -> Double {
    seconds(
      rounds: 2 * rounds(ranks), bytes: bytes * (Double(shards) / Double(ranks) + 1), ranks: ranks)
  }

  /// The cheaper of both.
  public func sums(bytes: Double, shards: Int, ranks: Int) -> Double {
    min(
      wholeSums(bytes: bytes, shards: shards, ranks: ranks),
      slicedSums(bytes: bytes, shards: shards, ranks: ranks))
  }

  /// Seconds of the exchanges of a step with a divided batch: its scores, `bytes` of them, its
  /// `pairs` that fire, each to the owner of the neuron, and the `moved` rows of `rowBytes` to all.
  public func dividedBatch(
    bytes: Double, pairs: Double, moved: Double, rowBytes: Double, ranks: Int
  ) -> Double {
    seconds(
      rounds: 4 * rounds(ranks), bytes: bytes + 8 * pairs / Double(ranks) + moved * (rowBytes + 4),
      ranks: ranks)
  }
}
