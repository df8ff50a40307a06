// SPDX-License-Identifier: Apache-2.0

/// What the processes that share a network have told each other in training steps, as one of them
/// counts it.
public struct ExchangeTraffic: Sendable, Equatable {
  /// Steps.
  public var steps = 0
  /// Collective operations.
  public var operations = 0
  /// Bytes given to other ranks, each counted once for every rank that needs it.
  public var bytesSent = 0
  /// Bytes got from other ranks.
  public var bytesReceived = 0
  /// Seconds in exchanges, waiting for slower ranks included.
  public var seconds = 0.0

  /// None.
  public init() {}
}
