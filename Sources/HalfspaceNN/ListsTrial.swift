// SPDX-License-Identifier: Apache-2.0

/// When candidate lists are tried, and when they are given up, by what they were forecast to cost and
/// what they have cost, in seconds per row. It holds no clock.
///
/// Forecasts are corrected by what the last lists cost. Lists are given up after two epochs in a row, or
/// one that is far off, in which they were slower than the index before: an epoch alone may be one in
/// which margins were still learnt. They are not tried again before twice as many rows have passed as
/// the last time.
struct ListsTrial {
  /// What lists have to save, as a share of what the index costs.
  private static let leastGain = 0.1
  /// What is slower than the index, and what is far slower.
  private static let slow = 1.1
  private static let farSlower = 2.0
  /// How many times as fast as the index is far ahead.
  private static let farAhead = 2.0
  /// How far forecasts are corrected, either way.
  private static let mostCorrection = 4.0

  /// Rows answered from which on lists may be tried.
  private(set) var from: Int
  private var wait: Int
  /// The forecast, not corrected, of the lists that were made last.
  private var forecast = 0.0
  /// What lists cost as a multiple of what they were forecast to.
  private(set) var correction = 1.0
  private var slowEpochs = 0

  /// No lists before `from` rows, and for twice `wait` rows when they are first given up.
  init(from: Int, wait: Int) {
    self.from = from
    self.wait = wait
  }

  /// Whether lists that are forecast to cost `forecast` would be so much faster than the index that even a
  /// rough forecast will do.
  func areFarAhead(forecast: Double, index pace: Double) -> Bool {
    Self.farAhead * forecast * correction < pace
  }

  /// No lists before `rows` have been answered.
  mutating func postpone(to rows: Int) { from = max(from, rows) }

  /// Whether lists that are forecast to cost `forecast` are to take the place of an index over `rows`, if it
  /// takes `making` seconds to make them.
  mutating func pays(
    forecast: Double, index pace: Double, making: Double, rows: Range<Int>
  ) -> Bool {
    guard rows.lowerBound >= from else { return false }
    let left = Double(rows.count)
    let saved = ((1 - Self.leastGain) * pace - forecast * correction) * left
    guard saved > making else { return false }
    self.forecast = forecast
    slowEpochs = 0
    return true
  }

  /// Whether lists that took `pace` in an epoch are to give way to an index that took `index`, after
  /// `rowsAnswered` rows.
  mutating func isSlow(_ pace: Double, index: Double, at rowsAnswered: Int) -> Bool {
    if forecast > 0 {
      // Epochs differ: some have a refresh more than others.
      correction = min(
        max((correction + pace / forecast) / 2, 1 / Self.mostCorrection), Self.mostCorrection)
    }
    slowEpochs = pace > Self.slow * index ? slowEpochs + 1 : 0
    guard slowEpochs > 1 || pace > Self.farSlower * index else { return false }
    wait *= 2
    from = rowsAnswered + wait
    return true
  }
}
