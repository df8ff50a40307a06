// SPDX-License-Identifier: Apache-2.0

/// Times the parts of steps. Where a step takes so little that reading clocks would be a part of its
/// own, one of several is timed and stands for all of them.
struct StepTimer {
  /// Seconds below which a step is short, and how many of these one stands for.
  private static let short = 1e-5
  private static let most = 16

  private var clock = Stopwatch.now
  /// Steps that each timed one stands for, those since the last, and the seconds of this one.
  private var stride = 1
  private var untimed = 0
  private var seconds = 0.0
  /// Steps that the present one stands for; zero where it is not timed.
  private var weight = 0.0

  /// A step begins. `all`: every step is timed.
  mutating func start(all: Bool = false) {
    if weight > 0 { stride = seconds < Self.short ? Self.most : 1 }
    untimed += 1
    guard all || untimed >= stride else {
      weight = 0
      return
    }
    weight = Double(untimed)
    untimed = 0
    seconds = 0
    clock = .now
  }

  /// The same step goes on; what has been since the last lap is no part of it.
  mutating func resume() {
    if weight > 0 { clock = .now }
  }

  /// Nothing has begun: the next start is that of the same step.
  mutating func takeBack() { untimed = weight > 0 ? Int(weight) - 1 : untimed - 1 }

  /// Seconds of this step times the steps that it stands for.
  func scaled(_ seconds: Double) -> Double { seconds * weight }

  /// Seconds since the step began or the last lap, less those of work that comes now and then, times the
  /// steps that it stands for.
  mutating func lap(without seldom: Double = 0) -> Double {
    guard weight > 0 else { return 0 }
    let part = clock.lap() - seldom
    seconds += part
    return part * weight
  }
}
