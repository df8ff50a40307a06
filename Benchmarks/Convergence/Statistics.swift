// SPDX-License-Identifier: Apache-2.0
import Foundation
import Halfspace
import _HalfspaceReport

/// Means, least squares and bootstrap intervals.
enum Statistics {
  /// Resamples of a bootstrap.
  static let resamples = 1000

  static func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }

  static func rootMeanSquare(_ values: [Double]) -> Double {
    mean(values.map { $0 * $0 }).squareRoot()
  }

  /// The slope of the line of least squares.
  static func slope(_ x: [Double], _ y: [Double]) -> Double {
    let (meanX, meanY) = (mean(x), mean(y))
    let products = zip(x, y).reduce(0) { $0 + ($1.0 - meanX) * ($1.1 - meanY) }
    return products / x.reduce(0) { $0 + ($1 - meanX) * ($1 - meanX) }
  }

  /// What the largest of `comparisons` standard normal deviates exceeds, by Bonferroni's bound, no
  /// more often than a single one exceeds 4.
  static func limit(comparisons: Int) -> Double {
    GaussianTail.threshold(
      forProbability: GaussianTail.probability(above: 4) / Double(comparisons))
  }

  /// The central 95 % of a statistic over resamples of the values, with a fixed seed.
  static func interval(
    _ values: [Double], of statistic: ([Double]) -> Double = mean
  ) -> ClosedRange<Double> {
    bootstrap { generator in statistic(resampled(values, &generator)) }
  }

  static func resampled(_ values: [Double], _ generator: inout SeededGenerator) -> [Double] {
    values.map { _ in values[generator.below(values.count)] }
  }

  /// The central 95 % of what `draw` gives.
  static func bootstrap(_ draw: (inout SeededGenerator) -> Double) -> ClosedRange<Double> {
    var generator = SeededGenerator(seed: 2307, stream: 6565)
    let sorted = (0..<resamples).map { _ in draw(&generator) }.sorted()
    return sorted[resamples / 40]...sorted[resamples - 1 - resamples / 40]
  }
}

/// A quantity at several places, measured with several seeds at each.
struct Scaling: Sendable {
  struct Place: Sendable {
    var x: Double
    /// One per seed.
    var values: [Double]

    var mean: Double { Statistics.mean(values) }
    var interval: ClosedRange<Double> { Statistics.interval(values) }
  }

  var places: [Place]

  /// Measurements with their places, grouped by place, ascending.
  init(_ measurements: [(x: Double, value: Double)]) {
    places = Set(measurements.map(\.x)).sorted().map { x in
      Place(x: x, values: measurements.filter { $0.x == x }.map(\.value))
    }
  }

  /// The exponent of x: the slope of the logarithm of the mean over that of the place.
  var exponent: Double { Self.exponent(places.map { ($0.x, $0.mean) }) }

  /// The central 95 % of the exponent when seeds are drawn again at every place.
  var exponentInterval: ClosedRange<Double> {
    Statistics.bootstrap { generator in
      Self.exponent(
        places.map { ($0.x, Statistics.mean(Statistics.resampled($0.values, &generator))) })
    }
  }

  /// The largest mean over the smallest.
  var spread: Double {
    let means = places.map(\.mean)
    return (means.max() ?? 0) / (means.min() ?? 1)
  }

  private static func exponent(_ points: [(Double, Double)]) -> Double {
    Statistics.slope(points.map { log($0.0) }, points.map { log($0.1) })
  }

  /// The line of a chart, with the intervals of the means.
  func series(_ label: String) -> LineChart.Series {
    .init(
      label, places.map { .init($0.x, $0.mean, interval: $0.values.count > 1 ? $0.interval : nil) })
  }

  /// A finding about the exponent.
  func finding(_ quantity: String, in band: ClosedRange<Double>) -> Finding {
    .value(quantity, exponent, interval: exponentInterval, in: band)
  }

  var json: JSONValue {
    .array(
      places.map { place in
        var object = JSONObject()
        object["x"] = .number(place.x)
        object["mean"] = .number(place.mean)
        object["values"] = .array(place.values.map { .number($0) })
        return .object(object)
      })
  }
}

extension LineChart.Series {
  /// A line of theory through the given places.
  static func theory(
    _ label: String, _ places: [Double], _ value: (Double) -> Double
  ) -> LineChart.Series {
    .init(label, places.map { .init($0, value($0)) }, isReference: true)
  }
}
