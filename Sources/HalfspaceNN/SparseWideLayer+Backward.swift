// SPDX-License-Identifier: Apache-2.0
internal import CHalfspace
public import HalfspaceLinalg
internal import HalfspaceReporting

extension SparseWideLayer {
  /// Gradients of the neurons that fired on the last batch; all others are zero.
  public struct Gradients: Sendable {
    /// Positions in `network.neurons`, ascending.
    public let neurons: [Int32]
    /// With respect to their true first weights, `network.decay * network.weights`: `[n, d]`.
    public let weights: Matrix
    /// With respect to their true output weights: `[n, C]`; nil when these are not trained.
    public let outputs: Matrix?
  }

  /// The gradient of a loss with respect to the inputs `[B, d]` of the last `forward`, from the one
  /// with respect to its outputs `[B, C]`, which is kept for `update`.
  ///
  /// `dx_k = scale * sum_r <a_r, g_k> w_r` over the neurons r that fire on row k, in the order of the
  /// forward pass: each row's sum does not depend on the batch or on threads.
  ///
  /// - Complexity: O(pairs * (d + C)).
  public func backward(_ gradient: Matrix) -> Matrix {
    guard let inputs = pass?.inputs else {
      preconditionFailure("a backward pass needs a forward pass")
    }
    precondition(
      gradient.rows == inputs.rows && gradient.columns == outputCount,
      "a gradient [\(gradient.rows), \(gradient.columns)] for outputs [\(inputs.rows), "
        + "\(outputCount)]")
    let scaled = Matrix(rows: inputs.rows, columns: outputCount, packedSingleColumn: true)
    let factor = Float(Double(network.scale) * network.outputDecay)
    for row in 0..<inputs.rows {
      let (source, target) = unsafe (gradient.row(row), scaled.row(row))
      for c in 0..<outputCount { unsafe target[c] = source[c] * factor }
    }
    pass?.gradient = scaled
    computeSlopes(scaled)
    let result = Matrix(rows: inputs.rows, columns: dimension)
    unsafe slopes.withUnsafeBufferPointer { slopes in
      unsafe step.combine(
        report, values: slopes.baseAddress!, rows: network.weights, shards: network.shards,
        factor: Float(network.decay), into: result)
    }
    return result
  }

  /// `<a_r, g_k>` of every pair of the report, in its order.
  private func computeSlopes(_ gradient: Matrix) {
    let queries = report.queryCount
    let count = report.count
    if slopes.count < max(1, count) { slopes = .init(repeating: 0, count: count + count / 4 + 1) }
    let (offsets, neurons) = unsafe (report.offsets, report.neurons)
    let outputs = network.outputs
    guard outputs.stride > 1 else {
      for k in 0..<queries {
        let g = gradient[k, 0]
        for e in unsafe offsets[k]..<offsets[k + 1] {
          slopes[e] = unsafe outputs.pointer[Int(neurons[e])] * g
        }
      }
      return
    }
    // A sampled product in which rows of the gradient are what neurons are elsewhere.
    let starts = (0...queries).map { unsafe Int32(offsets[$0]) }
    let rows = (0..<Int32(queries)).map { $0 }
    unsafe hs_sddmm_f32(
      0, queries, rows, starts, neurons, outputs.stride, gradient.pointer, outputs.pointer, 0,
      &slopes)
  }

  /// The gradients of the weights that the last `backward` implies: what `update` follows. For those
  /// who bring their own optimizer, and for checks. O(pairs * (d + C)).
  public func parameterGradients() -> Gradients {
    guard let pass, let gradient = pass.gradient else {
      preconditionFailure("parameter gradients need a forward and a backward pass")
    }
    step.load(report, neurons: network.count)
    let neurons = unsafe Array(step.activeNeurons)
    let weights = Matrix(rows: neurons.count, columns: dimension)
    let outputs =
      trainsOutputs
      ? Matrix(rows: neurons.count, columns: outputCount, packedSingleColumn: true) : nil
    let view = unsafe step.view(scratch: step.gradients)
    unsafe hs_backward_f32(
      0, neurons.count, view.active, view.starts, view.rows, view.h, weights.stride,
      pass.inputs.pointer, network.outputs.stride, network.outputs.pointer, gradient.pointer,
      weights.pointer, outputs?.pointer)
    return Gradients(neurons: neurons, weights: weights, outputs: outputs)
  }
}
