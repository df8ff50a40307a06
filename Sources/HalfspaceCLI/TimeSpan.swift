// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import _HalfspaceReport

/// A span of time as people write it: `90`, `90s`, `15m`, `1.5h`.
struct TimeSpan: ExpressibleByArgument, Equatable {
  let seconds: Double

  private static let units: [(suffix: String, seconds: Double)] = [
    ("h", 3600), ("m", 60), ("s", 1), ("", 1),
  ]

  init(seconds: Double) { self.seconds = seconds }

  /// How help texts say a default.
  var defaultValueDescription: String { "\(Format.significant(seconds, digits: 6))s" }

  init?(argument: String) {
    for (suffix, unit) in Self.units where argument.hasSuffix(suffix) {
      guard let value = Double(argument.dropLast(suffix.count)), value > 0, value.isFinite else {
        return nil
      }
      seconds = value * unit
      return
    }
    return nil
  }
}
