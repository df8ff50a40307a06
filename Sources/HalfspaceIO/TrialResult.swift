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
    let best = results.min { $0.cost < $1.cost }!
    return results.first { result in
      let (excess, error) = difference(result.costs[...], best.costs[...])
      return excess <= error
    }!
  }

  /// By how much costs are above others on the same rows, and the standard error of that.
  ///
  /// Times that rows are set apart share most of the rows that are trained on, so that more of them do not
  /// tell as much as independent ones: beside 1/J stands the quotient of rows held and rows kept (Nadeau
  /// and Bengio, "Inference for the generalization error", 2003).
  static func difference(
    _ costs: ArraySlice<Double>, _ others: ArraySlice<Double>
  ) -> (excess: Double, error: Double) {
    let differences = zip(costs, others).map { $0 - $1 }
    let count = Double(differences.count)
    let excess = differences.reduce(0, +) / count
    let variance = differences.reduce(0) { $0 + ($1 - excess) * ($1 - excess) } / (count - 1)
    let overlap = SettingsTrial.heldShare / (1 - SettingsTrial.heldShare)
    return (excess, (variance * (1 / count + overlap)).squareRoot())
  }

  /// Whether this is better by more than what chance makes of a few rows: by half a standard error of
  /// a share, by a hundredth of a mean square.
  func isClearlyBetter(than other: TrialResult) -> Bool {
    guard judgesClasses else { return error < 0.99 * other.error }
    let noise = (other.error * (1 - other.error) / Double(max(1, rows))).squareRoot()
    return error < other.error - 0.5 * noise
  }
}
