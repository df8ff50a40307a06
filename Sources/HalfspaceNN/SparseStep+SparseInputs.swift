// SPDX-License-Identifier: Apache-2.0
internal import CHalfspace
internal import HalfspaceLinalg
internal import HalfspaceReporting

extension SparseStep {
  /// Neurons whose output gradients are held at a time.
  private static let sparseBlock = 64

  /// The backward pass for sparse inputs and an optimizer that moves nothing whose gradient is zero:
  /// as `backward(gradient:layers:...)` does it for the rows with their zeros, but only the columns
  /// of the rows that fired are touched. O(pairs * (e + C)) for e entries of a row.
  func backward(
    gradient: Matrix, inputs: SparseQueries, layers: Layers, hiddenStep: LayerOptimizer.Step,
    outputStep: LayerOptimizer.Step
  ) {
    let (weights, outputs) = (layers.weights, layers.outputs)
    let (inStride, outStride) = (weights.stride, outputs.stride)
    // A row of gradients for each thread, which the kernel finds and leaves zero; behind them all, the
    // gradients of output weights.
    let outputFloats = Self.sparseBlock * outStride
    unsafe Self.reserve(&gradients, threads * (inStride + outputFloats))
    let zeros = threads * inStride
    let view = unsafe view(scratch: gradients)
    let items = activeCount
    let entries = inputs.entryCount / max(1, inputs.count)
    let pieces = workers(for: pairCount * (4 * entries + outStride))
    let averageSum = layers.hidden.averageSum
    let state = layers.hidden.states.first
    parallelFor(pieces, threads: pieces) { piece in
      let row = unsafe view.scratch + piece * inStride
      let outputGradients = unsafe view.scratch + zeros + piece * outputFloats
      let end = (piece + 1) * items / pieces
      for begin in stride(from: piece * items / pieces, to: end, by: Self.sparseBlock) {
        let last = min(begin + Self.sparseBlock, end)
        unsafe inputs.withRows { rows in
          unsafe hs_sparse_backward_f32(
            begin, last, view.active, view.starts, view.rows, rows, inStride, outStride,
            outputs.pointer, gradient.pointer, layers.hidden.epsilon, state?.pointer,
            hiddenStep.alpha, weights.pointer, hiddenStep.averageAlpha, averageSum?.pointer, row)
        }
        guard let output = layers.output else { continue }
        // The slopes above were those of the output weights before this step.
        unsafe hs_backward_f32(
          begin, last, view.active, view.starts, view.rows, view.h, inStride, weights.pointer,
          outStride, outputs.pointer, gradient.pointer, nil, outputGradients)
        unsafe output.apply(
          outputStep, count: last - begin, ids: view.active + begin, gradient: outputGradients,
          parameters: outputs)
      }
    }
  }
}

extension LayerOptimizer {
  /// AdaGrad's epsilon; 0 for others.
  fileprivate var epsilon: Float {
    if case .adaGrad(let epsilon) = optimizer { epsilon } else { 0 }
  }
}
