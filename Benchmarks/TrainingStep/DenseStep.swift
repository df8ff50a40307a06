// SPDX-License-Identifier: Apache-2.0
import CHalfspace
import Halfspace

/// The same step with every neuron: five OpenBLAS products and two passes over the activations.
final class DenseStep {
  private let data: FiringBatches
  private let h: Matrix
  private let slopes: Matrix
  private var next = 0

  init(_ data: FiringBatches) {
    self.data = data
    h = Matrix(rows: data.neurons, columns: data.batch)
    slopes = Matrix(rows: data.neurons, columns: data.batch)
  }

  func step() {
    next = (next + 1) % data.batches.count
    let x = data.batches[next].inputs
    let (m, d, c, s) = (data.neurons, data.dimension, data.outputCount, data.batch)
    let (w, a) = (data.weights, data.outputs)
    unsafe hs_gemm_f32(
      0, 1, m, s, d, 1, w.pointer, w.stride, x.pointer, x.stride, 0, h.pointer, h.stride)
    let b = data.threshold
    for i in 0..<(m * h.stride) { unsafe h.pointer[i] = max(0, h.pointer[i] - b) }
    unsafe hs_gemm_f32(
      1, 0, s, c, m, 1, h.pointer, h.stride, a.pointer, a.stride, 0, data.scores.pointer,
      data.scores.stride)
    unsafe hs_gemm_f32(
      0, 1, m, s, c, 1, a.pointer, a.stride, data.gradient.pointer, data.gradient.stride, 0,
      slopes.pointer, slopes.stride)
    for i in 0..<(m * h.stride) {
      unsafe slopes.pointer[i] = h.pointer[i] > 0 ? slopes.pointer[i] : 0
    }
    unsafe hs_gemm_f32(
      0, 0, m, c, s, -1e-20, h.pointer, h.stride, data.gradient.pointer, data.gradient.stride, 1,
      a.pointer, a.stride)
    unsafe hs_gemm_f32(
      0, 0, m, d, s, -1e-20, slopes.pointer, slopes.stride, x.pointer, x.stride, 1, w.pointer,
      w.stride)
  }
}
