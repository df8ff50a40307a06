// SPDX-License-Identifier: Apache-2.0
internal import HalfspaceLinalg

/// The monotone curve from the values of one feature to Gaussian quantiles of their ranks.
struct QuantileCurve: Sendable, Equatable, Codable {
  /// Most knots a curve has.
  static let knotLimit = 1000

  /// Values, strictly ascending.
  let knots: [Float]
  /// The curve at each knot, ascending.
  let scores: [Float]

  /// The curve of `values`, at least one, all finite. O(n log n).
  ///
  /// Value v has rank (values below v + half of those equal to v) / n. With more different
  /// values than knots, the knots stand at equal distances in rank, ends included.
  init(fitting values: [Float]) {
    let sorted = values.sorted()
    var distinct: [Float] = []
    var starts: [Int] = []  // first position of each value in `sorted`
    for (position, value) in sorted.enumerated() where distinct.last != value {
      distinct.append(value)
      starts.append(position)
    }
    starts.append(sorted.count)
    var chosen = Array(distinct.indices)
    if distinct.count > Self.knotLimit {
      var indexOfPosition = [Int](repeating: 0, count: sorted.count)
      for index in distinct.indices {
        for position in starts[index]..<starts[index + 1] { indexOfPosition[position] = index }
      }
      chosen = []
      for step in 0..<Self.knotLimit {
        let index = indexOfPosition[step * (sorted.count - 1) / (Self.knotLimit - 1)]
        if chosen.last != index { chosen.append(index) }
      }
    }
    knots = chosen.map { distinct[$0] }
    scores = chosen.map { index in
      let below = Double(starts[index])
      let above = Double(sorted.count - starts[index + 1])
      let equal = Double(starts[index + 1] - starts[index])
      return Self.gaussianQuantile(
        lower: (below + 0.5 * equal) / Double(sorted.count),
        upper: (above + 0.5 * equal) / Double(sorted.count))
    }
  }

  /// The z with P(N(0, 1) < z) = lower and P(N(0, 1) > z) = upper, found from the smaller tail, so
  /// that mirrored ranks have mirrored quantiles.
  private static func gaussianQuantile(lower: Double, upper: Double) -> Float {
    if lower == upper { return 0 }
    return lower < upper
      ? -Float(GaussianTail.threshold(forProbability: lower))
      : Float(GaussianTail.threshold(forProbability: upper))
  }

  /// The curve at `value`. O(log knots).
  func value(at value: Float) -> Double {
    var low = 0
    var high = knots.count - 1
    if value <= knots[low] { return Double(scores[low]) }
    if value >= knots[high] { return Double(scores[high]) }
    while high - low > 1 {
      let middle = (low + high) / 2
      if knots[middle] <= value { low = middle } else { high = middle }
    }
    let left = Double(knots[low])
    let share = (Double(value) - left) / (Double(knots[high]) - left)
    return Double(scores[low]) + share * (Double(scores[high]) - Double(scores[low]))
  }

  /// Whether the curve is one: as many scores as knots, finite and in order.
  var isSound: Bool {
    !knots.isEmpty && knots.count == scores.count
      && knots.allSatisfy(\.isFinite) && scores.allSatisfy(\.isFinite)
      && zip(knots, knots.dropFirst()).allSatisfy { $0 < $1 }
      && zip(scores, scores.dropFirst()).allSatisfy { $0 <= $1 }
  }
}
