// SPDX-License-Identifier: Apache-2.0
internal import Foundation
public import HalfspaceLinalg

/// Ranks that are threads of this process: what several processes do, without an engine for them.
public enum ThreadRanks {
  /// Runs `body` on every rank at once and returns what each gave, in the order of the ranks.
  public static func run<Result: Sendable>(
    _ size: Int, _ body: @Sendable @escaping (any Communicator) throws -> Result
  ) throws -> [Result] {
    let board = Board(size)
    let results = Guarded<[Int: Swift.Result<Result, any Error>]>([:])
    let done = DispatchGroup()
    for rank in 0..<size {
      done.enter()
      let thread = Thread {
        let result = Swift.Result { try body(Rank(rank: rank, board: board)) }
        results.withLock { $0[rank] = result }
        done.leave()
      }
      thread.stackSize = 8 << 20
      thread.start()
    }
    done.wait()
    return try results.withLock { all in try (0..<size).map { try all[$0]!.get() } }
  }

  /// Where ranks show each other their buffers. A meeting ends when all ranks have come.
  ///
  /// - Note: `Sendable` is unchecked: slots are written before a meeting and read after it.
  @safe private final class Board: @unchecked Sendable {
    let size: Int
    @unsafe var slots: [UnsafeRawBufferPointer]
    private let condition = NSCondition()
    private var waiting = 0
    private var meeting = 0

    init(_ size: Int) {
      self.size = size
      unsafe slots = .init(repeating: .init(start: nil, count: 0), count: size)
    }

    func show(_ buffer: UnsafeRawBufferPointer, rank: Int) {
      condition.lock()
      unsafe slots[rank] = buffer
      condition.unlock()
    }

    func meet() {
      condition.lock()
      defer { condition.unlock() }
      waiting += 1
      if waiting == size {
        waiting = 0
        meeting += 1
        condition.broadcast()
        return
      }
      let mine = meeting
      while meeting == mine { condition.wait() }
    }
  }

  private struct Rank: Communicator {
    let rank: Int
    let board: Board
    var size: Int { board.size }

    func allGather(
      _ part: UnsafeRawBufferPointer, counts: [Int], into whole: UnsafeMutableRawBufferPointer
    ) {
      precondition(part.count == counts[rank] && whole.count == counts.reduce(0, +))
      unsafe meet(showing: part) {
        var start = 0
        for other in 0..<size {
          unsafe Self.copy(board.slots[other], 0, counts[other], to: whole, start)
          start += counts[other]
        }
      }
    }

    func exchange(
      _ parts: UnsafeRawBufferPointer, counts: [Int],
      into received: UnsafeMutableRawBufferPointer, receivedCounts: [Int]
    ) {
      precondition(
        parts.count == counts.reduce(0, +) && received.count == receivedCounts.reduce(0, +))
      // Where a part begins depends on what its sender has for the ranks before this one.
      var all = [Int](repeating: 0, count: size * size)
      unsafe counts.withUnsafeBytes { mine in
        unsafe all.withUnsafeMutableBytes { whole in
          unsafe allGather(mine, counts: .init(repeating: 8 * size, count: size), into: whole)
        }
      }
      let sent = all
      unsafe meet(showing: parts) {
        var start = 0
        for other in 0..<size {
          let row = sent[other * size..<(other + 1) * size]
          precondition(row[other * size + rank] == receivedCounts[other])
          unsafe Self.copy(
            board.slots[other], row.prefix(rank).reduce(0, +), receivedCounts[other],
            to: received, start)
          start += receivedCounts[other]
        }
      }
    }

    func broadcast(_ buffer: UnsafeMutableRawBufferPointer, from root: Int) {
      unsafe meet(showing: .init(buffer)) {
        if rank != root { unsafe Self.copy(board.slots[root], 0, buffer.count, to: buffer, 0) }
      }
    }

    /// Lets all ranks read what this one shows; returns when all have.
    private func meet(showing buffer: UnsafeRawBufferPointer, _ read: () -> Void) {
      unsafe board.show(buffer, rank: rank)
      board.meet()
      read()
      board.meet()
    }

    private static func copy(
      _ source: UnsafeRawBufferPointer, _ from: Int, _ count: Int,
      to target: UnsafeMutableRawBufferPointer, _ at: Int
    ) {
      guard count > 0 else { return }
      unsafe UnsafeMutableRawBufferPointer(rebasing: target[at..<at + count]).copyMemory(
        from: .init(rebasing: source[from..<from + count]))
    }
  }
}
