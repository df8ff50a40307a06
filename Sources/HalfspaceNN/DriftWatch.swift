// SPDX-License-Identifier: Apache-2.0
internal import HalfspaceLinalg

/// Watches how fast a sample of neurons goes, and forecasts what candidate lists would cost.
struct DriftWatch {
  private static let sample = 512

  private let neurons: [Int]
  private let from: Matrix
  private let count: Int
  /// Rows answered since, the pairs that fired on them, and the threshold of the last.
  var rows = 0
  var firings = 0
  var threshold: Float = 0

  /// Watches neurons of `weights` from where they are. O(d).
  init(_ weights: Matrix) {
    count = weights.rows
    let sampled = min(count, Self.sample)
    neurons = (0..<sampled).map { $0 * weights.rows / max(1, sampled) }
    from = weights.gather(neurons)
  }

  /// The distances gone.
  func distances(in weights: Matrix) -> [Double] {
    neurons.indices.map { Drift.distance(weights, neurons[$0], from, $0) }
  }

  /// What candidate lists over `trainingRows` rows would cost for one row, in pairs of a dense
  /// product, if neurons went on as they did.
  func forecast(in weights: Matrix, trainingRows: Int) -> Double {
    guard rows > 0, count > 0 else { return .infinity }
    let epochs = Double(rows) / Double(trainingRows)
    // Margins double what is listed, or so.
    guard 2 * Double(firings) / epochs < Double(CandidateLists.mostPairs) else { return .infinity }
    let entries = Double(firings) / epochs / Double(count)
    let cost = MarginCost(rows: trainingRows, threshold: threshold)
    let sum = distances(in: weights).reduce(0) {
      $0 + cost.best(speed: $1 / epochs, entries: entries, at: 0).cost
    }
    return sum * Double(count) / Double(neurons.count) / Double(trainingRows)
  }
}
