// SPDX-License-Identifier: Apache-2.0
import Foundation
import Synchronization
import _HalfspaceReport

/// How long a line of memory takes from one processor to another and back: what two threads pay whenever
/// one waits for the other. A virtual machine may be given processors that are near to each other at one time
/// and far at another.
enum LineLatency {
  private static let roundTrips = 20_000

  /// What goes there and back: one word, that is odd on its way there and even on its way back.
  private final class Court: Sendable {
    let isReady = Atomic<Bool>(false)
    let word = Atomic<Int>(0)
  }

  /// Seconds, the mean over many round trips.
  static var seconds: Double {
    let court = Court()
    Thread.detachNewThread {
      court.isReady.store(true, ordering: .releasing)
      for turn in 1...roundTrips {
        while court.word.load(ordering: .acquiring) != 2 * turn - 1 {}
        court.word.store(2 * turn, ordering: .releasing)
      }
    }
    while !court.isReady.load(ordering: .acquiring) {}
    let start = MonotonicClock.now
    for turn in 1...roundTrips {
      court.word.store(2 * turn - 1, ordering: .releasing)
      while court.word.load(ordering: .acquiring) != 2 * turn {}
    }
    return (MonotonicClock.now - start) / Double(roundTrips)
  }
}
