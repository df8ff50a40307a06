// SPDX-License-Identifier: Apache-2.0
internal import CHalfspace
internal import HalfspaceLinalg
internal import HalfspaceReporting

extension SparseStep {
  /// What the backward pass works on.
  struct Layers {
    var inputs: Matrix
    /// The inputs as sparse rows: then the matrix is not read, and optimizers move nothing whose
    /// gradient is zero.
    var sparse: SparseQueries?
    var weights: Matrix
    var outputs: Matrix
    var hidden: LayerOptimizer
    /// Nil when the output weights are fixed.
    var output: LayerOptimizer?

    /// Whether nothing but `w -= rate * g` is to be done.
    var isPlainSGD: Bool { hidden.isPlainSGD && output?.isPlainSGD != false }
  }

  /// Neurons whose gradients are held at a time: few enough to stay in the second-level cache,
  /// many enough that prefetching rarely starts anew (32: 21 ns per firing pair, 256: 19).
  static func block(floatsPerNeuron: Int) -> Int {
    min(256, max(16, (1 << 16) / floatsPerNeuron))
  }

  /// Gradients of both layers from `gradient` `[batch, C]` (loss derivatives times the factor of
  /// the layer), turned into optimizer steps and added, block of neurons by block.
  ///
  /// With `allNeurons`, rows that did not fire take part with gradient zero (dense momentum and
  /// Adam). O(pairs * (d + C)), plus O(M (d + C)) for all neurons.
  mutating func backward(
    gradient: Matrix, layers: Layers, hiddenStep: LayerOptimizer.Step,
    outputStep: LayerOptimizer.Step, allNeurons: Bool
  ) {
    if let sparse = layers.sparse {
      precondition(!allNeurons, "an optimizer that moves all neurons needs rows with their zeros")
      backward(
        gradient: gradient, inputs: sparse, layers: layers, hiddenStep: hiddenStep,
        outputStep: outputStep)
      return
    }
    plainAlpha = !allNeurons && layers.isPlainSGD ? hiddenStep.alpha : nil
    if plainAlpha != nil {
      descend(
        gradient: gradient, layers: layers, alpha: hiddenStep.alpha, outputAlpha: outputStep.alpha)
      return
    }
    let inStride = layers.weights.stride
    let outStride = layers.outputs.stride
    let block = Self.block(floatsPerNeuron: inStride + outStride)
    let perSlice = block * (inStride + outStride)
    let neurons = layers.weights.rows
    let items = allNeurons ? neurons : activeCount
    let pieces = workers(for: max(items, pairCount) * (inStride + outStride))
    unsafe Self.reserve(&gradients, pieces * perSlice)
    let view = unsafe view(scratch: gradients)
    let activeCount = activeCount
    // Rows of one neuron are written by one slice only, so any cut gives the same bits.
    parallelFor(pieces, threads: pieces) { piece in
      let gradW = unsafe view.scratch + piece * perSlice
      let gradA = unsafe gradW + block * inStride
      func differentiate(_ begin: Int, _ end: Int) {
        unsafe hs_backward_f32(
          begin, end, view.active, view.starts, view.rows, view.h, inStride,
          layers.inputs.pointer, outStride, layers.outputs.pointer, gradient.pointer, gradW,
          layers.output == nil ? nil : gradA)
      }
      func apply(_ count: Int, _ ids: UnsafePointer<Int32>) {
        unsafe layers.hidden.apply(
          hiddenStep, count: count, ids: ids, gradient: gradW, parameters: layers.weights)
        unsafe layers.output?.apply(
          outputStep, count: count, ids: ids, gradient: gradA, parameters: layers.outputs)
      }
      let first = piece * items / pieces
      let last = (piece + 1) * items / pieces
      if !allNeurons {
        for begin in stride(from: first, to: last, by: block) {
          let end = min(begin + block, last)
          differentiate(begin, end)
          unsafe apply(end - begin, view.active + begin)
        }
        return
      }
      unsafe withUnsafeTemporaryAllocation(of: Int32.self, capacity: block) { ids in
        let list = unsafe UnsafeBufferPointer(start: view.active, count: activeCount)
        for begin in stride(from: first, to: last, by: block) {
          let end = min(begin + block, last)
          let from = unsafe Self.position(of: Int32(begin), in: list)
          let to = unsafe Self.position(of: Int32(end), in: list)
          differentiate(from, to)
          unsafe Self.spread(
            gradW, inStride, list[from..<to], first: begin, count: end - begin)
          if layers.output != nil {
            unsafe Self.spread(
              gradA, outStride, list[from..<to], first: begin, count: end - begin)
          }
          for k in 0..<(end - begin) { unsafe ids[k] = Int32(begin + k) }
          unsafe apply(end - begin, ids.baseAddress!)
        }
      }
    }
  }

