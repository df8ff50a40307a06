// SPDX-License-Identifier: Apache-2.0
internal import CHalfspace
internal import HalfspaceLinalg

extension SparseStep {
  /// Steps of one weight matrix whose gradient is, for every row that the loaded report lists, the
  /// sum of the values times the inputs, in the order of the inputs. O(pairs * columns).
  func descend(
    inputs: Matrix, parameters: Matrix, optimizer: LayerOptimizer,
    _ parametersOfStep: LayerOptimizer.Step
  ) {
    let stride = parameters.stride
    let block = Self.block(floatsPerNeuron: stride)
    let items = activeCount
    let pieces = workers(for: max(items, pairCount) * stride)
    unsafe Self.reserve(&gradients, pieces * block * stride)
    let view = unsafe view(scratch: gradients)
    // A row is written by one piece only, so any cut gives the same bits.
    parallelFor(pieces, threads: pieces) { piece in
      let gradient = unsafe view.scratch + piece * block * stride
      let last = (piece + 1) * items / pieces
      for begin in Swift.stride(from: piece * items / pieces, to: last, by: block) {
        let end = min(begin + block, last)
        // The output gradient of a layer whose pre-activations are the values.
        unsafe hs_backward_f32(
          begin, end, view.active, view.starts, view.rows, view.h, stride, inputs.pointer, stride,
          parameters.pointer, inputs.pointer, nil, gradient)
        unsafe optimizer.apply(
          parametersOfStep, count: end - begin, ids: view.active + begin, gradient: gradient,
          parameters: parameters)
      }
    }
  }
}
