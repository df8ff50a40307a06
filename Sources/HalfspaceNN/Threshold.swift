// SPDX-License-Identifier: Apache-2.0
internal import Foundation
internal import HalfspaceLinalg

/// How the threshold `b` of a network is given. A neuron fires on `x` when `<w, x> > b`.
///
/// The last three are statements about Gaussian rows and *unit* inputs, where a neuron fires with
/// probability `Q(b)`.
public enum Threshold: Sendable, Equatable, Codable {
  /// `b` itself.
  case value(Float)
  /// The share of neurons that fire on an input at initialization, in (0, 1).
  case firingFraction(Double)
  /// The expected number of neurons that fire on an input at initialization, in (0, width).
  case expectedFiring(Double)
  /// `b = sqrt(0.4 ln m)`: at most `m^(4/5)` firing neurons (Song, Yang, Zhang,
  /// arXiv 2110.04622; Qin, Song, Yang, arXiv 2307.06565).
  case paper

  /// The value of `b` at this width.
  ///
  /// - Throws: `ConfigurationError` when the request makes no sense at this width.
  public func resolved(width: Int) throws(ConfigurationError) -> Float {
    switch self {
    case .value(let b):
      guard b.isFinite else { throw .invalid("the threshold \(b) is not a finite number") }
      return b
    case .firingFraction(let fraction):
      guard fraction > 0, fraction < 1 else {
        throw .invalid("the firing fraction \(fraction) is not between 0 and 1")
      }
      return Float(GaussianTail.threshold(forProbability: fraction))
    case .expectedFiring(let count):
      guard count > 0, count < Double(width) else {
        throw .invalid(
          "the expected firing count \(count) is not between 0 and the width \(width)")
      }
      return Float(GaussianTail.threshold(forProbability: count / Double(width)))
    case .paper:
      return Float((0.4 * log(Double(width))).squareRoot())
    }
  }
}

/// Settings or data that no network can be made of.
public enum ConfigurationError: Error, CustomStringConvertible, Equatable {
  /// A setting that makes no sense; the text completes "cannot train: ...".
  case invalid(String)
  /// No neuron fires on any training row.
  case silent(threshold: Float, width: Int, rows: Int)
  /// An input or target is NaN or infinite; rows count from 0.
  case notFinite(what: String, row: Int)
  /// Input rows cannot be read.
  case unreadable(RowReadError)

  /// A state to go on from is of a run with other settings or data.
  case otherRun(what: String, saved: String, given: String)
  /// A state to go on from contradicts itself; the text completes "cannot resume: ...".
  case unusableState(String)

  /// One sentence.
  public var description: String {
    switch self {
    case .invalid(let reason): "cannot train: \(reason)"
    case .silent(let threshold, let width, let rows):
      "cannot train: at threshold \(threshold) none of the \(width) neurons fires on any of the "
        + "\(rows) training rows; lower the threshold or widen the network"
    case .notFinite(let what, let row): "cannot train: \(what) of row \(row) is not finite"
    case .unreadable(let error): "cannot train: \(error)"
    case .otherRun(let what, let saved, let given):
      "cannot resume: the checkpoint is of another run; its \(what) is \(saved), not \(given)"
    case .unusableState(let reason): "cannot resume: the checkpoint contradicts itself: \(reason)"
    }
  }
}
