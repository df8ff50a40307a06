// SPDX-License-Identifier: Apache-2.0
internal import HalfspaceLinalg

extension AutomaticIndex {
  /// Rows that have moved, and how far at most, where that is told.
  @unsafe struct Moved {
    let rows: UnsafeBufferPointer<Int32>
    var displacements: UnsafeBufferPointer<Float>?

    func tell(_ index: any ForkableIndex) {
      var index = index
      if let displacements = unsafe displacements {
        unsafe index.update(rows: rows, displacements: displacements)
      } else {
        unsafe index.update(rows: rows)
      }
    }
  }

  /// A structure over all rows, and what it had done when last looked at.
  ///
  /// While nobody asks it, moves are kept for it: it hears of them when somebody does, in the order
  /// in which they came. To rows that have moved on since, each is an upper bound all the same.
  final class Held {
    /// Who asks it sees to it that it has heard of everything: `catchUp()`.
    let index: any ForkableIndex
    var seen = IndexStatistics()
    /// Seconds to build it, and to hear of all moves since it was last asked.
    let buildSeconds: Double
    private(set) var idleSeconds = 0.0
    /// Whether it has been asked since the last move.
    private(set) var isInUse = true

    private struct Call {
      let count: Int
      let hasDistances: Bool
    }

    private var calls: [Call] = []
    private var rows: [Int32] = []
    /// Of all rows of calls that tell distances.
    private var distances: [Float] = []

    init(_ index: any ForkableIndex, buildSeconds: Double) {
      self.index = index
      self.buildSeconds = buildSeconds
    }

    /// Bytes held for moves it has not heard of.
    var byteCount: Int { 4 * (rows.capacity + distances.capacity) }

    /// Whether as many moves are kept for it as there are rows: that is memory enough.
    var isFull: Bool { rows.count >= index.count }

    /// Counts what hearing of moves takes or would take.
    func noteIdleness(seconds: Double) {
      isInUse = false
      idleSeconds += seconds
    }

    func noteUse() {
      isInUse = true
      idleSeconds = 0
    }

    /// Keeps a call for later. O(rows).
    func keep(_ moved: Moved) {
      let displacements = unsafe moved.displacements
      unsafe calls.append(Call(count: moved.rows.count, hasDistances: displacements != nil))
      unsafe rows.append(contentsOf: moved.rows)
      if let displacements = unsafe displacements {
        unsafe distances.append(contentsOf: displacements)
      }
    }

    /// Tells the index of all that has been kept for it.
    func catchUp() {
      guard !calls.isEmpty else { return }
      unsafe rows.withUnsafeBufferPointer { rows in
        unsafe distances.withUnsafeBufferPointer { distances in
          var (row, distance) = (0, 0)
          for call in calls {
            var moved = unsafe Moved(rows: rows.extracting(row..<row + call.count))
            row += call.count
            if call.hasDistances {
              unsafe moved.displacements = distances.extracting(distance..<distance + call.count)
              distance += call.count
            }
            unsafe moved.tell(index)
          }
        }
      }
      calls.removeAll(keepingCapacity: true)
      rows.removeAll(keepingCapacity: true)
      distances.removeAll(keepingCapacity: true)
    }
  }
}
