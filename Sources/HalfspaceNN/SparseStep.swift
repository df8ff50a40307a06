// SPDX-License-Identifier: Apache-2.0
internal import CHalfspace
internal import HalfspaceLinalg
internal import HalfspaceReporting

/// The sparse forward and backward passes of one batch, and their buffers.
///
/// A report lists, query by query, the neurons that fire. The passes run neuron by neuron, so
/// that each weight row is loaded once for all rows of the batch that fire it: the report is
/// transposed first.
///
/// ```
/// active   [ 3, 8, 20 ]         neurons that fire on some row of the batch, ascending
/// starts   [ 0, 2, 3, 5 ]
/// rows     [ 0 5 | 2 | 1 5 ]    the batch rows each fires on, ascending
/// h        [ . . | . | . . ]    <w_r, x_k> - b
/// ```
///
/// Order of sums: outputs add neurons in ascending order within a shard, then the shards in
/// order; gradients add batch rows in ascending order. Neither depends on threads.
/// Nothing is allocated once the buffers have seen their largest batch.
@safe struct SparseStep: ~Copyable {
  /// Neurons whose gradients are held at a time: few enough to stay in the second-level cache,
  /// many enough that prefetching rarely starts anew (32: 21 ns per firing pair, 256: 19).
  static let block = 256

  private(set) var activeCount = 0
  private(set) var pairCount = 0

  private let threads: Int
  @unsafe private var counts: UnsafeMutableBufferPointer<Int32>
  @unsafe private var active: UnsafeMutableBufferPointer<Int32>
  @unsafe private var starts: UnsafeMutableBufferPointer<Int32>
  @unsafe private var rows: UnsafeMutableBufferPointer<Int32>
  @unsafe private var h: UnsafeMutableBufferPointer<Float>
  @unsafe private var partial: UnsafeMutableBufferPointer<Float>
  @unsafe private var gradients: UnsafeMutableBufferPointer<Float>

  init(threads: Int) {
    self.threads = max(1, threads)
    unsafe counts = .allocate(capacity: 0)
    unsafe active = .allocate(capacity: 0)
    unsafe starts = .allocate(capacity: 0)
    unsafe rows = .allocate(capacity: 0)
    unsafe h = .allocate(capacity: 0)
    unsafe partial = .allocate(capacity: 0)
    unsafe gradients = .allocate(capacity: 0)
  }

  deinit {
    unsafe counts.deallocate()
    unsafe active.deallocate()
    unsafe starts.deallocate()
    unsafe rows.deallocate()
    unsafe h.deallocate()
    unsafe partial.deallocate()
    unsafe gradients.deallocate()
  }

  /// The neurons that fired on the batch, ascending.
  @unsafe var activeNeurons: UnsafeBufferPointer<Int32> {
    unsafe UnsafeBufferPointer(rebasing: active[..<activeCount])
  }

  /// Takes over a report over `neurons` stored rows. O(pairs + neurons / 16).
  mutating func load(_ report: borrowing FiringReport, neurons: Int) {
    pairCount = report.count
    unsafe Self.reserve(&counts, neurons)
    unsafe Self.reserve(&active, min(neurons, pairCount))
    unsafe Self.reserve(&starts, min(neurons, pairCount) + 1)
    unsafe Self.reserve(&rows, pairCount)
    unsafe Self.reserve(&h, pairCount)
    activeCount = unsafe hs_transpose_report(
      report.queryCount, neurons, report.offsets, report.neurons, report.values,
      counts.baseAddress!, active.baseAddress!, starts.baseAddress!, rows.baseAddress!,
      h.baseAddress!)
  }

