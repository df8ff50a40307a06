// SPDX-License-Identifier: Apache-2.0
import HalfspaceLinalg
import Testing

@Suite struct GuardedTests {
  private struct Failure: Error {}

  @Test func `no change is lost among threads`() {
    let counts = Guarded([0, 0, 0])
    parallelFor(999, threads: 4) { index in counts.withLock { $0[index % 3] += index } }
    let expected = (0..<3).map { first in stride(from: first, to: 999, by: 3).reduce(0, +) }
    #expect(counts.withLock { $0 } == expected)
  }

  @Test func `what is held is not available, and is again afterwards, also after an error`() {
    let value = Guarded(1)
    value.withLock { held in
      held += 1
      let isTaken: Void? = value.withLockIfAvailable { _ in Issue.record("held twice") }
      #expect(isTaken == nil)
    }
    #expect(throws: Failure.self) { try value.withLock { _ in throw Failure() } }
    #expect(throws: Failure.self) { try value.withLockIfAvailable { _ in throw Failure() } }
    #expect(value.withLockIfAvailable { $0 } == 2)
  }
}
