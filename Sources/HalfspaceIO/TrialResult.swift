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
  /// What settings are compared by where rows were set apart several times: for each of these times the
  /// error, of classes together with a quarter of the squared error of the probabilities, which tells more
  /// of few rows.
  let costs: [Double]

  /// What equal errors are told apart by.
  var cost: Double { costs.reduce(0, +) / Double(max(1, costs.count)) }

  /// Accuracy, or R².
  public var score: Double { 1 - error }

  /// The first of `results`, the simplest coming first, that is not worse than the best of them by more than
  /// chance may make of it: the standard error of the difference over the same rows set apart.
  ///
  /// - Precondition: there are results, all from the same rows, set apart twice or more.
  static func simplest(of results: [TrialResult]) -> TrialResult {
    func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }
    let best = results.min { mean($0.costs) < mean($1.costs) }!
    return results.first { result in
      let differences = zip(result.costs, best.costs).map { $0 - $1 }
      let excess = mean(differences)
      let variance = mean(differences.map { ($0 - excess) * ($0 - excess) })
      return excess <= (variance / Double(differences.count - 1)).squareRoot()
    }!
  }

  /// Whether this is better by more than what chance makes of a few rows: by half a standard error of
  /// a share, by a hundredth of a mean square.
  func isClearlyBetter(than other: TrialResult) -> Bool {
    guard judgesClasses else { return error < 0.99 * other.error }
    let noise = (other.error * (1 - other.error) / Double(max(1, rows))).squareRoot()
    return error < other.error - 0.5 * noise
  }
}
