// SPDX-License-Identifier: Apache-2.0
import Halfspace
import _HalfspaceReport

/// Measures all cases, one after the other.
struct Run {
  private let options: Options
  private let dataFolder: String?
  private let cases: [LookupCase]

  init(_ options: Options) {
    self.options = options
    dataFolder = TrainedRows.dataFolder
    let tables = TrainedRows.tables(in: dataFolder)
    cases = (options.isQuick ? Sweep.quick(tables: tables) : Sweep.full(tables: tables))
      .filter(options.includes)
  }

  /// All results; those so far are handed over after every case.
  func results(
    announce: (String) -> Void, after: ([Measurement]) throws -> Void
  ) throws -> [Measurement] {
    var results: [Measurement] = []
    for lookup in cases {
      let start = MonotonicClock.now
      let workload = try Workload(lookup, seed: 1, dataFolder: dataFolder)
      results += Self.measure(lookup, workload, plan: options.plan)
      announce(
        "\(lookup.distribution.label), m = \(Format.count(workload.m)), d = \(workload.d): "
          + Format.duration(MonotonicClock.now - start))
      try after(results)
    }
    return results
  }

  /// Everything about one case.
  static func measure(
    _ lookup: LookupCase, _ workload: Workload, plan: TimingPlan
  ) -> [Measurement] {
    var results: [Measurement] = []
    let contenders = Contenders(workload)
    let references = Reference.all(
      rows: workload.rows, queries: workload.queries,
      above: workload.thresholds.map(\.threshold))
    for (reference, (firing, _)) in zip(references, workload.thresholds) {
      let contest = Contest(
        workload: workload, contenders: contenders, firing: firing, reference: reference,
        plan: plan)
      for batch in lookup.batches { results += contest.measurements(batch: batch) }
    }
    let middle = workload.thresholds[workload.thresholds.count / 2]
    for share in lookup.moved {
      let contest = MovingContest(
        workload: workload, contenders: contenders, firing: middle.firing,
        threshold: middle.threshold, share: share, plan: plan)
      for batch in lookup.batches where [1, 64, 128].contains(batch) {
        results += contest.measurements(batch: batch)
      }
    }
    return results
  }
}
