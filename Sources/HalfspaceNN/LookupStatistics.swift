// SPDX-License-Identifier: Apache-2.0
public import HalfspaceReporting

/// How the neurons that fired in a run were found.
public struct LookupSummary: Sendable, Equatable {
  /// The strategy in use: with `automatic`, the one that costs least at present.
  public var strategy: LookupStrategy
  /// Work of all reports, and the memory held now.
  public var work: IndexStatistics
  /// What was done beside.
  public var statistics: LookupStatistics
}

/// What the lookups of a run did, beside what `IndexStatistics` counts.
public struct LookupStatistics: Sendable, Equatable {
  /// Rows that each strategy answered.
  public var rowsAnswered: [LookupStrategy: Int] = [:]
  /// Times that another strategy took over.
  public var switches = 0
  /// Seconds spent on making structures and on measuring.
  public var calibrationSeconds = 0.0
  /// Neurons whose candidates were taken anew (candidate lists).
  public var refreshedNeurons = 0
  /// Merges of refreshed neurons into the lists (candidate lists).
  public var refreshes = 0
  /// Times that all lists were decided anew, with narrower margins (candidate lists).
  public var narrowings = 0
  /// Seconds that refreshes took, the first, which makes the lists, among them, and making codes of neurons
  /// that are too fast for lists (candidate lists).
  public var refreshSeconds = 0.0
  /// Seconds that narrowings took, and looking whether they pay (candidate lists).
  public var narrowingSeconds = 0.0
  /// Pairs listed now (candidate lists).
  public var listedPairs = 0
  /// Quantiles 0, 0.25, 0.5, 0.75, 1 of the neurons' present distances from where their candidates
  /// were taken (candidate lists), or have been watched from (`automatic`).
  public var driftQuantiles: [Double] = []
  /// What a static index vouches for (static index).
  public var certificate: StaticIndexCertificate?

  /// All zero.
  public init() {}

  /// Adds what another lookup has done; what is true now stays as it is.
  mutating func add(_ other: LookupStatistics) {
    rowsAnswered.merge(other.rowsAnswered, uniquingKeysWith: +)
    switches += other.switches
    calibrationSeconds += other.calibrationSeconds
    refreshedNeurons += other.refreshedNeurons
    refreshes += other.refreshes
    narrowings += other.narrowings
    refreshSeconds += other.refreshSeconds
    narrowingSeconds += other.narrowingSeconds
  }
}
