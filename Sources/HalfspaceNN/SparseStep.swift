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
  private(set) var activeCount = 0
  private(set) var pairCount = 0

  let threads: Int
  /// Whether the batch loaded is a single row.
  private var isOneQuery = false
  @unsafe var counts: UnsafeMutableBufferPointer<Int32>
  @unsafe var active: UnsafeMutableBufferPointer<Int32>
  @unsafe var starts: UnsafeMutableBufferPointer<Int32>
  @unsafe var rows: UnsafeMutableBufferPointer<Int32>
  @unsafe var h: UnsafeMutableBufferPointer<Float>
  @unsafe var partial: UnsafeMutableBufferPointer<Float>
  @unsafe var bounds: UnsafeMutableBufferPointer<Int>
  /// Gradient rows, or the slopes of the pairs.
  @unsafe var gradients: UnsafeMutableBufferPointer<Float>

  init(threads: Int) {
    self.threads = max(1, threads)
    unsafe counts = .allocate(capacity: 0)
    unsafe active = .allocate(capacity: 0)
    unsafe starts = .allocate(capacity: 0)
    unsafe rows = .allocate(capacity: 0)
    unsafe h = .allocate(capacity: 0)
    unsafe partial = .allocate(capacity: 0)
    unsafe bounds = .allocate(capacity: 0)
    unsafe gradients = .allocate(capacity: 0)
  }

  deinit {
    unsafe counts.deallocate()
    unsafe active.deallocate()
    unsafe starts.deallocate()
    unsafe rows.deallocate()
    unsafe h.deallocate()
    unsafe partial.deallocate()
    unsafe bounds.deallocate()
    unsafe gradients.deallocate()
  }

  /// The neurons that fired on the batch, ascending.
  @unsafe var activeNeurons: UnsafeBufferPointer<Int32> {
    unsafe UnsafeBufferPointer(rebasing: active[..<activeCount])
  }

  /// Takes over a report over `neurons` stored rows. O(pairs + neurons / 16).
  mutating func load(_ report: borrowing FiringReport, neurons: Int) {
    pairCount = report.count
    isOneQuery = report.queryCount == 1
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
    if batch == 1, isOneQuery, unsafe continuing == nil {
      unsafe hs_forward_one_f32(
        activeCount, active.baseAddress!, h.baseAddress!, pieces, shards, outputs.stride,
        outputs.pointer, factor, scores.pointer)
      return
    }
    let size = batch * outputs.stride
    unsafe Self.reserve(&partial, pieces * size)
    unsafe Self.reserve(&bounds, shards.count)
    for (k, shard) in shards.enumerated() {
      unsafe bounds[k] = Self.position(of: Int32(shard), in: activeNeurons)
    }
    let view = unsafe view(scratch: partial)
    parallelFor(pieces, threads: workers(for: pairCount * outputs.stride)) { piece in
      let sum = unsafe view.scratch + piece * size
      unsafe sum.update(repeating: 0, count: size)
      unsafe hs_forward_f32(
        view.bounds[piece], view.bounds[piece + 1], view.active, view.starts, view.rows, view.h,
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
  static func position(of neuron: Int32, in list: UnsafeBufferPointer<Int32>) -> Int {
    var low = 0
    var high = list.count
    while low < high {
      let middle = (low + high) / 2
      if unsafe list[middle] < neuron { low = middle + 1 } else { high = middle }
    }
    return low
  }

  /// The buffers as a parallel loop sees them: read only, save `scratch`, of which every index of
  /// the loop writes its own part.
  @unsafe struct View: @unchecked Sendable {
    let bounds: UnsafePointer<Int>
    let active: UnsafePointer<Int32>
    let starts: UnsafePointer<Int32>
    let rows: UnsafePointer<Int32>
    let h: UnsafePointer<Float>
    let scratch: UnsafeMutablePointer<Float>
  }

  @unsafe func view(scratch: UnsafeMutableBufferPointer<Float>) -> View {
    unsafe View(
      bounds: bounds.baseAddress!, active: active.baseAddress!, starts: starts.baseAddress!,
      rows: rows.baseAddress!, h: h.baseAddress!, scratch: scratch.baseAddress!)
  }

  /// Threads that `work` multiplications and additions of floats are worth: handing work over
  /// to a thread costs as much as some 10^5 of them.
  func workers(for work: Int) -> Int { min(threads, max(1, work >> 17)) }

  /// Grows a buffer, zeroed, when it is too small. The contents are not kept.
  static func reserve<T: ExpressibleByIntegerLiteral>(
    _ buffer: inout UnsafeMutableBufferPointer<T>, _ count: Int
  ) {
    guard unsafe buffer.baseAddress == nil || buffer.count < count else { return }
    let larger = max(16, count + count / 4)
    unsafe buffer.deallocate()
    unsafe buffer = .allocate(capacity: larger)
    unsafe buffer.initialize(repeating: 0)
  }
}
