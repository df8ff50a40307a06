// SPDX-License-Identifier: Apache-2.0

/// What a report over tiles has cost.
struct TileWork {
  /// Pairs of a tile and a query, or nodes of an order's tree and a query, looked at and discarded as a whole.
  var visited = 0
  var pruned = 0
  /// Pairs of a tile and a query whose codes were multiplied, and bytes of codes and nodes read.
  var multiplied = 0
  var bytes = 0
  /// Rows decided because their whole tile fires, and candidates decided.
  var valued = 0
  var rechecked = 0

  /// Adds pairs of a tile and one query, of whose tiles all are read that are not pruned.
  mutating func add(pairs: Int, pruned: Int, bytes perTile: Int) {
    visited += pairs
    self.pruned += pruned
    multiplied += pairs - pruned
    bytes += (pairs - pruned) * perTile
  }

  static func += (sum: inout TileWork, more: TileWork) {
    sum.visited += more.visited
    sum.pruned += more.pruned
    sum.multiplied += more.multiplied
    sum.bytes += more.bytes
    sum.valued += more.valued
    sum.rechecked += more.rechecked
  }
}
