// SPDX-License-Identifier: Apache-2.0
import CHalfspace
import Foundation
import Halfspace

/// Weights, and batches of inputs with the neurons they fire, transposed: what the sparse passes
/// of a training step work on.
final class FiringBatches {
  let neurons: Int
  let dimension: Int
  let outputCount: Int
  let batch: Int
  let threshold: Float
  let weights: Matrix
  let outputs: Matrix
  let scores: Matrix
  let gradient: Matrix
  let batches: [Batch]

  /// One batch and its transposed report.
  struct Batch {
    let inputs: Matrix
    var active: [Int32]
    var starts: [Int32]
    var rows: [Int32]
    var h: [Float]
  }

  init(neurons: Int, dimension: Int, outputCount: Int, batch: Int, firing: Double, count: Int) {
    self.neurons = neurons
    self.dimension = dimension
    self.outputCount = outputCount
    self.batch = batch
    let b = Float(GaussianTail.threshold(forProbability: firing))
    threshold = b
    let w = Matrix(rows: neurons, columns: dimension)
    unsafe hs_normal_rows_f32(1, 1, 0, neurons, dimension, w.stride, w.pointer)
    weights = w
    outputs = Matrix(rows: neurons, columns: outputCount, packedSingleColumn: true)
    unsafe hs_normal_rows_f32(
      1, 2, 0, neurons, outputCount, outputs.stride, outputs.pointer)
    scores = Matrix(rows: batch, columns: outputCount, packedSingleColumn: true)
    gradient = Matrix(rows: batch, columns: outputCount, packedSingleColumn: true)
    unsafe hs_normal_rows_f32(
      1, 3, 0, batch, outputCount, gradient.stride, gradient.pointer)
    let index = BruteForceIndex(w, threads: 1)
    batches = (0..<count).map { number in
      let inputs = Self.unitRows(batch, dimension, first: number * batch)
      var report = FiringReport()
      index.report(queries: inputs, rows: 0..<batch, above: b, into: &report)
      return Self.transpose(report, inputs, neurons)
    }
  }

  /// Pairs that fire in a batch, on average.
  var pairs: Double { Double(batches.reduce(0) { $0 + $1.rows.count }) / Double(batches.count) }
  /// Neurons that fire in a batch, on average.
  var active: Double { Double(batches.reduce(0) { $0 + $1.active.count }) / Double(batches.count) }

  private static func unitRows(_ count: Int, _ dimension: Int, first: Int) -> Matrix {
    let rows = Matrix(rows: count, columns: dimension)
    unsafe hs_normal_rows_f32(2, 1, Int64(first), count, dimension, rows.stride, rows.pointer)
    for r in 0..<count {
      let values = rows.rowArray(r)
      let norm = values.reduce(0) { $0 + $1 * $1 }.squareRoot()
      rows.setRow(r, to: values.map { $0 / norm })
    }
    return rows
  }

  private static func transpose(
    _ report: borrowing FiringReport, _ inputs: Matrix, _ neurons: Int
  ) -> Batch {
    var counts = [Int32](repeating: 0, count: neurons)
    let room = min(neurons, report.count)
    var batch = Batch(
      inputs: inputs, active: .init(repeating: 0, count: room),
      starts: .init(repeating: 0, count: room + 1),
      rows: .init(repeating: 0, count: report.count), h: .init(repeating: 0, count: report.count))
    let active = unsafe hs_transpose_report(
      report.queryCount, neurons, report.offsets, report.neurons, report.values, &counts,
      &batch.active, &batch.starts, &batch.rows, &batch.h)
    batch.active.removeLast(room - active)
    batch.starts.removeLast(room - active)
    return batch
  }
}
