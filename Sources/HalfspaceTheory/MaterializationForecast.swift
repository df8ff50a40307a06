// SPDX-License-Identifier: Apache-2.0
public import HalfspaceLinalg

/// How many neurons will ever be stored: those that fire on at least one of `n` rows.
///
/// A neuron that has never fired has gradient zero and is still at its initial weights, so only the
/// others need storage. A row N(0, I) fires on one of the inputs with a probability `s` that does
/// not depend on the width; of `m` neurons `m s` are expected to be stored, whatever the
/// optimizer and the number of epochs, for independent rows and for a product grid.
///
/// ```swift
/// let forecast = MaterializationForecast(inputs: inputs, threshold: 3.1)
/// print(forecast.expectedCount(width: 1 << 16))
/// ```
///
/// Where many rows fire, `s` is estimated by drawing rows and counting. Where few do, rows are drawn
/// that fire on a random input, and the others they fire on are counted (Karp and Luby, FOCS 1983):
/// `s = sum_i Q_i E(1 / N)`, `N` the number of inputs on which such a row fires, `Q_i` the firing
/// probability of input `i`; its relative error does not grow as the event becomes rare.
public struct MaterializationForecast: Sendable, Equatable {
  /// `s`: the probability that a Gaussian row fires on at least one input.
  public let share: Double
  /// Standard error of `share`.
  public let standardError: Double
  /// `sum_i Q_i`: inputs on which a row fires, in expectation; the simple bound `s <= min(1, sum)`.
  public let expectedFirings: Double

  /// Estimates the share for `inputs` `[n, d]` at threshold `b`.
  ///
  /// - Parameters:
  ///   - probes: rows drawn.
  ///   - seed: of the rows drawn.
  /// - Complexity: O(probes n d).
  public init(inputs: Matrix, threshold: Double, probes: Int = 2000, seed: UInt64 = 1) {
    precondition(
      inputs.rows > 0 && probes > 1, "inputs [\(inputs.rows), \(inputs.columns)], \(probes) probes")
    precondition(threshold.isFinite, "the threshold \(threshold) is not finite")
    let lengths = (0..<inputs.rows).map { row in
      inputs.rowArray(row).reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
    }
    var cumulative: [Double] = []
    var sum = 0.0
    for length in lengths {
      sum += Self.probability(threshold, length)
      cumulative.append(sum)
    }
    expectedFirings = sum
    guard sum > 0 else {
      (share, standardError) = (0, 0)
      return
    }
    let plain = Self.hits(inputs, threshold, probes: probes, seed: seed) { _, _ in -1 }
    let share = Double(plain.count { $0 > 0 }) / Double(probes)
    if share >= 0.1 {
      self.share = share
      // Of no misses at all, three standard errors are one miss.
      let misses = max(1 - share, 1 / (9 * Double(probes)))
      standardError = (share * misses / Double(probes)).squareRoot()
      return
    }
    var generator = SeededGenerator(seed: seed, stream: 0x6C61_7465_6E74)
    let counts = Self.hits(inputs, threshold, probes: probes, seed: ~seed) { rows, r in
      let input = Self.position(of: generator.unit() * sum, in: cumulative)
      Self.lift(rows, r, inputs, input, lengths[input], threshold, &generator)
      return input
    }
    let inverses = counts.map { 1 / Double($0) }
    let mean = inverses.reduce(0, +) / Double(probes)
    let variance =
      inverses.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(probes - 1)
    self.share = min(1, sum * mean)
    standardError = sum * (variance / Double(probes)).squareRoot()
  }

  /// On how many inputs each of `probes` Gaussian rows fires. `prepare` may change a row and name an
  /// input on which it then fires, or -1.
  private static func hits(
    _ inputs: Matrix, _ threshold: Double, probes: Int, seed: UInt64,
    prepare: (Matrix, Int) -> Int
  ) -> [Int] {
    var counts: [Int] = []
    let block = 256
    for start in stride(from: 0, to: probes, by: block) {
      let count = min(block, probes - start)
      let rows = UnitSphere.deviates(
        count, dimension: inputs.columns, seed: seed &+ UInt64(start) &* 0x9E37_79B9_7F4A_7C15)
      let chosen = (0..<count).map { prepare(rows, $0) }
      let products = rows.product(with: inputs, otherTransposed: true)
      for r in 0..<count {
        var fired = chosen[r] >= 0 ? 1 : 0
        for i in 0..<inputs.rows where i != chosen[r] && Double(products[r, i]) > threshold {
          fired += 1
        }
        counts.append(fired)
      }
    }
    return counts
  }

  /// `m s`: neurons of a network of this width that are expected to be stored.
  public func expectedCount(width: Int) -> Double { Double(width) * share }

  /// Standard deviation of the stored count over the draw of independent rows, the error of the
  /// forecast included; pairs are stored both or not at all.
  public func deviation(width: Int, pairs: Bool) -> Double {
    let m = Double(width)
    let draw = (pairs ? 2 : 1) * m * share * (1 - share)
    let forecast = m * standardError
    return (draw + forecast * forecast).squareRoot()
  }

  // MARK: Drawing rows that fire

  private static func probability(_ threshold: Double, _ length: Double) -> Double {
    guard length > 0 else { return threshold < 0 ? 1 : 0 }
    return GaussianTail.probability(above: threshold / length)
  }

  /// The first entry above `value`.
  private static func position(of value: Double, in cumulative: [Double]) -> Int {
    var low = 0
    var high = cumulative.count - 1
    while low < high {
      let middle = (low + high) / 2
      if cumulative[middle] > value { high = middle } else { low = middle + 1 }
    }
    return low
  }

  /// Replaces the component of a Gaussian row along an input by one drawn from the tail that fires.
  private static func lift(
    _ rows: Matrix, _ row: Int, _ inputs: Matrix, _ input: Int, _ length: Double,
    _ threshold: Double, _ generator: inout SeededGenerator
  ) {
    guard length > 0 else { return }
    let tail = probability(threshold, length) * generator.unit()
    let component = GaussianTail.threshold(forProbability: tail)
    var current = 0.0
    for l in 0..<inputs.columns { current += Double(rows[row, l]) * Double(inputs[input, l]) }
    let change = (component - current / length) / length
    for l in 0..<inputs.columns {
      rows[row, l] = Float(Double(rows[row, l]) + change * Double(inputs[input, l]))
    }
  }
}

extension SeededGenerator {
  /// A uniform number of (0, 1).
  fileprivate mutating func unit() -> Double { (Double(next() >> 11) + 0.5) * 0x1p-53 }
}
