// SPDX-License-Identifier: Apache-2.0
internal import CHalfspace
internal import Foundation
public import HalfspaceLinalg
internal import HalfspaceReporting

/// The same network as `MaterializedNetwork` with every row stored and every product computed:
/// the oracle of the tests and the baseline of the benchmarks.
///
/// With `.canonical` products it is the definition: all pre-activations by the canonical kernel,
/// sums in the order of the rows, an optimizer step for every row. A materialized network
/// whose rows come first in `order` must have the same bits, row for row, after any number of
/// steps. With `.openBLAS` products it is the fastest dense step there is: five matrix products.
public final class DenseNetwork {
  /// How the dense products are computed.
  public enum Products: Sendable {
    /// Canonical kernel, fixed order of sums.
    case canonical
    /// OpenBLAS, unspecified order of sums.
    case openBLAS
  }

  /// Numbers of the neurons in the initial network, in the order of the rows.
  public let order: [Int]
  /// First-layer rows `[m, d]`, to be multiplied by `decay`.
  public let weights: Matrix
  /// Output weights `[m, C]`, to be multiplied by `outputDecay`.
  public let outputs: Matrix
  /// The threshold `b`.
  public let threshold: Float
  /// The factor `1 / sqrt(m Q(b))`.
  public let scale: Float
  /// Offsets of the shards that sums run in; the last ends at m.
  public let shards: [Int]
  /// What weight decay has left of the first layer.
  public private(set) var decay = 1.0
  /// What weight decay has left of the output weights.
  public private(set) var outputDecay = 1.0

  private let configuration: TrainingConfiguration
  private let trainsOutputs: Bool
  private var hidden: LayerOptimizer
  private var output: LayerOptimizer
  private var stepCount = 0

  /// A dense twin of a materialized network at its start: the materialized rows first, in their
  /// order, then the latent ones, which extend the last shard. Memory O(m (d + C)).
  public init(
    twinOf network: MaterializedNetwork, configuration: TrainingConfiguration,
    trainsOutputs: Bool = true
  ) {
    let initial = network.initial
    order = network.neurons + (0..<network.width).filter { !network.isMaterialized($0) }
    weights = Matrix(rows: initial.width, columns: initial.dimension)
    outputs = Matrix(
      rows: initial.width, columns: initial.outputCount, packedSingleColumn: true)
    for (r, neuron) in order.enumerated() {
      unsafe initial.copyWeights(of: neuron, to: weights.row(r))
      unsafe initial.copyOutputs(of: neuron, to: outputs.row(r))
    }
    threshold = network.threshold
    scale = network.scale
    shards = network.shards.dropLast() + [initial.width]
    self.configuration = configuration
    self.trainsOutputs = trainsOutputs
    hidden = LayerOptimizer(optimizer: configuration.optimizer, parameters: weights)
    output = LayerOptimizer(optimizer: configuration.optimizer, parameters: outputs)
  }

  private var effectiveThreshold: Float { Float(Double(threshold) / decay) }

  /// Outputs `[n, C]` of transformed inputs `[n, d]`. O(n m d).
  public func scores(for inputs: Matrix, products: Products = .canonical) -> Matrix {
    let h = activations(inputs, products)
    return scores(h, rows: inputs.rows, products)
  }

  /// Takes one step on a batch `[s, d]`; returns the sum of the losses before it. O(s m (d + C)).
  @discardableResult
  public func takeStep(
    _ batch: Matrix, targets: Targets, targetRows: ArraySlice<Int>, learningRate rate: Double,
    products: Products = .canonical
  ) -> Double {
    let h = activations(batch, products)
    let scores = scores(h, rows: batch.rows, products)
    let gradient = scores.emptyTwin()
    var workspace = LossWorkspace(batch: batch.rows)
    let factor = Float(Double(scale) * outputDecay / Double(batch.rows))
    let loss = configuration.loss.evaluate(
      batch: batch.rows, scores: scores, targets: targets, targetRows: targetRows,
      factor: factor, gradient: gradient, workspace: &workspace)
    let gradients =
      switch products {
      case .canonical: canonicalGradients(h, batch, gradient)
      case .openBLAS: blasGradients(h, batch, gradient)
      }
    apply(gradients, rate: rate)
    return loss
  }

  // MARK: Forward

