// SPDX-License-Identifier: Apache-2.0

/// Which process holds which logical shards of a network: whole shards, consecutive for each rank.
///
/// ```
/// shards    [ 0, 100, 200, 300, 400 ]      offsets of four shards
/// 3 ranks   | 0: rows 0..<200 | 1: 200..<400 | 2: none |
/// ```
///
/// The largest number of rows on a rank is the smallest possible. What a rank holds is a function
/// of the offsets and the number of ranks, so that all ranks know it without asking. Two networks
/// of the same rows may differ in who holds what, never in a sum: sums run shard by shard.
struct ShardOwnership: Sendable, Equatable {
  /// Offsets of the shards.
  private(set) var shards: [Int]
  /// `bounds[r]..<bounds[r + 1]` are the shards of rank r.
  private let bounds: [Int]

  init(shards: [Int], ranks: Int) {
    precondition(shards.count > 1 && ranks > 0, "shards \(shards) for \(ranks) ranks")
    self.shards = shards
    let count = shards.count - 1
    let largest = zip(shards, shards.dropFirst()).map { $1 - $0 }.max() ?? 0
    // The smallest load with which a walk over the shards needs no more ranks than there are.
    var (low, high) = (max(largest, (shards[count] + ranks - 1) / ranks), shards[count])
    while low < high {
      let middle = (low + high) / 2
      let fits = Self.cut(shards, load: middle).count <= ranks + 1
      (low, high) = fits ? (low, middle) : (middle + 1, high)
    }
    var bounds = Self.cut(shards, load: low)
    while bounds.count < ranks + 1 { bounds.append(count) }
    self.bounds = bounds
  }

  /// Bounds of consecutive shards of at most `load` rows together.
  private static func cut(_ shards: [Int], load: Int) -> [Int] {
    var bounds = [0]
    for shard in 0..<shards.count - 1 where shards[shard + 1] - shards[bounds.last!] > load {
      bounds.append(shard)
    }
    return bounds + [shards.count - 1]
  }

  /// Adds rows behind the others, which the last shard and its owner take. What ranks hold stays
  /// where it is.
  mutating func extend(to count: Int) { shards[shards.count - 1] = count }

  /// The shards of a rank.
  func shards(of rank: Int) -> Range<Int> { bounds[rank]..<bounds[rank + 1] }

  /// The rows of a rank, in layout order.
  func rows(of rank: Int) -> Range<Int> { shards[bounds[rank]]..<shards[bounds[rank + 1]] }

  /// How many rows each rank holds.
  var counts: [Int] { (0..<bounds.count - 1).map { rows(of: $0).count } }
}
