// SPDX-License-Identifier: Apache-2.0
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
/// - Complexity: about 1 µs of overhead beyond the bodies.
public func parallelFor(
  _ count: Int, threads: Int, _ body: @Sendable (_ index: Int) -> Void
) {
  let workers = min(threads, count)
  guard workers > 1 else {
    for index in 0..<max(0, count) { body(index) }
    return
  }
  let next = Atomic<Int>(0)
  DispatchQueue.concurrentPerform(iterations: workers) { _ in
    while true {
      let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
      guard index < count else { return }
      body(index)
    }
  }
}

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
