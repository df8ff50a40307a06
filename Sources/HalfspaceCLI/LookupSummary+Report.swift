// SPDX-License-Identifier: Apache-2.0
internal import Halfspace
internal import _HalfspaceReport

extension JSONObject {
  /// What the lookups of a run did.
  mutating func setLookup(_ lookup: LookupSummary) {
    let work = lookup.work
    let statistics = lookup.statistics
    for strategy in LookupStrategy.allCases {
      guard let rows = statistics.rowsAnswered[strategy] else { continue }
      self["lookups.rows.\(strategy.rawValue)"] = .integer(rows)
    }
    self["lookups.innerProducts"] = .integer(work.innerProducts)
    self["lookups.rechecked"] = .integer(work.rechecked)
    self["lookups.reported"] = .integer(work.reported)
    self["lookups.memoryBytes"] = .integer(work.memoryBytes)
    self["lookups.switches"] = .integer(statistics.switches)
    self["lookups.calibrationSeconds"] = .number(statistics.calibrationSeconds)
    self["lookups.refreshedNeurons"] = .integer(statistics.refreshedNeurons)
    self["lookups.refreshes"] = .integer(statistics.refreshes)
    self["lookups.refreshSeconds"] = .number(statistics.refreshSeconds)
    self["lookups.narrowingSeconds"] = .number(statistics.narrowingSeconds)
    self["lookups.listedPairs"] = .integer(statistics.listedPairs)
    self["lookups.driftQuantiles"] = .array(statistics.driftQuantiles.map { .number($0) })
    guard let certificate = statistics.certificate else { return }
    self["lookups.certificate.holds"] = .bool(certificate.holds)
    self["lookups.certificate.margin"] = .number(certificate.margin)
    self["lookups.certificate.largestDisplacement"] = .number(certificate.largestDisplacement)
    self["lookups.certificate.violations"] = .integer(certificate.violations)
    self["lookups.certificate.rebuilds"] = .integer(certificate.rebuilds)
    self["lookups.certificate.overReport"] = .number(certificate.overReport)
    self["lookups.certificate.predictedOverReport"] = .number(certificate.predictedOverReport)
  }
}
