// SPDX-License-Identifier: Apache-2.0
import CHalfspace
import Halfspace

/// Training rows of a batch, gathered.
struct BatchRows {
  let rows: [Int]
  let inputs: Matrix

  init(_ rows: ArraySlice<Int>, of inputs: Matrix) {
    self.rows = Array(rows)
    self.inputs = inputs.gather(rows)
  }
}

/// The trainer's step with the firing sets given: the same kernels on the same stored rows, neuron
/// by neuron, and nothing to look up. The limit for any lookup.
final class OracleStep {
  private let weights: Matrix
  private let outputs: Matrix
  private let threshold: Float
  private let factor: Float
  private let shards: [Int]
  private let batches: [Batch]
  private let scores: Matrix
  private let gradient: Matrix
  private let loss: BatchLoss
  private var h: [Float]
  private var values: [Float]
  private var slopes: [Float]
  /// The sums of single shards.
  private let sums: Matrix
  private var next = 0
  /// Fewest queries that the trainer takes neuron by neuron.
  private static let fewestByNeuron = 8
  /// So small that weights, and with them the firing sets, stay as they are.
  private static let alpha: Float = -1e-20

  /// A batch and who fires on it.
  private struct Batch {
    let rows: BatchRows
    var active: [Int32]
    var starts: [Int32]
    var queries: [Int32]
    /// The neuron of each pair, and where the pairs of each shard begin.
    var owners: [Int32] = []
    var shardStarts: [Int] = []
    /// The report itself.
    var offsets: [Int]
    var neurons: [Int32]
    /// Where each pair of the report is in the transposed one.
    var places: [Int32]
  }

  /// The step of `network` as it is now, over `batches` in turn.
  init(_ workload: Workload, network: MaterializedNetwork, batches: [BatchRows]) {
    weights = network.weights.copy()
    outputs = network.outputs.copy()
    threshold = network.effectiveThreshold
    factor = network.scale
    shards = network.shards
    scores = Matrix(rows: workload.batch, columns: outputs.columns, packedSingleColumn: true)
    gradient = scores.emptyTwin()
    sums = Matrix(
      rows: (network.shards.count - 1) * workload.batch, columns: outputs.columns,
      packedSingleColumn: true)
    loss = BatchLoss(workload.targets, batch: workload.batch)
    let index = BruteForceIndex(weights, threads: 1)
    let threshold = threshold
    let neurons = network.count
    let shards = network.shards
    self.batches = batches.map { rows in
      var report = FiringReport()
      index.report(
        queries: rows.inputs, rows: 0..<rows.inputs.rows, above: threshold, into: &report)
      return Self.transpose(report, rows, neurons, shards)
    }
    let room = self.batches.map(\.queries.count).max() ?? 0
    h = .init(repeating: 0, count: room)
    values = h
    slopes = h
  }

  private static func transpose(
    _ report: borrowing FiringReport, _ rows: BatchRows, _ neurons: Int, _ shards: [Int]
  ) -> Batch {
    var counts = [Int32](repeating: 0, count: neurons)
    var values = [Float](repeating: 0, count: report.count)
    let room = min(neurons, report.count)
    var batch = Batch(
      rows: rows, active: .init(repeating: 0, count: room),
      starts: .init(repeating: 0, count: room + 1),
      queries: .init(repeating: 0, count: report.count),
      offsets: (0...report.queryCount).map { unsafe report.offsets[$0] },
      neurons: (0..<report.count).map { unsafe report.neurons[$0] }, places: [])
    let active = unsafe hs_transpose_report(
      report.queryCount, neurons, report.offsets, report.neurons, report.values, &counts,
      &batch.active, &batch.starts, &batch.queries, &values)
    batch.active.removeLast(room - active)
    batch.starts.removeLast(room - active)
    for (n, neuron) in batch.active.enumerated() {
      batch.owners += repeatElement(neuron, count: Int(batch.starts[n + 1] - batch.starts[n]))
    }
    batch.shardStarts = shards.map { shard in
      batch.owners.firstIndex { $0 >= shard } ?? batch.owners.count
    }
    var next = [Int32](repeating: 0, count: neurons)
    for (n, neuron) in batch.active.enumerated() { next[Int(neuron)] = batch.starts[n] }
    batch.places = batch.neurons.map { neuron in
      defer { next[Int(neuron)] += 1 }
      return next[Int(neuron)]
    }
    return batch
  }

  /// Pairs that fire in a batch, on average.
  var pairs: Double {
    Double(batches.reduce(0) { $0 + $1.queries.count }) / Double(batches.count)
  }

  func step() {
    next = (next + 1) % batches.count
    let batch = batches[next]
    let (x, count) = (batch.rows.inputs, batch.rows.rows.count)
    let active = batch.active.count
    let isByNeuron = count >= Self.fewestByNeuron
    if isByNeuron { forwardByNeuron(batch) } else { forward(batch) }
    loss.slopes(
      scores, rows: batch.rows.rows[...], factor: factor / Float(count), into: gradient)
    _ = unsafe hs_backward_sgd_f32(
      0, active, batch.active, batch.starts, batch.queries, isByNeuron ? batch.owners : nil, h,
      weights.stride, x.pointer, outputs.stride, gradient.pointer, Self.alpha, weights.pointer,
      Self.alpha, 1, outputs.pointer, &slopes, nil)
  }

  private func forward(_ batch: Batch) {
    let x = batch.rows.inputs
    unsafe hs_sddmm_f32(
      0, batch.active.count, batch.active, batch.starts, batch.queries, weights.stride,
      weights.pointer, x.pointer, threshold, &h)
    unsafe h.withUnsafeBufferPointer { h in
      unsafe batch.places.withUnsafeBufferPointer { places in
        for e in 0..<places.count { unsafe values[e] = h[Int(places[e])] }
      }
    }
    unsafe hs_forward_queries_f32(
      batch.rows.rows.count, batch.offsets, batch.neurons, values, outputs.pointer, nil, nil, nil,
      nil, shards.count - 1, shards, outputs.stride, factor, scores.pointer)
  }

  private func forwardByNeuron(_ batch: Batch) {
    let plane = batch.rows.rows.count * scores.stride
    let pieces = shards.count - 1
    unsafe hs_pair_dots_f32(
      0, batch.queries.count, batch.owners, batch.queries, weights.stride, weights.pointer,
      batch.rows.inputs.pointer, threshold, &h)
    _ = unsafe hs_forward_pairs_f32(
      pieces, batch.shardStarts, batch.owners, batch.queries, h, outputs.stride,
      outputs.pointer, plane, sums.pointer, nil, nil)
    unsafe hs_add_planes_f32(pieces, plane, plane, sums.pointer, factor, scores.pointer)
  }
}
