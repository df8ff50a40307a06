// SPDX-License-Identifier: Apache-2.0

/// Whether steps take the threads that they may take, or are faster on the calling thread alone: where
/// a step is a few loops of some microseconds, or other programs have the processors, handing work over
/// can cost more than it saves.
///
/// Decided by the clock, which results do not depend on. Some steps of a kind take turns with as many of the
/// other, a few times; what was faster, by the medians, is kept for many steps, and then put to the test again.
struct ThreadChoice {
  /// How a step is taken.
  enum Turn: Equatable {
    case together, alone
  }

  /// Steps of a turn; the first two of them make threads and caches ready.
  static let turnLength = 12
  static let readySteps = 2
  /// Turns of each kind in a test.
  static let turnsOfEach = 5
  /// Steps between tests, and before the second: the first steps of a trainer, whose lookups are on trial, may
  /// be unlike the others.
  static let stepsBetween = 4096
  static let stepsBeforeSecond = 512

  private let mayChoose: Bool
  private let now: () -> Double
  private var kept = Turn.together
  /// Steps since the test under way began; negative: until the next one begins.
  private var position = 0
  private var isTest = false
  private var isFirst = true
  private var times: (together: [Double], alone: [Double]) = ([], [])
  private var start = 0.0
  private var isTimed = false

  /// For steps on up to so many threads. `now`: seconds by some clock.
  init(threads: Int, now: @escaping () -> Double = { Stopwatch.seconds }) {
    mayChoose = threads > 1
    self.now = now
  }

  /// A step begins, and is to be taken so.
  mutating func begin() -> Turn {
    isTest = mayChoose && position >= 0
    guard mayChoose else { return .together }
    guard isTest else {
      position += 1
      return kept
    }
    let step = position % Self.turnLength
    isTimed = step >= Self.readySteps
    if isTimed { start = now() }
    return turn
  }

  /// The step that began has ended.
  mutating func end() {
    guard isTest else { return }
    if isTimed {
      let seconds = now() - start
      if turn == .alone { times.alone.append(seconds) } else { times.together.append(seconds) }
    }
    position += 1
    guard position == 2 * Self.turnsOfEach * Self.turnLength else { return }
    kept = Self.median(times.alone) < Self.median(times.together) ? .alone : .together
    times = ([], [])
    position = isFirst ? -Self.stepsBeforeSecond : -Self.stepsBetween
    isFirst = false
  }

  private var turn: Turn { position / Self.turnLength % 2 == 0 ? .together : .alone }

  private static func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }
}
