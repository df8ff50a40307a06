// SPDX-License-Identifier: Apache-2.0
internal import HalfspaceLinalg

/// Watches how fast neurons go, and forecasts what candidate lists would cost.
struct DriftWatch {
  /// Neurons that are watched, as long as not all of them are.
  private static let sample = 256

  private let neurons: [Int]
  private let from: Matrix
  private let count: Int
  /// Rows answered since, the pairs that fired on them, and the rows and threshold of the last batch.
  var rows = 0
  var firings = 0
  var batch = 1
  var threshold: Float = 0

  /// Watches neurons of `weights` from where they are: a sample, O(d), or all, O(M d).
  init(_ weights: Matrix, complete: Bool = false) {
    count = weights.rows
    let watched = complete ? count : min(count, Self.sample)
    neurons = (0..<watched).map { $0 * weights.rows / max(1, watched) }
    from = weights.gather(neurons)
  }

  /// Whether all neurons are watched.
  var isComplete: Bool { neurons.count == count }

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
    let sum = choices(in: weights, trainingRows: trainingRows).reduce(0) { $0 + $1.cost }
    return sum * Double(count) / Double(neurons.count) / Double(trainingRows)
  }

  /// The margins that suit the neurons, if all of them are watched: one that has not fired meanwhile
  /// is taken to go half as fast as the mean.
  func start(in weights: Matrix, trainingRows: Int) -> CandidateLists.Start? {
    guard isComplete, rows > 0 else { return nil }
    return CandidateLists.Start(
      margins: choices(in: weights, trainingRows: trainingRows).map(\.margin),
      entries: entries(trainingRows))
  }

  /// Rows in an epoch that a neuron fires on, a mean.
  private func entries(_ trainingRows: Int) -> Double {
    Double(firings) / Double(rows) * Double(trainingRows) / Double(count)
  }

  /// What suits the neurons that are watched; no margin where codes cost less.
  private func choices(
    in weights: Matrix, trainingRows: Int
  ) -> [(margin: Float, cost: Double)] {
    let epochs = Double(rows) / Double(trainingRows)
    let entries = entries(trainingRows)
    let cost = MarginCost(
      weights, threshold: threshold, rows: trainingRows, batch: batch)
    let distances = distances(in: weights)
    let least = distances.reduce(0, +) / Double(2 * max(1, distances.count))
    let coded = cost.ofCodes(entries: entries, at: 0)
    return distances.map {
      let best = cost.best(speed: max($0, least) / epochs, entries: entries, at: 0)
      return best.cost < coded ? best : (margin: 0, cost: coded)
    }
  }
}
