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
  public init(
    confidences: [Double], isRight: [Bool], weights: [Double]? = nil, binCount: Int = 10
  ) {
    precondition(
      confidences.count == isRight.count && !isRight.isEmpty && binCount > 0,
      "\(confidences.count) probabilities for \(isRight.count) rows in \(binCount) bins")
    var tally = Tally(binCount: binCount)
    for row in confidences.indices {
      tally.add(confidences[row], isRight: isRight[row], weight: weights?[row] ?? 1)
    }
    self = tally.finish()
  }

  /// Predictions, counted one by one.
  struct Tally {
    private var bins: [(rows: Int, weight: Double, sum: Double, hits: Double)]

    init(binCount: Int = 10) {
      bins = .init(repeating: (0, 0, 0, 0), count: binCount)
    }

    /// Adds a prediction made with a probability. O(1).
    mutating func add(_ confidence: Double, isRight: Bool, weight: Double) {
      precondition(confidence >= 0 && confidence <= 1, "\(confidence) is no probability")
      let bin = max(0, Int((confidence * Double(bins.count)).rounded(.up)) - 1)
      bins[bin].rows += 1
      bins[bin].weight += weight
      bins[bin].sum += weight * confidence
      bins[bin].hits += isRight ? weight : 0
    }

    /// The calibration of what was added.
    func finish() -> Calibration {
      let count = Double(bins.count)
      let total = bins.reduce(0) { $0 + $1.weight }
      let table = bins.enumerated().map { number, bin in
        Bin(
          lower: Double(number) / count, upper: Double(number + 1) / count, rows: bin.rows,
          confidence: bin.weight > 0 ? bin.sum / bin.weight : 0,
          accuracy: bin.weight > 0 ? bin.hits / bin.weight : 0)
      }
      let distance = zip(table, bins).reduce(0) {
        $0 + $1.1.weight * abs($1.0.accuracy - $1.0.confidence)
      }
      return Calibration(bins: table, expectedError: distance / total)
    }
  }

  private init(bins: [Bin], expectedError: Double) {
    self.bins = bins
    self.expectedError = expectedError
  }
}
