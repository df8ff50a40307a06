// SPDX-License-Identifier: Apache-2.0
import Halfspace
import _HalfspaceReport

/// Measures all contenders on one workload at one firing probability.
struct Contest {
  let workload: Workload
  let firing: Double
  let reference: Reference
  let plan: TimingPlan

  /// Single queries first, then all queries of the workload as one batch.
  func measurements() -> [Measurement] {
    let threshold = reference.threshold
    let gemv = [false, true].map { GemvContender(workload, usesColumns: $0) }
    let grid = GridContender(workload, above: threshold)
    let tiles = TileContender(workload, above: threshold)
    var singles: [any Contender] = [
      gemv[0], gemv[1], BruteForceContender(workload, above: threshold, method: .scan),
      BruteForceContender(workload, above: threshold, method: .product), tiles, grid,
      OracleContender(workload, reference),
    ]
    if workload.d <= PartitionTreeContender.mostDimensions {
      singles.append(PartitionTreeContender(workload, above: threshold))
    }
    var timings = time(singles, batch: 1)
    // The baseline is the orientation that is faster here.
    let baseline = timings[0].median < timings[1].median ? timings[0] : timings[1]
    var results = zip(singles, timings).map { contender, timing in
      var result = measurement(contender, timing, batch: 1)
      result.againstGemv = baseline.ratio(to: timing)
      return result
    }
    let batches: [any Contender] = [
      GemmContender(workload), BruteForceContender(workload, above: threshold, method: .product),
      tiles, GridContender(workload, above: threshold), OracleContender(workload, reference),
    ]
    timings = time(batches, batch: workload.queries.rows)
    results += zip(batches, timings).map { contender, timing in
      var result = measurement(contender, timing, batch: workload.queries.rows)
      result.againstGemv = baseline.median / result.seconds
      result.againstGemm = timings[0].ratio(to: timing)
      return result
    }
    return results
  }

  private func time(_ contenders: [any Contender], batch: Int) -> [Timing] {
    let count = workload.queries.rows
    return Timing.interleaved(
      plan,
      contenders.map { contender in
        var next = 0
        return {
          contender.ask(next..<(next + batch))
          next = (next + batch) % count
        }
      })
  }

  private func measurement(
    _ contender: any Contender, _ timing: Timing, batch: Int
  ) -> Measurement {
    // Asked once more outside the clock, for all queries: what it answers and how.
    let before = contender.candidates ?? 0
    var mismatches: Int? = 0
    for first in stride(from: 0, to: workload.queries.rows, by: batch) {
      contender.ask(first..<(first + batch))
      mismatches = contender.mismatches(reference, from: first).map { $0 + (mismatches ?? 0) }
    }
    let perQuery = 1 / Double(batch)
    return Measurement(
      lookup: contender.name, m: workload.m, d: workload.d, firing: firing, batch: batch,
      seconds: timing.median * perQuery, fastest: timing.minimum * perQuery,
      deviation: timing.medianAbsoluteDeviation * perQuery, reported: reference.meanCount,
      candidates: contender.candidates.map {
        Double($0 - before) / Double(workload.queries.rows)
      }, mismatches: mismatches, memoryBytes: contender.memoryBytes,
      buildSeconds: contender.buildSeconds)
  }
}
