// SPDX-License-Identifier: Apache-2.0
import Halfspace
import _HalfspaceReport

/// What a lookup did in some steps.
struct LookupFigures {
  /// The strategy in use: `automatic` has chosen one.
  let used: LookupStrategy
  /// Per step: pairs looked at, in full or by codes; pairs decided by the canonical kernel; neurons
  /// whose candidates were taken anew.
  let candidates: Double
  let rechecked: Double
  let refreshed: Double
  /// Quantiles 0, 0.25, 0.5, 0.75, 1 of how far neurons are from where they were taken.
  let drift: [Double]
  let memoryBytes: Int

  init(_ now: LookupSummary, since earlier: LookupSummary, steps: Double) {
    used = now.strategy
    candidates = Double(now.work.innerProducts - earlier.work.innerProducts) / steps
    rechecked = Double(now.work.rechecked - earlier.work.rechecked) / steps
    refreshed =
      Double(now.statistics.refreshedNeurons - earlier.statistics.refreshedNeurons) / steps
    drift = now.statistics.driftQuantiles
    memoryBytes = now.work.memoryBytes
  }

  var fields: [(String, JSONValue)] {
    [
      ("lookupUsed", .string(used.rawValue)), ("candidates", .number(candidates)),
      ("rechecked", .number(rechecked)), ("refreshedNeurons", .number(refreshed)),
      ("driftMedian", drift.count == 5 ? .number(drift[2]) : .null),
      ("driftMaximum", drift.count == 5 ? .number(drift[4]) : .null),
      ("lookupBytes", .integer(memoryBytes)),
    ]
  }
}