  /// The step of plain SGD, gradients and update in one.
  private mutating func descend(
    gradient: Matrix, layers: Layers, alpha: Float, outputAlpha: Float
  ) {
    let (weights, outputs, inputs) = (layers.weights, layers.outputs, layers.inputs)
    unsafe Self.reserve(&gradients, pairCount)
    let view = unsafe view(scratch: gradients)
    let trainsOutputs: Int32 = layers.output == nil ? 0 : 1
    let items = activeCount
    let workers = workers(for: pairCount * (weights.stride + outputs.stride))
    // A few more pieces than threads: neurons differ in their number of pairs.
    let pieces = workers == 1 ? 1 : 4 * workers
    parallelFor(pieces, threads: workers) { piece in
      unsafe hs_backward_sgd_f32(
        piece * items / pieces, (piece + 1) * items / pieces, view.active, view.starts, view.rows,
        view.owners, view.h, weights.stride, inputs.pointer, outputs.stride, gradient.pointer,
        alpha, weights.pointer, outputAlpha, trainsOutputs, outputs.pointer, view.scratch)
    }
  }

  /// Bounds how far the last step has moved each active neuron, `MoveBounds`; returns the largest
  /// bound. The slopes are those that `descend` has left.
  func boundMoves(
    norms: [Float], factor: Float, floor: Float, into bounds: inout [Float]
  ) -> Float {
    precondition(plainAlpha != nil && bounds.count >= activeCount, "\(activeCount) neurons")
    let view = unsafe view(scratch: gradients)
    let items = activeCount
    let pieces = workers(for: Self.workOfBound * pairCount)
    return unsafe bounds.withUnsafeMutableBufferPointer { bounds in
      let target = unsafe Bounds(pointer: bounds.baseAddress!)
      return unsafe withUnsafeTemporaryAllocation(of: Float.self, capacity: pieces) { largest in
        let most = unsafe Bounds(pointer: largest.baseAddress!)
        parallelFor(pieces, threads: pieces) { piece in
          let first = piece * items / pieces
          unsafe most.pointer[piece] = hs_step_bounds_f32(
            (piece + 1) * items / pieces - first, view.starts + first, view.rows, view.owners,
            view.scratch, norms, factor, floor, target.pointer + first)
        }
        // No number only where there is none.
        return unsafe largest[1...].reduce(largest[0]) { $1 > $0 || $0.isNaN ? $1 : $0 }
      }
    }
  }

  /// What bounding a pair takes of the time of a multiplication and addition.
  private static let workOfBound = 8

  /// Where pieces write, each its own part.
  @unsafe private struct Bounds: @unchecked Sendable {
    let pointer: UnsafeMutablePointer<Float>
  }

  /// Moves compact gradient rows to their places among `count` consecutive neurons and clears the
  /// places between.
  private static func spread(
    _ rows: UnsafeMutablePointer<Float>, _ stride: Int, _ ids: Slice<UnsafeBufferPointer<Int32>>,
    first: Int, count: Int
  ) {
    var source = unsafe ids.endIndex - 1
    // Backwards: a place is never ahead of its source.
    for place in Swift.stride(from: count - 1, through: 0, by: -1) {
      let target = unsafe rows + place * stride
      if unsafe source >= ids.startIndex && Int(ids[source]) == first + place {
        let from = unsafe source - ids.startIndex
        if from != place { unsafe target.update(from: rows + from * stride, count: stride) }
        source -= 1
      } else {
        unsafe target.update(repeating: 0, count: stride)
      }
    }
  }
}
