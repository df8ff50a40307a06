// SPDX-License-Identifier: Apache-2.0
import Halfspace
import _HalfspaceBenchmark
import _HalfspaceReport

/// Measures the trainer's step beside the oracle's and the dense one, early and late in training.
///
/// One network is trained, and lookups take turns on it: its weights do not depend on them.
struct StepContest {
  var workload: Workload
  /// The first one is in use between the early and the late measurement.
  var strategies: [LookupStrategy]
  var plan: TimingPlan
  /// Whether the dense step is measured too.
  var comparesDense: Bool

  /// Early and late, strategy by strategy.
  func measurements() throws -> [StepMeasurement] {
    let trainer = try workload.trainer(strategies[0])
    var order = BatchOrder(rows: workload.inputs.rows, batch: workload.batch)
    var results: [StepMeasurement] = []
    for phase in ["early", "late"] {
      for strategy in strategies {
        if strategy != strategies[0] {
          try trainer.useLookup(strategy)
          warmUp(trainer, &order)
        }
        results.append(
          measure(
            trainer, &order, strategy, phase: phase, dense: results.first?.denseSeconds))
      }
      guard phase == "early" else { break }
      if strategies.count > 1 { try trainer.useLookup(strategies[0]) }
      for _ in 0..<(workload.epochs * order.batchesPerEpoch) { trainer.takeStep(order.next()) }
    }
    return results
  }

  /// Steps until a lookup has made its structures and seen every row, as far as time allows.
  private func warmUp(_ trainer: Trainer, _ order: inout BatchOrder) {
    let start = MonotonicClock.now
    for _ in 0..<order.batchesPerEpoch {
      trainer.takeStep(order.next())
      if MonotonicClock.now - start > plan.budget { break }
    }
  }

  /// Rounds of trainer, oracle and dense, one after another. The trainer moves on from round to
  /// round, so the oracle is told anew which neurons fire.
  private func measure(
    _ trainer: Trainer, _ order: inout BatchOrder, _ strategy: LookupStrategy, phase: String,
    dense known: Double?
  ) -> StepMeasurement {
    let dense: DenseStep? =
      comparesDense && known == nil
      ? DenseStep.fastest(
        workload, threshold: trainer.network.effectiveThreshold,
        batches: batches(&order, limit: 16)) : nil
    let mismatches = mismatches(trainer, &order)
    let before = (
      times: trainer.times, steps: trainer.stepCount, firings: trainer.firings,
      lookup: trainer.lookupSummary
    )
    var steps: [Double] = []
    var whole = (seconds: 0.0, calls: 0)
    var oracles: [Double] = []
    var denses: [Double] = []
    let start = MonotonicClock.now
    while steps.count < TimingPlan.minimumSamples
      || steps.count < plan.samples && MonotonicClock.now - start < plan.budget
    {
      // The rounds of the others leave nothing of either in the caches: each takes a step beforehand.
      trainer.takeStep(order.next())
      let sample = sample { trainer.takeStep(order.next(), followedBy: order.following) }
      steps.append(sample.seconds / Double(sample.calls))
      whole.seconds += sample.seconds
      whole.calls += sample.calls
      let oracle = OracleStep(
        workload, network: trainer.network,
        batches: batches(&order, limit: oracleBatches(stored: trainer.network.count)))
      oracle.step()
      oracles.append(seconds { oracle.step() })
      if let dense { denses.append(seconds { dense.step() }) }
    }
    let taken = Double(trainer.stepCount - before.steps)
    let step = Timing(samples: steps)
    let denseSeconds = dense == nil ? known : Timing(samples: denses).median
    return StepMeasurement(
      workload: workload.name, phase: phase, m: workload.network.width,
      d: workload.inputs.columns, outputs: workload.outputCount, batch: workload.batch,
      firing: Double(trainer.firings - before.firings) / taken
        / Double(workload.batch * workload.network.width),
      materialized: trainer.network.count, strategy: strategy.rawValue,
      stepSeconds: step.median, meanSeconds: whole.seconds / Double(whole.calls),
      parts: trainer.times.parts(since: before.times, scaledTo: step.median),
      lookup: LookupFigures(trainer.lookupSummary, since: before.lookup, steps: taken),
      denseSeconds: denseSeconds, oracleSeconds: Timing(samples: oracles).median,
      againstDense: dense == nil
        ? denseSeconds.map { $0 / step.median } : Timing(samples: denses).ratio(to: step),
      againstOracle: step.ratio(to: Timing(samples: oracles)), mismatches: mismatches,
      reportSeconds: trainer.times.report)
  }

  private func batches(_ order: inout BatchOrder, limit: Int) -> [BatchRows] {
    (0..<min(order.batchesPerEpoch, limit)).map { _ in BatchRows(order.next(), of: workload.inputs)
    }
  }

  /// So many that no processor remembers which branches their steps take, as it cannot in training,
  /// where no batch comes twice; fewer where the steps are long or their firing sets take long.
  private func oracleBatches(stored: Int) -> Int {
    let rows = min(1024, (1 << 26) / stored)
    return max(4, rows / workload.batch)
  }

  /// Seconds per call, over as many calls as make a sample.
  private func seconds(_ body: () -> Void) -> Double {
    let sample = sample(body)
    return sample.seconds / Double(sample.calls)
  }

  private func sample(_ body: () -> Void) -> (seconds: Double, calls: Int) {
    let start = MonotonicClock.now
    var calls = 0
    var batch = 1
    while true {
      for _ in 0..<batch { body() }
      calls += batch
      let elapsed = MonotonicClock.now - start
      if elapsed >= plan.sampleDuration { return (elapsed, calls) }
      // Doubling keeps the clock out of steps that take a microsecond.
      batch *= 2
    }
  }

  /// The number of neurons that fire in some steps, as the trainer and as exhaustive computation over
  /// its rows find it.
  private func mismatches(_ trainer: Trainer, _ order: inout BatchOrder) -> Int {
    var report = FiringReport()
    var wrong = 0
    for _ in 0..<2 {
      let rows = order.next()
      BruteForceIndex(trainer.network.weights, method: .scan).report(
        queries: workload.inputs.gather(rows), rows: 0..<rows.count,
        above: trainer.network.effectiveThreshold, into: &report)
      let before = trainer.firings
      trainer.takeStep(rows)
      wrong += abs(trainer.firings - before - report.count)
    }
    return wrong
  }
}

extension TrainingTimes {
  /// What has been added since `earlier`, in proportion to a step of `seconds`.
  func parts(since earlier: TrainingTimes, scaledTo seconds: Double) -> TrainingTimes {
    let factor = seconds / max(steps - earlier.steps, .leastNormalMagnitude)
    var parts = TrainingTimes()
    parts.lookup = (lookup - earlier.lookup) * factor
    parts.forward = (forward - earlier.forward) * factor
    parts.loss = (loss - earlier.loss) * factor
    parts.backward = (backward - earlier.backward) * factor
    parts.maintenance = (maintenance - earlier.maintenance) * factor
    return parts
  }
}
