// SPDX-License-Identifier: Apache-2.0
public import Halfspace

/// How the trainer finds the neurons that fire.
public struct Strategy: Sendable {
  /// The lookup.
  public let lookup: LookupStrategy
  /// Its name in reports.
  public var name: String { lookup.rawValue }

  /// A strategy by its lookup.
  public init(_ lookup: LookupStrategy) { self.lookup = lookup }

  /// The default, and brute force.
  public static let all = [Strategy(.automatic), Strategy(.dense)]

  /// The configuration with this strategy.
  public func configuration(_ configuration: TrainingConfiguration) -> TrainingConfiguration {
    var configuration = configuration
    configuration.lookup = lookup
    return configuration
  }
}