  /// `relu(<w_r, x_k> - b)` as `[m, batch]`.
  private func activations(_ batch: Matrix, _ products: Products) -> Matrix {
    let h =
      switch products {
      case .canonical: weights.canonicalProduct(with: batch)
      case .openBLAS: weights.product(with: batch, otherTransposed: true)
      }
    let b = effectiveThreshold
    for r in 0..<h.rows {
      let row = unsafe h.row(r)
      for k in 0..<h.columns { unsafe row[k] = row[k] > b ? row[k] - b : 0 }
    }
    return h
  }

  private func scores(_ h: Matrix, rows: Int, _ products: Products) -> Matrix {
    let factor = Float(Double(scale) * decay * outputDecay)
    let total = Matrix(rows: rows, columns: outputs.columns, packedSingleColumn: true)
    switch products {
    case .openBLAS:
      unsafe hs_gemm_f32(
        1, 0, rows, outputs.columns, h.rows, factor, h.pointer, h.stride, outputs.pointer,
        outputs.stride, 0, total.pointer, total.stride)
    case .canonical:
      for (begin, end) in zip(shards, shards.dropFirst()) {
        let sum = total.emptyTwin()
        for r in begin..<end {
          for k in 0..<rows where h[r, k] > 0 { accumulate(h[r, k], outputs, r, into: sum, k) }
        }
        for i in 0..<(rows * total.stride) {
          unsafe total.pointer[i] = begin == 0 ? sum.pointer[i] : total.pointer[i] + sum.pointer[i]
        }
      }
      for i in 0..<(rows * total.stride) { unsafe total.pointer[i] *= factor }
    }
    return total
  }

  /// `target[row] = fma(alpha, source[sourceRow], target[row])`, element by element.
  private func accumulate(
    _ alpha: Float, _ source: Matrix, _ sourceRow: Int, into target: Matrix, _ row: Int
  ) {
    let only: Int32 = 0
    unsafe withUnsafePointer(to: only) {
      unsafe hs_add_rows_f32(
        1, $0, target.stride, alpha, source.row(sourceRow), target.row(row))
    }
  }

  // MARK: Backward

  private func canonicalGradients(
    _ h: Matrix, _ batch: Matrix, _ gradient: Matrix
  ) -> (Matrix, Matrix) {
    let gradW = weights.emptyTwin()
    let gradA = outputs.emptyTwin()
    for r in 0..<h.rows {
      for k in 0..<h.columns where h[r, k] > 0 {
        let slope =
          outputs.stride == 1
          ? outputs[r, 0] * gradient[k, 0]
          : unsafe hs_dot_f32(outputs.stride, outputs.row(r), gradient.row(k))
        accumulate(slope, batch, k, into: gradW, r)
        accumulate(h[r, k], gradient, k, into: gradA, r)
      }
    }
    return (gradW, gradA)
  }

  private func blasGradients(
    _ h: Matrix, _ batch: Matrix, _ gradient: Matrix
  ) -> (Matrix, Matrix) {
    let slopes = outputs.product(with: gradient, otherTransposed: true)
    for i in 0..<(h.rows * h.stride) where unsafe h.pointer[i] == 0 { unsafe slopes.pointer[i] = 0 }
    let gradA = outputs.emptyTwin()
    unsafe hs_gemm_f32(
      0, 0, h.rows, outputs.columns, batch.rows, 1, h.pointer, h.stride, gradient.pointer,
      gradient.stride, 0, gradA.pointer, gradA.stride)
    return (slopes.product(with: batch), gradA)
  }

  private func apply(_ gradients: (hidden: Matrix, output: Matrix), rate: Double) {
    let shrink = 1 - rate * configuration.weightDecay
    decay *= shrink
    if trainsOutputs { outputDecay *= shrink }
    stepCount += 1
    // Every row, fired or not: what a sparse optimizer leaves alone must not move here either.
    let ids = (0..<Int32(weights.rows)).map { $0 }
    unsafe hidden.apply(
      .init(alpha: Float(-rate / decay), averageAlpha: 0, number: stepCount),
      count: ids.count, ids: ids, gradient: gradients.hidden.pointer, parameters: weights)
    guard trainsOutputs else { return }
    unsafe output.apply(
      .init(alpha: Float(-rate / outputDecay), averageAlpha: 0, number: stepCount),
      count: ids.count, ids: ids, gradient: gradients.output.pointer, parameters: outputs)
  }
}
