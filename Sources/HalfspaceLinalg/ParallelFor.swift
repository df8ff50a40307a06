// SPDX-License-Identifier: Apache-2.0
internal import CHalfspace
internal import Dispatch
internal import Synchronization

/// Runs `body` for every index of `0..<count`, on up to `threads` threads, and returns when all
/// are done.
///
/// The one parallel loop of the package. Indices are handed out dynamically, so `body` must give
/// the same result whichever thread runs it and write only what belongs to its index: then the
/// result does not depend on `threads`. With `threads <= 1` or a single index it runs inline.
/// OpenBLAS runs single-threaded inside, see `Runtime.setBLASThreads(_:)`.
///
/// The threads are kept, and wait awake for a while: a loop of ten microseconds is worth two threads.
/// Loops within a loop, and those of several callers at once, are left to Dispatch.
///
/// - Complexity: about 0.3 µs of overhead beyond the bodies soon after another loop (1 µs where processors
///   are far from each other), otherwise the time to wake a thread.
public func parallelFor(
  _ count: Int, threads: Int, _ body: @Sendable (_ index: Int) -> Void
) {
  let workers = min(threads, count)
  guard workers > 1, !isOnThisThreadAlone else {
    for index in 0..<max(0, count) { body(index) }
    return
  }
  guard !runOnKeptThreads(count, workers, body) else { return }
  let next = Atomic<Int>(0)
  DispatchQueue.concurrentPerform(iterations: workers) { _ in
    while true {
      let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
      guard index < count else { return }
      body(index)
    }
  }
}

/// Runs the loop on the threads that are kept; false, with nothing run, where they are not to be had.
private func runOnKeptThreads(
  _ count: Int, _ threads: Int, _ body: @Sendable (_ index: Int) -> Void
) -> Bool {
  withoutActuallyEscaping(body) { body in
    var body = body
    return unsafe withUnsafeMutablePointer(to: &body) { body in
      let run: @convention(c) (UnsafeMutableRawPointer?, OpaquePointer?) -> Void = { body, parts in
        // Held once, not for each index: threads would take its count from each other.
        let body = unsafe body!.assumingMemoryBound(to: (@Sendable (Int) -> Void).self).pointee
        while true {
          let index = unsafe hs_next_index(parts)
          guard index >= 0 else { return }
          body(index)
        }
      }
      return unsafe hs_parallel(count, Int32(clamping: threads), run, body) == 1
    }
  }
}

/// Runs `body` with the loops inside of it left to the calling thread: `parallelFor` wakes nobody. Calls may
/// not be nested.
package func onThisThreadAlone<Result>(_ body: () -> Result) -> Result {
  hs_set_alone(1)
  defer { hs_set_alone(0) }
  return body()
}

/// The threads that loops of this thread get of `threads`: one where it is alone.
package func threadsToHave(_ threads: Int) -> Int { isOnThisThreadAlone ? 1 : threads }

private var isOnThisThreadAlone: Bool { hs_is_alone() == 1 }

/// Cuts `0..<count` into consecutive ranges of `grain` (the last may be shorter) and runs `body`
/// for each as `parallelFor(_:threads:_:)` does. The cut depends on `count` and `grain` only.
public func parallelFor(
  _ count: Int, grain: Int, threads: Int, _ body: @Sendable (_ range: Range<Int>) -> Void
) {
  precondition(grain > 0, "grain \(grain) is not positive")
  parallelFor((count + grain - 1) / grain, threads: threads) { block in
    let start = block * grain
    body(start..<min(count, start + grain))
  }
}

/// `0..<count` cut into parts for a loop on `threads`, as many for each, which get smaller in the order in which
/// a thread takes them: the last ones are small, so that threads are through at about the same time, and
/// the others are few.
package struct TaperedParts: Sendable {
  /// Number of parts.
  package let count: Int
  private let length: Int

  package static let partsOfThread = 4
  /// Where the parts of a thread end, in tenths of all that is its own.
  private static let ends = [0, 4, 7, 9, 10]

  /// Parts of `0..<count`; one, of everything, for one thread.
  package init(of count: Int, threads: Int) {
    self.count = threads > 1 ? Self.partsOfThread * threads : 1
    length = count
  }

  package subscript(_ part: Int) -> Range<Int> {
    count == 1 ? 0..<length : bound(part)..<bound(part + 1)
  }

  private func bound(_ part: Int) -> Int {
    let (thread, own) = part.quotientAndRemainder(dividingBy: Self.partsOfThread)
    return (10 * thread + Self.tenths(own, of: thread)) * length / (10 * count / Self.partsOfThread)
  }

  /// Where part `own` of a thread begins.
  private static func tenths(_ own: Int, of thread: Int) -> Int {
    // The calling thread, which is the first, goes up, others go down.
    thread == 0 ? ends[own] : 10 - ends[partsOfThread - own]
  }

  /// The same of `0..<count` that is a thread's own: `partsOfThread` parts.
  package static func part(_ own: Int, of count: Int, thread: Int) -> Range<Int> {
    tenths(own, of: thread) * count / 10..<tenths(own + 1, of: thread) * count / 10
  }
}

/// Picks numbers from `0..<count` in parts, in parallel: `body` writes those of a range, in order, to where
/// it is told, and returns how many; they are moved together. Returns how many there are in all.
///
/// `room` has space for `count` numbers. `cut` moves the bounds of parts, for parts that must not share
/// what `body` writes: it returns a number that is at least its own and ascends with it.
package func parallelFilter(
  _ count: Int, parts: Int, room: UnsafeMutablePointer<Int32>, cut: (Int) -> Int = { $0 },
  _ body: @Sendable (_ range: Range<Int>, _ room: UnsafeMutablePointer<Int32>) -> Int
) -> Int {
  guard parts > 1 else { return unsafe body(0..<count, room) }
  return unsafe withUnsafeTemporaryAllocation(of: FilterPart.self, capacity: parts) { all in
    for part in 0..<parts {
      unsafe all[part].begin = part == 0 ? 0 : cut(part * count / parts)
      unsafe all[part].end = part + 1 == parts ? count : cut((part + 1) * count / parts)
    }
    let shared = unsafe FilterParts(parts: all.baseAddress!, room: room)
    parallelFor(parts, threads: parts) { number in
      let part = unsafe shared.parts + number
      let range = unsafe part.pointee.begin..<part.pointee.end
      unsafe part.pointee.found = range.isEmpty ? 0 : body(range, shared.room + range.lowerBound)
    }
    var found = 0
    for number in 0..<parts {
      let part = unsafe all[number]
      if part.begin > found {
        unsafe (room + found).update(from: room + part.begin, count: part.found)
      }
      found += part.found
    }
    return found
  }
}

private struct FilterPart {
  var begin: Int
  var end: Int
  var found: Int
}

/// What the parts of a filter share; each writes its own.
@unsafe private struct FilterParts: @unchecked Sendable {
  let parts: UnsafeMutablePointer<FilterPart>
  let room: UnsafeMutablePointer<Int32>
}
