// SPDX-License-Identifier: Apache-2.0
internal import HalfspaceLinalg

/// How the sums of shards get together in one step, and what that sends.
struct ExchangePlan {
  /// Scores of the batch, padding included, `B`.
  let floats: Int
  /// Shards of each rank.
  let shardCounts: [Int]
  /// All shards, `S`.
  let shardCount: Int
  /// Whether ranks add slices of the sums, instead of every rank all of them.
  let isSliced: Bool
  private let rank: Int

  init(floats: Int, ownership: ShardOwnership, communicator: any Communicator) {
    let size = communicator.size
    self.floats = floats
    rank = communicator.rank
    shardCounts = (0..<size).map { ownership.shards(of: $0).count }
    shardCount = shardCounts.reduce(0, +)
    // A function of what all ranks know: they must agree.
    let cost = ExchangeCost.oneMachine
    let bytes = 4 * Double(floats)
    isSliced =
      cost.slicedSums(bytes: bytes, shards: shardCount, ranks: size)
      < cost.wholeSums(bytes: bytes, shards: shardCount, ranks: size)
  }

  /// The scores that a rank adds up: whole lines of 16, as far as there are some.
  func slice(of rank: Int) -> Range<Int> {
    let size = shardCounts.count
    func bound(_ rank: Int) -> Int { rank == size ? floats : floats / 16 * rank / size * 16 }
    return bound(rank)..<bound(rank + 1)
  }

  /// Bytes that this rank gives to others, each counted once for every rank that needs it.
  var bytesSent: Int {
    let own = shardCounts[rank]
    let others = shardCounts.count - 1
    let mine = slice(of: rank).count
    return isSliced
      ? 4 * own * (floats - mine) + 4 * mine * others : 4 * own * floats * others
  }

  /// Bytes that this rank gets from others.
  var bytesReceived: Int {
    let foreign = shardCount - shardCounts[rank]
    let mine = slice(of: rank).count
    return isSliced ? 4 * foreign * mine + 4 * (floats - mine) : 4 * foreign * floats
  }
}
