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

/// What the parts of a report by rows have come to. Each writes lines of memory of its own; who puts the parts
/// together reads these and no worker: workers stay in the caches of the threads that use them.
@unsafe struct TileParts: @unchecked Sendable {
  @unsafe struct Part {
    let pairs: PairReport.View
    let work: TileWork
  }

  private static let stride = unsafe (MemoryLayout<Part>.size + 127) / 128 * 128

  private let memory: UnsafeMutableRawPointer

  /// Calls `body` with room for so many parts, which `body` writes before it reads them.
  static func withRoom<Result>(for count: Int, _ body: (TileParts) -> Result) -> Result {
    unsafe withUnsafeTemporaryAllocation(byteCount: count * stride, alignment: 128) {
      unsafe body(TileParts(memory: $0.baseAddress!))
    }
  }

  subscript(_ number: Int) -> Part {
    get { unsafe (memory + number * Self.stride).assumingMemoryBound(to: Part.self).pointee }
    nonmutating set {
      unsafe (memory + number * Self.stride).bindMemory(to: Part.self, capacity: 1).initialize(
        to: newValue)
    }
  }
}
