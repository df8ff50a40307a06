// SPDX-License-Identifier: Apache-2.0

extension ContinuousClock.Instant {
  /// Seconds since this instant.
  var secondsToNow: Double { duration(to: .now) / .seconds(1) }

  /// Seconds since this instant, which becomes now.
  mutating func lap() -> Double {
    let now = ContinuousClock.now
    defer { self = now }
    return duration(to: now) / .seconds(1)
  }
}
