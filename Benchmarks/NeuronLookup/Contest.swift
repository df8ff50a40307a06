// SPDX-License-Identifier: Apache-2.0
import Halfspace
import _HalfspaceReport

/// Everyone who takes part in a case, built once.
struct Contenders {
  let gemv: [GemvContender]
  let scan: any Contender
  let product: any Contender
  /// Exact structures but those two.
  let structures: [any Contender]
  /// The same without those that do not hear of moves; the last is `automatic`.
  let movable: [any Contender]

  /// Coordinates up to which geometry is tried where rows fill the space.
  private static let mostTreeDimensions = 16
  /// Weights from which on codes are worth nesting.
  private static let fewestNestedWeights = 1 << 20

  init(_ workload: Workload) {
    gemv = [false, true].map { GemvContender(workload, usesColumns: $0) }
    scan = IndexContender("fused scan", workload) { BruteForceIndex($0, method: .scan) }
    product = IndexContender("brute force, product", workload) {
      BruteForceIndex($0, method: .product)
    }
    var movable: [any Contender] = [
      IndexContender("certified tiles", workload) { CertifiedTileIndex($0) }
    ]
    if workload.m * workload.d >= Self.fewestNestedWeights {
      movable.append(IndexContender("nested tiles", workload) { NestedTileIndex($0) })
    }
    if workload.d <= Self.mostTreeDimensions || workload.distribution == .manifold {
      movable.append(IndexContender("partition tree", workload) { PartitionTreeIndex($0) })
      movable.append(
        IndexContender("ordered tiles", workload) {
          CertifiedTileIndex($0, options: TileOptions(order: .spatial))
        })
    }
    if workload.distribution == .lowRankInputs {
      movable.append(
        IndexContender("prefix tiles", workload, describe: { ($0.prefixSummary, 0) }) {
          CertifiedTileIndex($0, options: TileOptions(sampleQueries: workload.sampleQueries))
        })
    }
    movable.append(
      IndexContender(
        "automatic", workload,
        describe: { ($0.summary, $0.calibrationSeconds + $0.buildSeconds) }
      ) { AutomaticIndex($0, sampleQueries: workload.sampleQueries) })
    self.movable = movable
    structures =
      movable.dropLast() + [GridContender(workload)].compactMap { $0 } + movable.suffix(1)
  }
}

/// Measures all contenders on rows that stand still.
struct Contest {
  let workload: Workload
  let contenders: Contenders
  let firing: Double
  let reference: Reference
  let plan: TimingPlan

  /// A contender, how many queries it is asked at once, and whether anybody wants to know its time.
  private typealias Entry = (contender: any Contender, batch: Int, isReported: Bool)

  func measurements(batch: Int) -> [Measurement] {
    let oracle = OracleContender(workload, reference)
    let sgemm = GemmContender(workload, batch: batch)
    var entries: [Entry] = contenders.gemv.map { ($0, 1, true) }
    let structures = contenders.structures.filter { $0.mostQueries >= batch }
    for (k, structure) in (structures.reversed() + [oracle]).enumerated() {
      // All follow a scan of all rows: what is in cache should not depend on the order.
      entries += [(contenders.scan, 1, k == 0), (structure, batch, true)]
    }
    if batch > 1 { entries += [(contenders.product, batch, true), (sgemm, batch, true)] }
    let timings = time(entries)
    func timing(of contender: any Contender) -> Timing? {
      zip(entries, timings).first { $0.0.contender === contender }?.1
    }
    let rowwise = timing(of: contenders.gemv[0])!
    let columnwise = timing(of: contenders.gemv[1])!
    let dense = timing(of: sgemm)
    let baselines = Baselines(
      sgemvRow: rowwise.median, sgemvColumn: columnwise.median,
      sgemm: dense.map { $0.median / Double(batch) }, scan: timing(of: contenders.scan)!.median,
      oracle: timing(of: oracle)!.median / Double(batch))
    let sgemv = rowwise.median < columnwise.median ? rowwise : columnwise
    return zip(entries, timings).filter(\.0.isReported).map { entry, timing in
      let queries = Double(entry.batch)
      return measurement(
        entry.contender, batch: batch, asked: entry.batch, seconds: timing.median / queries,
        deviation: timing.medianAbsoluteDeviation / queries, baselines: baselines,
        timesSgemv: sgemv.ratio(to: timing) * queries,
        timesSgemm: dense.map { $0.ratio(to: timing) * queries / Double(batch) })
    }
  }

