// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import HalfspaceNN

@Suite struct ThreadChoiceTests {
  /// A clock that only steps move.
  private final class Clock {
    var time = 0.0
  }

  private static let testLength = 2 * ThreadChoice.turnsOfEach * ThreadChoice.turnLength

  /// Takes steps that cost what `cost` says, and returns how each was taken.
  private func turns(
    _ steps: Int, threads: Int = 2, cost: (Int, ThreadChoice.Turn) -> Double
  ) -> [ThreadChoice.Turn] {
    let clock = Clock()
    var choice = ThreadChoice(threads: threads) { clock.time }
    return (0..<steps).map { step in
      let turn = choice.begin()
      clock.time += cost(step, turn)
      choice.end()
      return turn
    }
  }

  @Test func `both ways are tried in turns, and the faster is kept`() {
    for (alone, better) in [(1.0, ThreadChoice.Turn.alone), (3, .together)] {
      let taken = turns(Self.testLength + ThreadChoice.stepsBeforeSecond) { _, turn in
        turn == .alone ? alone : 2
      }
      let test = taken.prefix(Self.testLength)
      #expect(test.count { $0 == .alone } == Self.testLength / 2)
      #expect(test.prefix(ThreadChoice.turnLength).allSatisfy { $0 == .together })
      #expect(taken.dropFirst(Self.testLength).allSatisfy { $0 == better })
    }
  }

  @Test func `what slows a few steps down does not decide`() {
    // Every seventh step is interrupted, and so are the first of each turn, when threads wake.
    let taken = turns(Self.testLength + 100) { step, turn in
      let isInterrupted = step % 7 == 0 || step % ThreadChoice.turnLength < ThreadChoice.readySteps
      return (turn == .together ? 1 : 1.2) + (isInterrupted ? 100 : 0)
    }
    #expect(taken.dropFirst(Self.testLength).allSatisfy { $0 == .together })
  }

  @Test func `the choice is made again when things have changed`() {
    let first = Self.testLength + ThreadChoice.stepsBeforeSecond
    let period = Self.testLength + ThreadChoice.stepsBetween
    let taken = turns(first + 2 * period) { step, turn in
      (turn == .together) == (step < first) ? 1 : 2
    }
    #expect(taken[Self.testLength..<first].allSatisfy { $0 == .together })
    #expect(taken[(first + Self.testLength)..<(first + period)].allSatisfy { $0 == .alone })
    #expect(taken[(first + period + Self.testLength)...].allSatisfy { $0 == .alone })
  }

  @Test func `of one thread nothing is chosen`() {
    let taken = turns(10 * Self.testLength, threads: 1) { _, turn in turn == .alone ? 1 : 2 }
    #expect(taken.allSatisfy { $0 == .together })
  }
}
