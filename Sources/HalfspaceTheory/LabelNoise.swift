// SPDX-License-Identifier: Apache-2.0
internal import Foundation
internal import HalfspaceLinalg

/// Labels `y = f*(x) + xi` with `xi ~ N(0, deviation²)`, and what they add to a loss.
public struct LabelNoise: Sendable, Equatable {
  /// Standard deviation of the noise, above 0.
  public var deviation: Double

  /// Noise of the given deviation.
  public init(deviation: Double) {
    precondition(
      deviation > 0 && deviation.isFinite, "the deviation \(deviation) is not positive")
    self.deviation = deviation
  }

  /// Independent draws of `xi`, a function of the seed. O(count).
  public func values(_ count: Int, seed: UInt64) -> [Double] {
    let deviates = UnitSphere.deviates(count, dimension: 1, seed: seed)
    return (0..<count).map { deviation * Double(deviates[$0, 0]) }
  }

  /// `E |error + xi| - E |xi|`: how much worse than `f*` a prediction is that misses it by `error`,
  /// in absolute loss, exactly. O(1).
  public func absoluteExcess(error: Double) -> Double {
    let ratio = abs(error) / deviation
    let density = deviation * (2 / Double.pi).squareRoot() * expm1(-0.5 * ratio * ratio)
    return density + abs(error) * (1 - 2 * GaussianTail.probability(above: ratio))
  }

  /// `E |xi|`, the absolute loss of `f*` itself.
  public var absoluteLoss: Double { deviation * (2 / Double.pi).squareRoot() }
}
