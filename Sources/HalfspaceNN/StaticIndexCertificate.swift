// SPDX-License-Identifier: Apache-2.0
internal import HalfspaceLinalg

/// What a run with `LookupStrategy.staticIndex` shows: whether one index over the initial weights,
/// asked at `b - rho`, has found all neurons that fired.
///
/// Reports are exact in any case. While no row has moved further than `rho` from where it was
/// indexed, they came from the index alone: it "misses nothing". A row that has moved further is a
/// violation; it is looked at by itself from then on, and when such rows have cost as much as a new
/// index, one is made.
public struct StaticIndexCertificate: Sendable, Equatable {
  /// `rho`: the displacement that the index allows a row, for inputs of length 1.
  public internal(set) var margin: Double
  /// `b`: the threshold of the last report.
  public internal(set) var threshold = 0.0
  /// The largest distance of a row from where it was indexed, over all steps so far, within 0.001 %;
  /// infinite when a row is not finite.
  public internal(set) var largestDisplacement = 0.0
  /// Rows that went further than the margin, less what is set aside for rounding.
  public internal(set) var violations = 0
  /// Times that the index was made again, because of violations or because neurons had joined.
  public internal(set) var rebuilds = 0
  /// Pairs that were looked at: candidates of the index, and rows beside it.
  public internal(set) var candidates = 0
  /// Pairs that fired.
  public internal(set) var firings = 0

  /// Whether the index over the initial weights was enough.
  public var holds: Bool { violations == 0 && rebuilds == 0 }

  /// Pairs looked at for each that fired.
  public var overReport: Double { Double(candidates) / Double(max(1, firings)) }

  /// `Q(b - rho) / Q(b)`: the same for Gaussian rows and inputs of length 1.
  public var predictedOverReport: Double {
    GaussianTail.probability(above: threshold - margin)
      / GaussianTail.probability(above: threshold)
  }
}
