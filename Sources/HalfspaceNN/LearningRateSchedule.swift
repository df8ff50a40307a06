// SPDX-License-Identifier: Apache-2.0
internal import Foundation

/// How the learning rate changes over a run.
public enum LearningRateSchedule: Sendable, Equatable, Codable {
  /// The same rate throughout.
  case constant
  /// Falls linearly from the full rate to zero at the end of the run.
  case linear
  /// Falls from the full rate to zero along half a cosine.
  case cosine
  /// Multiplied by `factor` after every `epochs` epochs.
  case step(epochs: Int, factor: Double)

  /// The factor on the base rate before step `step` of `steps` in all, `stepsPerEpoch` an epoch.
  ///
  /// Steps past the end, as a stream may take them, keep the factor of the end.
  public func factor(step: Int, steps: Int, stepsPerEpoch: Int) -> Double {
    let progress = min(1, Double(step) / Double(max(1, steps)))
    switch self {
    case .constant: return 1
    case .linear: return 1 - progress
    case .cosine: return 0.5 * (1 + cos(Double.pi * progress))
    case .step(let epochs, let factor):
      let passed = step / max(1, stepsPerEpoch) / max(1, epochs)
      return pow(factor, Double(passed))
    }
  }
}