  private static let queriesToAdapt = 256

  private func time(_ entries: [Entry]) -> [Timing] {
    let count = workload.queries.rows
    // Whoever has something to build or to choose does it before the clock runs.
    for entry in entries {
      let start = ThreadClock.now
      entry.contender.ask(0..<entry.batch, above: reference.threshold)
      if ThreadClock.now - start > 0.1 && !entry.contender.isAdaptive { continue }
      entry.contender.ask(0..<entry.batch, above: reference.threshold)
      // It notices after some queries that there are other candidates than before.
      guard entry.contender.isAdaptive else { continue }
      let batches = count / entry.batch
      for k in 0..<(Self.queriesToAdapt / entry.batch) {
        let first = k % batches * entry.batch
        entry.contender.ask(first..<(first + entry.batch), above: reference.threshold)
      }
    }
    // Structures differ in how much they read and in their calls per sample: all queries are asked
    // once off the clock, so that none pays more than others for what is not in cache yet.
    var plan = plan
    plan.leadIn = count
    return Timing.interleaved(
      plan,
      entries.map { entry in
        var next = 0
        return {
          entry.contender.ask(next..<(next + entry.batch), above: reference.threshold)
          next = (next + 2 * entry.batch) <= count ? next + entry.batch : 0
        }
      }, now: { ThreadClock.now })
  }

  private func measurement(
    _ contender: any Contender, batch: Int, asked: Int, seconds: Double, deviation: Double,
    baselines: Baselines, timesSgemv: Double, timesSgemm: Double?
  ) -> Measurement {
    let check = Check(contender, workload, reference, batch: asked)
    return Measurement(
      setting: Setting(
        distribution: workload.distribution.name, label: workload.distribution.label,
        m: workload.m, d: workload.d, firing: firing, batch: batch, moved: 0),
      structure: contender.name, seconds: seconds, deviation: deviation, baselines: baselines,
      timesSgemv: timesSgemv, timesSgemm: timesSgemm, reported: reference.meanCount,
      candidateRate: check.candidateRate, mismatches: check.mismatches,
      memoryBytes: contender.memoryBytes, buildSeconds: contender.buildSeconds,
      updateSeconds: nil, remark: contender.remark)
  }
}

/// A contender asked once more outside the clock, for a batch or 32 queries: what it answers and how.
struct Check {
  let mismatches: Int?
  let candidateRate: Double?

  /// Queries checked, unless one batch has more.
  private static let mostQueries = 32

  init(_ contender: any Contender, _ workload: Workload, _ reference: Reference, batch: Int) {
    let rows = min(workload.queries.rows, max(batch, Self.mostQueries))
    let count = rows / batch * batch
    let before = contender.candidates ?? 0
    var mismatches: Int? = 0
    for first in stride(from: 0, to: count, by: batch) {
      contender.ask(first..<(first + batch), above: reference.threshold)
      let found = contender.mismatches(reference, from: first)
      mismatches = mismatches.flatMap { sum in found.map { sum + $0 } }
      if mismatches == nil { break }
    }
    self.mismatches = mismatches
    candidateRate = contender.candidates.map {
      Double($0 - before) / (Double(count) * Double(workload.m))
    }
  }
}

extension CertifiedTileIndex {
  /// How many directions rows are encoded in.
  fileprivate var prefixSummary: String { "\(encodedDimension) directions" }
}

extension AutomaticIndex {
  /// What it has chosen for single queries, few and many, and what choosing took.
  fileprivate var summary: String {
    let chosen = [1, 8, 64].compactMap { choice(forBatchesOf: $0)?.structure.description }
    return chosen.joined(separator: "; ")
      + " (\(calibrations) calibrations, \(Format.duration(calibrationSeconds)))"
  }
}
