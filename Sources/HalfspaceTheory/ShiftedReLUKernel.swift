// SPDX-License-Identifier: Apache-2.0
internal import Foundation
internal import HalfspaceLinalg

/// The neural tangent kernel of an infinitely wide two-layer shifted-ReLU network
/// `f(x) = m^(-1/2) sum_r a_r relu(<w_r, x> - b)` with rows N(0, sigma² I) and output weights of
/// variance 1.
///
/// Each trained part of the network adds a term; for inputs `x`, `x'` of lengths `p`, `p'`, with
/// correlation `rho`, `h = b / (sigma p)` and `k = b / (sigma p')`:
///
/// ```
/// hidden    p p' rho kappa_0(h, k, rho)          K_b on unit inputs
/// shift     kappa_0(h, k, rho)                   one trainable threshold per neuron
/// outputs   sigma² p p' kappa_1(h, k, rho)
/// ```
///
/// Rows of a `Matrix` whose lengths are 1 up to the rounding of `Float` count as unit rows.
public struct ShiftedReLUKernel: Sendable, Equatable {
  /// Parts of a network that are trained.
  public struct Parameters: OptionSet, Sendable, Equatable {
    /// One bit per part.
    public let rawValue: UInt8
    /// A set from its bits.
    public init(rawValue: UInt8) { self.rawValue = rawValue }
    /// The rows of the first layer.
    public static let hidden = Parameters(rawValue: 1)
    /// A threshold per neuron.
    public static let shift = Parameters(rawValue: 2)
    /// The output weights.
    public static let outputs = Parameters(rawValue: 4)
  }

  /// The threshold `b`.
  public var threshold: Double
  /// What is trained.
  public var trained: Parameters
  /// Standard deviation `sigma` of a coordinate of a row.
  public var deviation: Double

  /// The kernel at threshold `b`; by default of a network that trains its first layer, `K_b`.
  public init(threshold: Double, trained: Parameters = .hidden, deviation: Double = 1) {
    precondition(threshold.isFinite, "the threshold \(threshold) is not finite")
    precondition(deviation > 0 && deviation.isFinite, "the deviation \(deviation) is not positive")
    self.threshold = threshold
    self.trained = trained
    self.deviation = deviation
  }

  /// The kernel of two unit inputs with inner product `rho`. O(1).
  public func value(correlation rho: Double) -> Double { value(lengths: (1, 1), correlation: rho) }

  /// The kernel of two inputs of the given lengths and correlation. An input of length 0 fires
  /// nowhere when `b >= 0` and everywhere when `b < 0`. O(1).
  public func value(lengths: (Double, Double), correlation rho: Double) -> Double {
    precondition(lengths.0 >= 0 && lengths.1 >= 0, "lengths \(lengths)")
    let h = scaledThreshold(length: lengths.0)
    let k = scaledThreshold(length: lengths.1)
    let product = lengths.0 * lengths.1
    let (kappa0, kappa1) = ShiftedReLU.kappas(thresholds: (h, k), correlation: rho)
    var sum = 0.0
    if trained.contains(.hidden) { sum += product * rho * kappa0 }
    if trained.contains(.shift) { sum += kappa0 }
    if trained.contains(.outputs) {
      sum += product > 0 ? deviation * deviation * product * kappa1 : atZero(lengths)
    }
    return sum
  }

  /// The kernel of an input of unit length with itself: `Q(b)` for the first layer. O(1).
  public var diagonal: Double { value(correlation: 1) }

  /// `b / (sigma p)`; for an input of length 0 an infinity that says whether neurons fire.
  func scaledThreshold(length: Double) -> Double {
    if length > 0 { return threshold / (deviation * length) }
    return threshold >= 0 ? .infinity : -.infinity
  }

  /// `E (sigma p Z1 - b)_+ (sigma p' Z2 - b)_+` when a length is 0.
  private func atZero(_ lengths: (Double, Double)) -> Double {
    guard threshold < 0 else { return 0 }
    let length = deviation * max(lengths.0, lengths.1)
    guard length > 0 else { return threshold * threshold }
    let h = threshold / length
    let mean = GaussianTail.density(at: h) - h * GaussianTail.probability(above: h)
    return -threshold * length * mean
  }
}
