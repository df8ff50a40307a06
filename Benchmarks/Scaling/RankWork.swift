// SPDX-License-Identifier: Apache-2.0
import Halfspace
import _HalfspaceReport

/// The work of one rank on one case.
enum RankWork {
  static func measure(
    _ scaling: ScalingCase, _ communicator: any Communicator
  ) throws -> ScalingMeasurement {
    let trainer = try scaling.trainer(communicator)
    let order = Array(0..<scaling.rows)
    var start = 0
    func step() {
      trainer.takeStep(order[start..<min(start + scaling.batch, order.count)])
      start = (start + scaling.batch) % order.count
    }
    // The first steps make what is made once, and bring every page in.
    for _ in 0..<6 { step() }
    let before = (trainer.times, trainer.traffic, trainer.firings)
    var samples: [Double] = []
    for _ in 0..<scaling.steps {
      let clock = MonotonicClock.now
      step()
      samples.append(MonotonicClock.now - clock)
    }
    let (times, traffic) = (trainer.times, trainer.traffic)
    let steps = Double(scaling.steps)
    func perStep(_ part: KeyPath<TrainingTimes, Double>) -> Double {
      (times[keyPath: part] - before.0[keyPath: part]) / steps
    }
    let divided =
      perStep(\.lookup) + perStep(\.forward) + perStep(\.backward) + perStep(\.maintenance)
    let firings = communicator.sum([trainer.firings - before.2])[0]
    let wall = samples.reduce(0, +) / steps
    let collective = timeCollectives(communicator)
    let network = trainer.network
    return ScalingMeasurement(
      case: scaling, stored: network.count,
      mostHeld: communicator.gather([network.held.count]).map { $0[0] }.max() ?? 0,
      shards: network.shards.count - 1,
      firingsPerRow: Double(firings) / steps / Double(scaling.batch),
      touchedRows: touchedRows(
        trainer, on: scaling.problem().inputs.gather(0..<scaling.batch), communicator),
      reportSeconds: times.report, stepSeconds: Timing(samples: samples).median,
      divided: divided, replicated: wall - divided - perStep(\.exchange),
      exchange: perStep(\.exchange),
      bytesSent: Double(traffic.bytesSent - before.1.bytesSent) / steps,
      bytesReceived: Double(traffic.bytesReceived - before.1.bytesReceived) / steps,
      operations: Double(traffic.operations - before.1.operations) / steps,
      latency: collective.latency, secondsPerByte: collective.secondsPerByte,
      checksum: checksum(trainer.predictor()))
  }

  /// Stored rows that fire on some row of a batch, in all processes.
  private static func touchedRows(
    _ trainer: Trainer, on inputs: Matrix, _ communicator: any Communicator
  ) -> Double {
    let network = trainer.network
    var report = FiringReport()
    BruteForceIndex(network.weights).report(
      queries: inputs, rows: 0..<inputs.rows, above: network.effectiveThreshold, into: &report)
    var touched = Set<Int32>()
    for query in 0..<report.queryCount { touched.formUnion(report.neurons(of: query)) }
    return Double(communicator.sum([touched.count])[0])
  }

  /// The time of small collective operations, and of a byte more in large ones.
  private static func timeCollectives(
    _ communicator: any Communicator
  ) -> (latency: Double, secondsPerByte: Double) {
    func seconds(_ numbers: Int, _ repetitions: Int) -> Double {
      let list = [Int](repeating: 1, count: numbers)
      _ = communicator.sum(list)
      let start = MonotonicClock.now
      for _ in 0..<repetitions { _ = communicator.sum(list) }
      return (MonotonicClock.now - start) / Double(repetitions)
    }
    guard communicator.size > 1 else { return (0, 0) }
    let small = seconds(1, 300)
    let numbers = 1 << 16
    let received = 8 * Double(numbers * (communicator.size - 1))
    return (small, max(0, seconds(numbers, 20) - small) / received)
  }

  private static func checksum(_ predictor: Predictor) -> UInt64 {
    // FNV-1a, number by number.
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for matrix in [predictor.weights, predictor.outputs] {
      for row in 0..<matrix.rows {
        for value in matrix.rowArray(row) {
          hash = (hash ^ UInt64(value.bitPattern)) &* 0x100_0000_01b3
        }
      }
    }
    return hash
  }
}
