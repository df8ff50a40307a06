// SPDX-License-Identifier: Apache-2.0
public import HalfspaceLinalg
internal import HalfspaceReporting

/// How the stored neurons of a network fire on rows: over the rows, and over the neurons.
///
/// ```swift
/// var statistics = FiringStatistics(predictor)
/// for piece in pieces { statistics.add(piece) }
/// print(statistics.perRow.mean, statistics.silentNeurons)
/// ```
///
/// Memory: O(M), however many rows.
public struct FiringStatistics: Sendable {
  /// A distribution of counts.
  public struct Distribution: Sendable, Equatable {
    /// The mean.
    public let mean: Double
    /// Minimum, lower quartile, median, upper quartile, maximum: counts that occur.
    public let quartiles: [Int]

    /// The distribution of what occurs so many times: `counts[value]`. O(counts).
    init(counts: [Int]) {
      let total = counts.reduce(0, +)
      var sum = 0.0
      for (value, count) in counts.enumerated() { sum += Double(value) * Double(count) }
      mean = total == 0 ? 0 : sum / Double(total)
      quartiles = (0...4).map { quarter in
        let rank = quarter * max(0, total - 1) / 4
        var seen = 0
        for (value, count) in counts.enumerated() {
          seen += count
          if seen > rank { return value }
        }
        return 0
      }
    }
  }

  private let predictor: Predictor
  /// Rows so far.
  public private(set) var rows = 0
  /// Rows that each stored neuron has fired on.
  public private(set) var rowsPerNeuron: [Int]
  /// Rows on which so many stored neurons fired.
  private var rowsByCount: [Int]

  /// Statistics of no rows.
  public init(_ predictor: Predictor) {
    self.predictor = predictor
    rowsPerNeuron = .init(repeating: 0, count: predictor.count)
    rowsByCount = .init(repeating: 0, count: predictor.count + 1)
  }

  /// Counts transformed inputs `[n, d]`. A lookup and O(k) per row.
  public mutating func add(_ inputs: Matrix) {
    precondition(
      inputs.columns == predictor.dimension,
      "inputs [\(inputs.rows), \(inputs.columns)] for rows of \(predictor.dimension)")
    var report = FiringReport()
    for first in stride(from: 0, to: inputs.rows, by: PredictionScratch.rows) {
      predictor.index.report(
        queries: inputs, rows: first..<min(first + PredictionScratch.rows, inputs.rows),
        above: predictor.threshold, into: &report)
      for query in 0..<report.queryCount { rowsByCount[report.range(of: query).count] += 1 }
      for e in 0..<report.count { rowsPerNeuron[unsafe Int(report.neurons[e])] += 1 }
    }
    rows += inputs.rows
  }

  /// Stored neurons that fire on a row. O(M).
  public var perRow: Distribution { Distribution(counts: rowsByCount) }

  /// Rows that a stored neuron fires on. O(M + rows).
  public var perNeuron: Distribution {
    var counts = [Int](repeating: 0, count: rows + 1)
    for count in rowsPerNeuron { counts[count] += 1 }
    return Distribution(counts: counts)
  }

  /// Stored neurons that have fired on none of the rows. O(M).
  public var silentNeurons: Int { rowsPerNeuron.count { $0 == 0 } }
}
