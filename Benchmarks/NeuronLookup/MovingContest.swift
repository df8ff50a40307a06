// SPDX-License-Identifier: Apache-2.0
import Halfspace
import _HalfspaceReport

/// Measures contenders whose rows move between two asks, as they do in training: what they are told
/// and what they then answer, both on the clock.
///
/// The rows stay where they have moved.
struct MovingContest {
  let workload: Workload
  let contenders: Contenders
  let firing: Double
  let threshold: Float
  let share: Double
  let plan: TimingPlan

  /// Length of a move against the length of the row.
  private static let step: Float = 0.01

  private struct Samples {
    var whole: [Double] = []
    var update: [Double] = []
  }

  func measurements(batch: Int) -> [Measurement] {
    var entries: [(contender: any Contender, batch: Int)] = contenders.gemv.map { ($0, 1) }
    entries.append((contenders.scan, 1))
    entries += contenders.movable.filter { $0.mostQueries >= batch }.map { ($0, batch) }
    if batch > 1 {
      entries.append((contenders.product, batch))
      entries.append((GemmContender(workload, batch: batch), batch))
    }
    let samples = time(entries)
    let reference = Reference.all(
      rows: workload.rows, queries: workload.queries, above: [threshold])[0]
    let oracle = OracleContender(workload, reference)
    let oracleTime = Timing.measure(plan) { oracle.ask(0..<batch, above: threshold) }
    func seconds(_ k: Int) -> Double { median(samples[k].whole) / Double(entries[k].batch) }
    let baselines = Baselines(
      sgemvRow: seconds(0), sgemvColumn: seconds(1),
      sgemm: batch > 1 ? seconds(entries.count - 1) : nil, scan: seconds(2),
      oracle: oracleTime.median / Double(batch))
    return entries.indices.map { k in
      let (contender, asked) = entries[k]
      let check = Check(contender, workload, reference, batch: asked)
      let deviations = samples[k].whole.map { abs($0 - median(samples[k].whole)) }
      return Measurement(
        setting: Setting(
          distribution: workload.distribution.name, label: workload.distribution.label,
          m: workload.m, d: workload.d, firing: firing, batch: batch, moved: share),
        structure: contender.name, seconds: seconds(k),
        deviation: median(deviations) / Double(asked), baselines: baselines,
        timesSgemv: baselines.sgemv / seconds(k),
        timesSgemm: baselines.sgemm.map { $0 / seconds(k) },
        reported: reference.meanCount, candidateRate: check.candidateRate,
        mismatches: check.mismatches, memoryBytes: contender.memoryBytes,
        buildSeconds: contender.buildSeconds, updateSeconds: median(samples[k].update),
        remark: contender.remark)
    }
  }

  private func time(_ entries: [(contender: any Contender, batch: Int)]) -> [Samples] {
    var samples = entries.map { _ in Samples() }
    var generator = SeededGenerator(seed: 5, stream: UInt64(workload.m))
    let steps = Drawing.directions(256, workload.d, seed: 77)
    // The first rounds make caches warm, and let structures see that rows move and choose.
    var round = -48
    var start = MonotonicClock.now
    while round < max(plan.samples, TimingPlan.minimumSamples) {
      let elapsed = MonotonicClock.now - start
      if round >= TimingPlan.minimumSamples, elapsed > plan.budget { break }
      if round < -1, round >= -40, elapsed > plan.budget { round = -1 }
      if round == 0 { start = MonotonicClock.now }
      defer { round += 1 }
      let moved = move(by: steps, &generator)
      for (k, entry) in entries.enumerated() {
        let first = max(0, round) * entry.batch % (workload.queries.rows - entry.batch + 1)
        let begin = ThreadClock.now
        entry.contender.update(rows: moved.rows, displacements: moved.distances)
        let middle = ThreadClock.now
        entry.contender.ask(first..<(first + entry.batch), above: threshold)
        guard round >= 0 else { continue }
        samples[k].whole.append(ThreadClock.now - begin)
        samples[k].update.append(middle - begin)
      }
    }
    return samples
  }

  /// Moves a random share of the rows. Returns which, ascending, and how far at most.
  private func move(by steps: Matrix, _ generator: inout SeededGenerator) -> (
    rows: [Int32], distances: [Float]
  ) {
    let (m, d) = (workload.m, workload.d)
    let count = max(1, Int(Double(m) * share))
    // One row of each part of equal size: random, distinct and in order.
    let rows = (0..<count).map { k in
      let first = m * k / count
      return Int32(first + generator.below(max(1, m * (k + 1) / count - first)))
    }
    var distances: [Float] = []
    for row in rows {
      let w = unsafe workload.rows.row(Int(row))
      let step = unsafe steps.row(generator.below(steps.rows))
      var square: Float = 0
      for c in 0..<d { unsafe square += w[c] * w[c] }
      let length = square.squareRoot() * Self.step
      for c in 0..<d { unsafe w[c] += length * step[c] }
      // A step has length 1 up to rounding; half a unit of the last place is lost in each sum.
      distances.append(length * 1.0001 + square.squareRoot() * 1e-6)
    }
    return (rows, distances)
  }

  private func median(_ values: [Double]) -> Double { Timing(samples: values).median }
}
