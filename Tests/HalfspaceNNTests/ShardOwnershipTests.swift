// SPDX-License-Identifier: Apache-2.0
import HalfspaceLinalg
import Testing
import _HalfspaceTestSupport

@testable import HalfspaceNN

@Suite struct ShardOwnershipTests {
  @Test(arguments: [1, 2, 3, 5, 8, 13], [2, 9, 17])
  func `every row has one owner and the fullest rank is as empty as can be`(
    ranks: Int, offsets: Int
  ) {
    var generator = SeededGenerator(seed: UInt64(offsets))
    var shards = [0]
    for _ in 1..<offsets { shards.append(shards.last! + generator.below(50)) }
    let ownership = ShardOwnership(shards: shards, ranks: ranks)
    #expect((0..<ranks).flatMap { Array(ownership.rows(of: $0)) } == Array(0..<shards.last!))
    #expect(ownership.counts.count == ranks)
    #expect(ownership.counts.max() == bestLoad(shards, ranks))
  }

  /// The smallest possible number of rows on the fullest rank, by trying every cut.
  private func bestLoad(_ shards: [Int], _ ranks: Int) -> Int {
    let count = shards.count - 1
    // best[k]: of shards k... on the ranks left.
    var best = (0...count).map { shards[count] - shards[$0] }
    for _ in 1..<ranks {
      best = (0...count).map { k in
        (k...count).map { max(shards[$0] - shards[k], best[$0]) }.min()!
      }
    }
    return best[0]
  }

  @Test func `shards are as many as processes can share evenly`() {
    for (count, expected) in [
      (1, 1), (255, 1), (400, 3), (1024, 8), (100_000, 8), (131_072, 16), (1 << 20, 128),
      (1 << 30, 4096),
    ] {
      let shards = MaterializedNetwork.makeShards(count: count)
      #expect(shards.count - 1 == expected, "\(count) neurons")
      #expect(shards.first == 0 && shards.last == count)
    }
  }
}
