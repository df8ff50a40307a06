// SPDX-License-Identifier: Apache-2.0
import CHalfspace
import Halfspace
import _HalfspaceReport

/// The same step with every neuron: five OpenBLAS products over tiles of neurons, so that
/// activations and slopes are worked on while they are in the cache. Rows are stored without
/// padding.
///
/// Two layouts, of which `fastest(_:)` takes the better one: neurons as rows, or as columns, which
/// makes all products of a single query run along contiguous memory.
final class DenseStep {
  enum Layout: CaseIterable { case rows, columns }

  private let layout: Layout
  private let (m, d, c, s): (Int, Int, Int, Int)
  private let threshold: Float
  private let weights: Matrix
  private let outputs: Matrix
  private let h: Matrix
  private let slopes: Matrix
  private let scores: Matrix
  private let gradient: Matrix
  private let batches: [BatchRows]
  private let loss: BatchLoss
  private var next = 0
  /// So small that the weights stay as they are.
  private static let alpha: Float = -1e-20
  private static let tileFloats = 1 << 17

  init(_ workload: Workload, threshold: Float, batches: [BatchRows], layout: Layout) {
    self.layout = layout
    self.threshold = threshold
    self.batches = batches
    (m, d) = (workload.network.width, workload.inputs.columns)
    (c, s) = (workload.outputCount, workload.batch)
    weights = Self.packed(m * d)
    outputs = Self.packed(m * c)
    h = Self.packed(m * s)
    slopes = Self.packed(Self.tileRows(s) * s)
    unsafe hs_normal_rows_f32(1, 1, 0, 1, m * d, m * d, weights.pointer)
    unsafe hs_normal_rows_f32(1, 2, 0, 1, m * c, m * c, outputs.pointer)
    scores = Matrix(rows: s, columns: c, packedSingleColumn: true)
    gradient = scores.emptyTwin()
    loss = BatchLoss(workload.targets, batch: s)
  }

  /// The layout that is faster here.
  static func fastest(
    _ workload: Workload, threshold: Float, batches: [BatchRows]
  ) -> DenseStep {
    var best: (seconds: Double, layout: Layout) = (.infinity, .rows)
    for layout in Layout.allCases {
      let step = DenseStep(workload, threshold: threshold, batches: batches, layout: layout)
      step.step()
      let start = MonotonicClock.now
      step.step()
      step.step()
      let seconds = MonotonicClock.now - start
      if seconds < best.seconds { best = (seconds, layout) }
    }
    return DenseStep(workload, threshold: threshold, batches: batches, layout: best.layout)
  }

  /// Bytes that such a step takes.
  static func memory(_ workload: Workload) -> Int {
    let columns = workload.inputs.columns + workload.outputCount + workload.batch
    return 4 * workload.network.width * columns
  }

  private static func packed(_ count: Int) -> Matrix { Matrix(rows: 1, columns: count) }
  private static func tileRows(_ batch: Int) -> Int { max(64, tileFloats / batch) }

  func step() {
    next = (next + 1) % batches.count
    let rows = batches[next]
    let tile = Self.tileRows(s)
    for first in stride(from: 0, to: m, by: tile) {
      forward(first, min(tile, m - first), rows.inputs)
    }
    loss.slopes(scores, rows: rows.rows[...], factor: 1 / Float(s), into: gradient)
    for first in stride(from: 0, to: m, by: tile) {
      backward(first, min(tile, m - first), rows.inputs)
    }
  }

  private func forward(_ first: Int, _ n: Int, _ x: Matrix) {
    let sum: Float = first == 0 ? 0 : 1
    switch layout {
    case .rows:
      let (w, a, ht) = unsafe (
        weights.pointer + first * d, outputs.pointer + first * c, h.pointer + first * s
      )
      unsafe hs_gemm_f32(0, 1, n, s, d, 1, w, d, x.pointer, x.stride, 0, ht, s)
      unsafe rectify(ht, n * s)
      unsafe hs_gemm_f32(1, 0, s, c, n, 1, ht, s, a, c, sum, scores.pointer, scores.stride)
    case .columns:
      let (w, a, ht) = unsafe (
        weights.pointer + first, outputs.pointer + first, h.pointer + first
      )
      if s == 1 {
        unsafe hs_gemv_t_f32(d, n, 1, w, m, x.pointer, 0, ht)
        unsafe rectify(ht, n)
        unsafe hs_gemv_f32(c, n, 1, a, m, ht, sum, scores.pointer)
      } else {
        unsafe hs_gemm_f32(0, 0, s, n, d, 1, x.pointer, x.stride, w, m, 0, ht, m)
        for k in 0..<s { unsafe rectify(ht + k * m, n) }
        unsafe hs_gemm_f32(0, 1, s, c, n, 1, ht, m, a, m, sum, scores.pointer, scores.stride)
      }
    }
  }

  private func backward(_ first: Int, _ n: Int, _ x: Matrix) {
    let (g, gs, t) = unsafe (gradient.pointer, gradient.stride, slopes.pointer)
    switch layout {
    case .rows:
      let (w, a, ht) = unsafe (
        weights.pointer + first * d, outputs.pointer + first * c, h.pointer + first * s
      )
      unsafe hs_gemm_f32(0, 1, n, s, c, 1, a, c, g, gs, 0, t, s)
      unsafe mask(t, by: ht, n * s)
      unsafe hs_gemm_f32(0, 0, n, c, s, Self.alpha, ht, s, g, gs, 1, a, c)
      unsafe hs_gemm_f32(0, 0, n, d, s, Self.alpha, t, s, x.pointer, x.stride, 1, w, d)
    case .columns:
      let (w, a, ht) = unsafe (
        weights.pointer + first, outputs.pointer + first, h.pointer + first
      )
      if s == 1 {
        unsafe hs_gemv_t_f32(c, n, 1, a, m, g, 0, t)
        unsafe mask(t, by: ht, n)
        unsafe hs_ger_f32(c, n, Self.alpha, g, ht, a, m)
        unsafe hs_ger_f32(d, n, Self.alpha, x.pointer, t, w, m)
      } else {
        unsafe hs_gemm_f32(0, 0, s, n, c, 1, g, gs, a, m, 0, t, n)
        for k in 0..<s { unsafe mask(t + k * n, by: ht + k * m, n) }
        unsafe hs_gemm_f32(1, 0, c, n, s, Self.alpha, g, gs, ht, m, 1, a, m)
        unsafe hs_gemm_f32(1, 0, d, n, s, Self.alpha, x.pointer, x.stride, t, n, 1, w, m)
      }
    }
  }

  private func rectify(_ values: UnsafeMutablePointer<Float>, _ count: Int) {
    let b = threshold
    for i in 0..<count {
      let value = unsafe values[i] - b
      unsafe values[i] = value > 0 ? value : 0
    }
  }

  private func mask(
    _ values: UnsafeMutablePointer<Float>, by h: UnsafeMutablePointer<Float>, _ count: Int
  ) {
    for i in 0..<count { unsafe values[i] = h[i] > 0 ? values[i] : 0 }
  }
}
