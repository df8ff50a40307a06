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
  func backward(
    gradient: Matrix, layers: Layers, hiddenStep: LayerOptimizer.Step,
    outputStep: LayerOptimizer.Step, allNeurons: Bool
  ) {
    largestMove = nil
    joinParts()
    if let sparse = layers.sparse {
      precondition(!allNeurons, "an optimizer that moves all neurons needs rows with their zeros")
      backward(
        gradient: gradient, inputs: sparse, layers: layers, hiddenStep: hiddenStep,
        outputStep: outputStep)
      return
    }
    if !allNeurons && layers.isPlainSGD {
      descend(
        gradient: gradient, inputs: layers.inputs, weights: layers.weights,
        outputs: layers.outputs, alpha: hiddenStep.alpha,
        outputAlpha: layers.output == nil ? nil : outputStep.alpha, bounding: nil)
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

  /// The step of plain SGD, gradients and update in one: rows are moved by `alpha` times their gradients;
  /// `outputAlpha` is nil when the output weights are fixed. With `terms`, moves are bounded: see
  /// `moveBounds`. O(pairs * (d + C)).
  func descend(
    gradient: Matrix, inputs: Matrix, weights: Matrix, outputs: Matrix, alpha: Float,
    outputAlpha: Float?, bounding terms: MoveBounds.Terms?
  ) {
    largestMove = nil
    unsafe Self.reserve(&gradients, pairCount)
    let items = activeCount
    if terms != nil { unsafe Self.reserve(&bounds, items) }
    let descent = Descent(
      gradient: gradient, inputs: inputs, weights: weights, outputs: outputs, alpha: alpha,
      outputAlpha: outputAlpha, terms: terms)
    guard !isDivided else { return descendParts(descent) }
    let view = unsafe view(scratch: gradients)
    let workers = workers(for: pairCount * (weights.stride + outputs.stride))
    // Neurons differ in their number of pairs.
    let pieces = TaperedParts(of: items, threads: workers)
    unsafe Self.reserve(&largestMoves, pieces.count)
    let moves = unsafe Moves(bounds: bounds.baseAddress!, largest: largestMoves.baseAddress!)
    @Sendable func move(_ piece: Int) {
      unsafe moves.largest[piece] = descent.move(
        pieces[piece], of: view, slopes: view.scratch, bounds: moves.bounds)
    }
    if pieces.count == 1 { move(0) } else { parallelFor(pieces.count, threads: workers, move) }
    if terms != nil { takeLargestMove(of: pieces.count) }
  }

  /// The same of divided pairs: a thread moves the neurons that it has found. Afterwards these are listed.
  private func descendParts(_ descent: Descent) {
    let parts = parts
    // Rows that are in no cache take what they like, and may as well be moved by another thread at the end.
    let isLarge =
      pairCount * (descent.weights.stride + descent.outputs.stride) > Self.floatsOfLargeParts
    let pieces = isLarge ? TaperedParts.partsOfThread : 1
    unsafe Self.reserve(&largestMoves, parts.count * pieces)
    unsafe Self.reserve(&listed, activeCount)
    let moves = unsafe Moves(bounds: bounds.baseAddress!, largest: largestMoves.baseAddress!)
    let room = unsafe PartRoom(slopes: gradients.baseAddress!, listed: listed.baseAddress!)
    @Sendable func move(_ piece: Int) {
      let part = piece / pieces
      let start = parts.start(of: part)
      let own = unsafe View(parts[part].pointee.pairs, scratch: room.slopes + start.pairs)
      let some =
        unsafe pieces == 1
        ? 0..<own.count : TaperedParts.part(piece % pieces, of: own.count, thread: part)
      unsafe moves.largest[piece] = descent.move(
        some, of: own, slopes: own.scratch, bounds: moves.bounds + start.neurons)
      unsafe (room.listed + start.neurons + some.lowerBound).update(
        from: own.active + some.lowerBound, count: some.count)
    }
    if isLarge {
      parallelFor(parts.count * pieces, threads: threads, move)
    } else {
      parts.runTimed(threads: threads, move)
    }
    isListed = true
    if descent.terms != nil { takeLargestMove(of: parts.count * pieces) }
  }

  /// Multiplications and additions from which on rows are taken to be in no cache of a thread.
  private static let floatsOfLargeParts = 1 << 20

  /// What `descend` does to the neurons of a list.
  private struct Descent: Sendable {
    let gradient: Matrix
    let inputs: Matrix
    let weights: Matrix
    let outputs: Matrix
    let alpha: Float
    let outputAlpha: Float?
    let terms: MoveBounds.Terms?

    /// Moves some neurons of a list; where moves are bounded, returns the largest bound.
    @unsafe func move(
      _ neurons: Range<Int>, of list: View, slopes: UnsafeMutablePointer<Float>,
      bounds: UnsafeMutablePointer<Float>
    ) -> Float {
      unsafe withMoveBounds(bounds) { moves in
        unsafe hs_backward_sgd_f32(
          neurons.lowerBound, neurons.upperBound, list.active, list.starts, list.rows, list.owners,
          list.h, weights.stride, inputs.pointer, outputs.stride, gradient.pointer, alpha,
          weights.pointer, outputAlpha ?? 0, outputAlpha == nil ? 0 : 1, outputs.pointer, slopes,
          moves)
      }
    }

    /// Calls `body` with what the C kernel takes, if bounds are asked for.
    private func withMoveBounds(
      _ bounds: UnsafeMutablePointer<Float>, _ body: (UnsafePointer<hs_move_bounds>?) -> Float
    ) -> Float {
      guard let terms else { return body(nil) }
      return unsafe terms.norms.withUnsafeBufferPointer { norms in
        var moves = unsafe hs_move_bounds(
          norms: norms.baseAddress, factor: terms.factor, floor: terms.floor, bounds: bounds)
        return unsafe withUnsafePointer(to: &moves) { unsafe body($0) }
      }
    }
  }

  private func takeLargestMove(of parts: Int) {
    let largest = unsafe largestMoves[..<parts].max()!
    // A bound is more than zero.
    largestMove = largest > 0 ? largest : .infinity
  }

  /// Where a parallel loop leaves bounds.
  @unsafe private struct Moves: @unchecked Sendable {
    let bounds: UnsafeMutablePointer<Float>
    let largest: UnsafeMutablePointer<Float>
  }

  /// Where it leaves slopes, and lists neurons; each part has its own range.
  @unsafe private struct PartRoom: @unchecked Sendable {
    let slopes: UnsafeMutablePointer<Float>
    let listed: UnsafeMutablePointer<Int32>
  }

  /// How far the last backward pass has moved each active neuron at most, in their order; nil where it
  /// has not bounded its moves.
  @unsafe var moveBounds: UnsafeBufferPointer<Float>? {
    largestMove == nil ? nil : unsafe UnsafeBufferPointer(rebasing: bounds[..<activeCount])
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
