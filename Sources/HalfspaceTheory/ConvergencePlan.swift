// SPDX-License-Identifier: Apache-2.0
internal import Foundation
internal import HalfspaceLinalg
public import HalfspaceNN

/// The network and the run that are sufficient to learn any function of norm `M` to an expected
/// excess loss of `epsilon`: width and steps are both quadratic in `M / epsilon`.
///
/// ```swift
/// let plan = try ConvergencePlan(norm: 4, epsilon: 0.05, dimension: 16)
/// let trainer = try Trainer(
///   inputs: x, targets: y, network: plan.network(),
///   training: plan.training(loss: .absolute, rows: x.rows))
/// ```
///
/// The guarantee is for unit inputs, a convex loss of slope at most `L`, symmetric pairs with fixed
/// signs, plain SGD on fresh rows in batches of any size, and the average of the iterates, in
/// the linearized network (`B` to infinity). For every function `f*` of norm at most `M` in the
/// space of `K_b`,
///
/// ```
/// E loss <= loss(f*) + L M sqrt(lambda / q) + M² / (2 eta T) + eta L² Q(b) / 2
/// ```
///
/// with `q = m / 2` and `lambda` the largest eigenvalue of `E x xᵀ`. The first term is half of
/// `epsilon` for `q = 4 L² M² lambda / epsilon²`, the other two are half of it for
/// `T = 4 L² M² Q(b) / epsilon²` and `eta = epsilon / (2 L² Q(b))`. The setting is that of Qin,
/// Song and Yang (arXiv 2307.06565), whose abstract states convergence in `O(M² / epsilon²)` with a
/// width quadratic in `M` and `epsilon`; the statement with its constants, and its proof by
/// approximation over random rows and the regret of online gradient descent, are this package's.
public struct ConvergencePlan: Sendable, Equatable, Codable {
  /// How the output scale `B` is chosen.
  public enum OutputScale: Sendable, Equatable, Codable {
    /// `max(1, 13 sqrt(lambda) phi(b) M)`, at which the estimated error of linearization is a
    /// quarter of `epsilon`.
    case planned
    /// A given value.
    case value(Double)
  }

  // MARK: The request

  /// `M`: the norm of the functions to be matched.
  public let norm: Double
  /// The excess of the expected loss over that of the best function of norm `M`.
  public let epsilon: Double
  /// Coordinates of an input, `d`.
  public let dimension: Int
  /// `L`: the largest slope of the loss.
  public let lipschitz: Double
  /// `lambda`: the largest eigenvalue of `E x xᵀ`, between `1 / d` and 1.
  public let concentration: Double

  // MARK: The network

  /// `q`: rows drawn independently; each serves a pair of neurons.
  public let halfWidth: Int
  /// `b`.
  public let threshold: Double
  /// `B`: the network is `B / sqrt(m)` times a sum over neurons.
  public let outputScale: Double

  // MARK: The run

  /// `T`.
  public let steps: Int
  /// `eta`: the step size in units of `V = B (W - W0)`, which does not depend on `B`.
  public let stepSize: Double

  /// Plans for functions of norm `norm`.
  ///
  /// - Parameters:
  ///   - norm: `M`, positive.
  ///   - epsilon: excess loss, positive.
  ///   - dimension: `d`, positive.
  ///   - lipschitz: `L`, positive.
  ///   - concentration: `lambda`; nil: `1 / d`, inputs that prefer no direction.
  ///   - threshold: `b`; `.paper` ties it to the width. The norm is one in the space of `K_b`: with
  ///     a threshold that grows with the width, it is a different one at every width.
  ///   - outputScale: `B`.
  ///   - targetBound: the largest target that has to be met, if known.
  /// - Throws: `PlanError`, which says what is impossible.
  /// - Complexity: O(1).
  public init(
    norm: Double, epsilon: Double, dimension: Int, lipschitz: Double = 1,
    concentration: Double? = nil, threshold: Threshold = .paper,
    outputScale: OutputScale = .planned, targetBound: Double? = nil
  ) throws(PlanError) {
    func require(_ value: Double, _ name: String) throws(PlanError) {
      guard value > 0, value.isFinite else {
        throw .invalid("the \(name) \(value) is not a positive number")
      }
    }
    try require(norm, "norm")
    try require(epsilon, "excess")
    try require(lipschitz, "slope of the loss")
    guard dimension > 0 else { throw .invalid("the inputs have \(dimension) coordinates") }
    let least = 1 / Double(dimension)
    let concentration = concentration ?? least
    guard concentration >= least * (1 - 1e-6), concentration <= 1 + 1e-6 else {
      throw .invalid(
        "unit inputs of \(dimension) coordinates cannot have the concentration \(concentration): "
          + "it lies between \(least) and 1")
    }
    self.norm = norm
    self.epsilon = epsilon
    self.dimension = dimension
    self.lipschitz = lipschitz
    self.concentration = concentration

    let ratio = 2 * lipschitz * norm / epsilon
    halfWidth = try Self.halfWidth(ratio * ratio * concentration, epsilon: epsilon)
    let b: Double
    do { b = Double(try threshold.resolved(width: 2 * halfWidth)) } catch {
      throw .invalid("at the width \(2 * halfWidth), \(error)")
    }
    self.threshold = b
    let firing = GaussianTail.probability(above: b)
    let expected = 2 * Double(halfWidth) * firing
    guard expected >= 1 else {
      throw .silent(width: 2 * halfWidth, threshold: b, expectedFiring: expected)
    }
    if let targetBound {
      let reach = norm * firing.squareRoot()
      guard abs(targetBound) <= reach else {
        throw .targetsOutOfReach(bound: abs(targetBound), reach: reach, norm: norm)
      }
    }
    let steps = Self.roundedUp(ratio * ratio * firing)
    guard steps <= 0x1p40 else { throw .tooManySteps(steps) }
    self.steps = Int(steps)
    stepSize = epsilon / (2 * lipschitz * lipschitz * firing)
    switch outputScale {
    case .planned:
      self.outputScale = max(
        1, 13 * concentration.squareRoot() * GaussianTail.density(at: b) * norm)
    case .value(let value):
      try require(value, "output scale")
      self.outputScale = value
    }
  }

  private static func halfWidth(_ exact: Double, epsilon: Double) throws(PlanError) -> Int {
    let pairs = roundedUp(exact)
    let largest = NetworkConfiguration.largestWidth / 2
    guard pairs <= Double(largest) else {
      throw .tooWide(
        width: 2 * pairs, largest: 2 * largest,
        smallestEpsilon: epsilon * (pairs / Double(largest)).squareRoot())
    }
    return Int(pairs)
  }

  /// The next whole number, at least 1; what is above a whole number by rounding only counts as it.
  private static func roundedUp(_ value: Double) -> Double {
    max(1, (value * (1 - 1e-12)).rounded(.up))
  }
}
