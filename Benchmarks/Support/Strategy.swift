// SPDX-License-Identifier: Apache-2.0
public import Halfspace

/// How the trainer finds the neurons that fire.
public struct Strategy: Sendable {
  /// Its name in reports.
  public let name: String

  /// All strategies, the default first.
  public static let all = [Strategy(name: "dense")]

  /// The configuration with this strategy.
  public func configuration(_ configuration: TrainingConfiguration) -> TrainingConfiguration {
    configuration
  }
}
