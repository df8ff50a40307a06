// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// A moment, for durations in seconds. Read ten times in a step that may take two microseconds, so it
/// is the bare monotonic clock.
struct Stopwatch {
  private var seconds: Int
  private var nanoseconds: Int

  /// This moment.
  static var now: Stopwatch {
    var time = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return Stopwatch(seconds: time.tv_sec, nanoseconds: time.tv_nsec)
  }

  private func elapsed(to later: Stopwatch) -> Double {
    Double(1_000_000_000 * (later.seconds - seconds) + later.nanoseconds - nanoseconds) * 1e-9
  }

  /// This moment in seconds, of a clock that only goes forward.
  static var seconds: Double {
    let now = Stopwatch.now
    return Double(now.seconds) + 1e-9 * Double(now.nanoseconds)
  }

  /// Seconds since this moment.
  var secondsToNow: Double { elapsed(to: .now) }

  /// Seconds since this moment, which becomes now.
  mutating func lap() -> Double {
    let now = Stopwatch.now
    defer { self = now }
    return elapsed(to: now)
  }
}