  /// `scores[k] = factor * sum_r h_rk a_r` for the batch loaded; `scores` is `[>= batch, C]`.
  /// `continuing` may go on adding neurons to the last shard's sum `[batch, C]`. O(pairs * C).
  mutating func forward(
    batch: Int, outputs: Matrix, shards: [Int], factor: Float, scores: Matrix,
    continuing: ((_ lastSum: UnsafeMutablePointer<Float>) -> Void)? = nil
  ) {
    precondition(
      scores.stride == outputs.stride && scores.rows >= batch,
      "scores [\(scores.rows), \(scores.columns)] for \(batch) rows and outputs "
        + "[\(outputs.rows), \(outputs.columns)]")
    let pieces = shards.count - 1
    let size = batch * outputs.stride
    unsafe Self.reserve(&partial, pieces * size)
    let view = unsafe View(
      active: active.baseAddress!, starts: starts.baseAddress!, rows: rows.baseAddress!,
      h: h.baseAddress!, scratch: partial.baseAddress!)
    let bounds = shards.map { shard in
      unsafe Self.position(of: Int32(shard), in: activeNeurons)
    }
    parallelFor(pieces, threads: threads) { piece in
      let sum = unsafe view.scratch + piece * size
      unsafe sum.update(repeating: 0, count: size)
      unsafe hs_forward_f32(
        bounds[piece], bounds[piece + 1], view.active, view.starts, view.rows, view.h,
        outputs.stride, outputs.pointer, sum)
    }
    if let continuing = unsafe continuing { unsafe continuing(view.scratch + (pieces - 1) * size) }
    let total = unsafe scores.pointer
    unsafe total.update(from: view.scratch, count: size)
    for piece in 1..<max(1, pieces) {
      let sum = unsafe view.scratch + piece * size
      for i in 0..<size { unsafe total[i] += sum[i] }
    }
    for i in 0..<size { unsafe total[i] *= factor }
  }

  /// Adds all neurons loaded, in order, to sums `[batch, C]`.
  func accumulate(outputs: Matrix, into sum: UnsafeMutablePointer<Float>) {
    unsafe hs_forward_f32(
      0, activeCount, active.baseAddress!, starts.baseAddress!, rows.baseAddress!, h.baseAddress!,
      outputs.stride, outputs.pointer, sum)
  }

  /// The first position in an ascending list whose number is at least `neuron`.
  private static func position(of neuron: Int32, in list: UnsafeBufferPointer<Int32>) -> Int {
    var low = 0
    var high = list.count
    while low < high {
      let middle = (low + high) / 2
      if unsafe list[middle] < neuron { low = middle + 1 } else { high = middle }
    }
    return low
  }

  /// What the backward pass works on.
  struct Layers {
    var inputs: Matrix
    var weights: Matrix
    var outputs: Matrix
    var hidden: LayerOptimizer
    /// Nil when the output weights are fixed.
    var output: LayerOptimizer?
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
    let inStride = layers.weights.stride
    let outStride = layers.outputs.stride
    let perSlice = Self.block * (inStride + outStride)
    unsafe Self.reserve(&gradients, threads * perSlice)
    let view = unsafe View(
      active: active.baseAddress!, starts: starts.baseAddress!, rows: rows.baseAddress!,
      h: h.baseAddress!, scratch: gradients.baseAddress!)
    let activeCount = activeCount
    let neurons = layers.weights.rows
    let items = allNeurons ? neurons : activeCount
    let pieces = threads
    // Rows of one neuron are written by one slice only, so any cut gives the same bits.
    parallelFor(pieces, threads: threads) { piece in
      let gradW = unsafe view.scratch + piece * perSlice
      let gradA = unsafe gradW + Self.block * inStride
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
        for begin in stride(from: first, to: last, by: Self.block) {
          let end = min(begin + Self.block, last)
          differentiate(begin, end)
          unsafe apply(end - begin, view.active + begin)
        }
        return
      }
      unsafe withUnsafeTemporaryAllocation(of: Int32.self, capacity: Self.block) { ids in
        let list = unsafe UnsafeBufferPointer(start: view.active, count: activeCount)
        for begin in stride(from: first, to: last, by: Self.block) {
          let end = min(begin + Self.block, last)
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

  /// The buffers as a parallel loop sees them: read only, save `scratch`, of which every index of
  /// the loop writes its own part.
  @unsafe private struct View: @unchecked Sendable {
    let active: UnsafePointer<Int32>
    let starts: UnsafePointer<Int32>
    let rows: UnsafePointer<Int32>
    let h: UnsafePointer<Float>
    let scratch: UnsafeMutablePointer<Float>
  }

  /// Grows a buffer, zeroed, when it is too small. The contents are not kept.
  private static func reserve<T: ExpressibleByIntegerLiteral>(
    _ buffer: inout UnsafeMutableBufferPointer<T>, _ count: Int
  ) {
    guard unsafe buffer.baseAddress == nil || buffer.count < count else { return }
    let larger = max(16, count + count / 4)
    unsafe buffer.deallocate()
    unsafe buffer = .allocate(capacity: larger)
    unsafe buffer.initialize(repeating: 0)
  }
}
