// SPDX-License-Identifier: Apache-2.0
import CHalfspace
import Halfspace

/// The kernels of a sparse step as the trainer calls them, block of neurons by block.
final class SparsePasses {
  private let data: FiringBatches
  private var h: [Float]
  private var gradW: [Float]
  private var gradA: [Float]
  private var next = 0
  private static let block = 256

  init(_ data: FiringBatches) {
    self.data = data
    h = .init(repeating: 0, count: data.batches.map(\.rows.count).max() ?? 0)
    gradW = .init(repeating: 0, count: Self.block * data.weights.stride)
    gradA = .init(repeating: 0, count: Self.block * data.outputs.stride)
  }

  /// Batches take turns, so that weights are as cold as in training.
  private func nextBatch() -> FiringBatches.Batch {
    next = (next + 1) % data.batches.count
    return data.batches[next]
  }

  /// Canonical pre-activations of the firing pairs.
  func preactivations() { preactivations(nextBatch()) }

  private func preactivations(_ batch: FiringBatches.Batch) {
    unsafe hs_sddmm_f32(
      0, batch.active.count, batch.active, batch.starts, batch.rows, data.weights.stride,
      data.weights.pointer, batch.inputs.pointer, data.threshold, &h)
  }

  /// Outputs from the firing neurons.
  func forward() { forward(nextBatch()) }

  private func forward(_ batch: FiringBatches.Batch) {
    data.scores.clear()
    unsafe hs_forward_f32(
      0, batch.active.count, batch.active, batch.starts, batch.rows, batch.h,
      data.outputs.stride, data.outputs.pointer, data.scores.pointer)
  }

  /// Gradients of both layers and the SGD update.
  func backward() { backward(nextBatch()) }

  private func backward(_ batch: FiringBatches.Batch) {
    unsafe batch.active.withUnsafeBufferPointer { active in
      for begin in stride(from: 0, to: batch.active.count, by: Self.block) {
        let end = min(begin + Self.block, batch.active.count)
        let ids = unsafe active.baseAddress! + begin
        unsafe hs_backward_f32(
          begin, end, active.baseAddress!, batch.starts, batch.rows, batch.h,
          data.weights.stride, batch.inputs.pointer, data.outputs.stride, data.outputs.pointer,
          data.gradient.pointer, &gradW, &gradA)
        // A rate so small that the weights, and with them the firing sets, stay as they are.
        unsafe hs_add_rows_f32(
          end - begin, ids, data.weights.stride, -1e-20, gradW, data.weights.pointer)
        unsafe hs_add_rows_f32(
          end - begin, ids, data.outputs.stride, -1e-20, gradA, data.outputs.pointer)
      }
    }
  }

  /// All of it on one batch.
  func step() {
    let batch = nextBatch()
    preactivations(batch)
    forward(batch)
    backward(batch)
  }
}
