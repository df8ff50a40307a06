// SPDX-License-Identifier: Apache-2.0

/// Whether probabilities mean what they say: of the rows predicted with 80 %, are 80 % right?
///
/// Rows are sorted into bins of equal width by the probability of the predicted class; bin i holds
/// probabilities in `(i / bins, (i + 1) / bins]`, the first one zero too. The expected calibration
/// error is the mean distance between confidence and accuracy over the bins, weighted by
/// their rows (Naeini, Cooper and Hauskrecht, AAAI 2015).
public struct Calibration: Sendable, Equatable, Codable {
  /// The rows whose probability lies in one interval.
  public struct Bin: Sendable, Equatable, Codable {
    /// The interval, open below.
    public var lower: Double
    /// The interval, closed above.
    public var upper: Double
    /// Rows in the bin.
    public var rows: Int
    /// Mean probability of the predicted class; 0 without rows.
    public var confidence: Double
    /// Share of the rows whose predicted class is right; 0 without rows.
    public var accuracy: Double
  }

  /// The reliability table, one bin after the other, empty ones included.
  public var bins: [Bin]
  /// The expected calibration error, in 0...1; 0 is perfect.
  public var expectedError: Double

  /// The calibration of predictions made with probability `confidences[i]`, right or not. At
  /// least one row; traps on unequal counts and probabilities outside 0...1. O(n + binCount).
  public init(confidences: [Double], isRight: [Bool], binCount: Int = 10) {
    precondition(
      confidences.count == isRight.count && !isRight.isEmpty && binCount > 0,
      "\(confidences.count) probabilities for \(isRight.count) rows in \(binCount) bins")
    var sums = [Double](repeating: 0, count: binCount)
    var hits = [Int](repeating: 0, count: binCount)
    var counts = [Int](repeating: 0, count: binCount)
    for (confidence, isRight) in zip(confidences, isRight) {
      precondition(confidence >= 0 && confidence <= 1, "\(confidence) is no probability")
      let bin = max(0, Int((confidence * Double(binCount)).rounded(.up)) - 1)
      sums[bin] += confidence
      hits[bin] += isRight ? 1 : 0
      counts[bin] += 1
    }
    bins = (0..<binCount).map { bin in
      let count = Double(max(1, counts[bin]))
      return Bin(
        lower: Double(bin) / Double(binCount), upper: Double(bin + 1) / Double(binCount),
        rows: counts[bin], confidence: sums[bin] / count, accuracy: Double(hits[bin]) / count)
    }
    expectedError =
      bins.reduce(0) { $0 + Double($1.rows) * abs($1.accuracy - $1.confidence) }
      / Double(isRight.count)
  }
}
