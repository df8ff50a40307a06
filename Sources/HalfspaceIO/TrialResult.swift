// SPDX-License-Identifier: Apache-2.0

/// What settings came to on rows set apart from the training rows.
public struct TrialResult: Sendable, Equatable {
  /// The settings.
  public let settings: TrialSettings
  /// Share of rows whose class was wrong; for numbers, the mean squared error over that of predicting
  /// the mean of the training rows.
  public let error: Double
  /// Rows judged.
  public let rows: Int
  /// Rows trained on, each counted as often as it was.
  public let rowVisits: Int
  /// Whether classes were judged, and the error is a share of rows.
  public let judgesClasses: Bool

  /// Accuracy, or R².
  public var score: Double { 1 - error }

  /// Whether this is better by more than what chance makes of a few rows: by half a standard error of
  /// a share, by a hundredth of a mean square.
  func isClearlyBetter(than other: TrialResult) -> Bool {
    guard judgesClasses else { return error < 0.99 * other.error }
    let noise = (other.error * (1 - other.error) / Double(max(1, rows))).squareRoot()
    return error < other.error - 0.5 * noise
  }
}
