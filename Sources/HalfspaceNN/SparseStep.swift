// SPDX-License-Identifier: Apache-2.0
internal import CHalfspace
internal import HalfspaceLinalg
internal import HalfspaceReporting

/// The sparse forward and backward passes of one batch, and their buffers.
///
/// A report lists, query by query, the neurons that fire, and so runs the forward pass: the outputs
/// of a query stay in registers. The backward pass runs neuron by neuron, so that each weight row is
/// loaded once for all rows of the batch that fire it: for it the report is transposed. Or a lookup
/// finds the pairs neuron by neuron at once; then both passes run so, and sums are kept in memory.
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
///
/// A class, not to be taken apart and watched anew by its owner in every call of a step of microseconds.
/// For the same reason accesses are not checked for overlap: passes of one step come one after another.
@safe final class SparseStep {
  /// The pairs, neuron by neuron, grouped. Of a loaded report of one query the neurons are those of `active`,
  /// and not repeated.
  @safe @exclusivity(unchecked) private(set) var pairs = PairReport()
  @safe @exclusivity(unchecked) var repeatsNeurons = false
  /// Where a lookup leaves pairs itself, see `takeOverParts()`: if there are several parts, they are left where
  /// they are, in the caches of several threads.
  let parts = PairParts()
  @safe @exclusivity(unchecked) private var source = Source.own
  /// Whether pairs are in several parts.
  var isDivided: Bool { source == .parts }
  /// Pairs and neurons in parts, and neurons of several, once they are listed.
  @safe @exclusivity(unchecked) private var size: PairParts.Size = (0, 0)
  @unsafe @exclusivity(unchecked) var listed: UnsafeMutableBufferPointer<Int32>
  @safe @exclusivity(unchecked) var isListed = false
  /// The largest of `bounds`, if the last backward pass has bounded its moves; infinite where it is no
  /// number.
  @safe @exclusivity(unchecked) var largestMove: Float?

  let threads: Int
  @unsafe @exclusivity(unchecked) var counts: UnsafeMutableBufferPointer<Int32>
  /// Sums of single shards.
  @unsafe @exclusivity(unchecked) var sums: UnsafeMutableBufferPointer<Float>
  /// Gradient rows, or the slopes of the pairs.
  @unsafe @exclusivity(unchecked) var gradients: UnsafeMutableBufferPointer<Float>
  /// How far each active neuron has moved at most, and the largest of these of every part of a
  /// parallel loop.
  @unsafe @exclusivity(unchecked) var bounds: UnsafeMutableBufferPointer<Float>
  @unsafe @exclusivity(unchecked) var largestMoves: UnsafeMutableBufferPointer<Float>

  init(threads: Int) {
    self.threads = max(1, threads)
    unsafe counts = .allocate(capacity: 0)
    unsafe sums = .allocate(capacity: 0)
    unsafe gradients = .allocate(capacity: 0)
    unsafe bounds = .allocate(capacity: 0)
    unsafe largestMoves = .allocate(capacity: 0)
    unsafe listed = .allocate(capacity: 0)
  }

  deinit {
    unsafe counts.deallocate()
    unsafe sums.deallocate()
    unsafe gradients.deallocate()
    unsafe bounds.deallocate()
    unsafe largestMoves.deallocate()
    unsafe listed.deallocate()
  }

  /// Neurons that fired on the batch, and pairs of these and its rows.
  var activeCount: Int { source == .own ? pairs.activeCount : size.neurons }
  var pairCount: Int { source == .own ? pairs.count : size.pairs }

  /// Where the pairs are: in `pairs`, in the only one of `parts`, or in several.
  private enum Source { case own, part, parts }

  /// The neurons that fired on the batch, ascending.
  @unsafe var activeNeurons: UnsafeBufferPointer<Int32> {
    switch source {
    case .own: return unsafe UnsafeBufferPointer(start: pairs.active, count: activeCount)
    case .part:
      return unsafe UnsafeBufferPointer(
        start: parts[0].pointee.pairs.active, count: activeCount)
    case .parts: break
    }
    precondition(isListed, "neurons of parts are listed by the backward pass")
    return unsafe UnsafeBufferPointer(rebasing: listed[..<activeCount])
  }

  /// Takes over a report over `neurons` stored rows. O(pairs + neurons / 16).
  func load(_ report: borrowing FiringReport, neurons: Int) {
    largestMove = nil
    source = .own
    unsafe Self.reserve(&counts, neurons)
    pairs.removeAll()
    let room = unsafe pairs.reserve(report.count)
    let groups = unsafe pairs.reserveGroups(min(neurons, report.count))
    let found = unsafe hs_transpose_report(
      report.queryCount, neurons, report.offsets, report.neurons, report.values,
      counts.baseAddress!, groups.active, groups.starts, room.queries, room.values)
    repeatsNeurons = report.queryCount > 1
    if repeatsNeurons {
      unsafe hs_list_owners(found, groups.active, groups.starts, room.neurons)
    }
    pairs.commit(report.count)
    pairs.commitGroups(found)
  }

  /// Takes over what a lookup has left in `parts`. O(parts).
  func takeOverParts() {
    largestMove = nil
    isListed = false
    source = parts.count > 1 ? .parts : .part
    size = parts.total
    repeatsNeurons = true
  }

  /// Puts divided pairs together, for passes that are divided in other ways.
  func joinParts() {
    guard isDivided else { return }
    pairs.gather(parts, threads: threadsToHave(threads))
    source = .own
  }

  /// `scores[k] = factor * sum_r h_rk a_r` for every query of a report; `scores` is
  /// `[>= queries, C]`. O(pairs * C).
  func forward(
    _ report: borrowing FiringReport, outputs: Matrix, shards: [Int], factor: Float, scores: Matrix
  ) {
    unsafe forward(report, nil, outputs: outputs, shards: shards, factor: factor, scores: scores)
  }

  /// As `forward`, the neurons of a second report (of as many queries), whose output weights are
  /// `moreOutputs`, being added to the sum of the last shard.
  func forward(
    _ report: borrowing FiringReport, adding more: borrowing FiringReport,
    withOutputs moreOutputs: Matrix,
    outputs: Matrix, shards: [Int], factor: Float, scores: Matrix
  ) {
    precondition(
      more.queryCount == report.queryCount && moreOutputs.stride == outputs.stride,
      "\(report.queryCount) and \(more.queryCount) queries, outputs "
        + "[\(outputs.rows), \(outputs.columns)] and [\(moreOutputs.rows), \(moreOutputs.columns)]")
    let list = unsafe FiringList(
      offsets: more.offsets, neurons: more.neurons, values: more.values,
      outputs: moreOutputs.pointer)
    unsafe forward(report, list, outputs: outputs, shards: shards, factor: factor, scores: scores)
  }

  /// A report and the output weights of its neurons, for the C kernel.
  @unsafe private struct FiringList: @unchecked Sendable {
    let offsets: UnsafePointer<Int>
    let neurons: UnsafePointer<Int32>
    let values: UnsafePointer<Float>
    let outputs: UnsafeMutablePointer<Float>
  }

  private func forward(
    _ report: borrowing FiringReport, _ more: FiringList?, outputs: Matrix, shards: [Int],
    factor: Float, scores: Matrix
  ) {
    let queries = report.queryCount
    precondition(
      scores.stride == outputs.stride && scores.rows >= queries && !shards.isEmpty,
      "scores [\(scores.rows), \(scores.columns)] for \(queries) queries and outputs "
        + "[\(outputs.rows), \(outputs.columns)]")
    let firing = unsafe FiringList(
      offsets: report.offsets, neurons: report.neurons, values: report.values,
      outputs: outputs.pointer)
    let workers = min(workers(for: report.count * outputs.stride), max(1, queries))
    // Queries do not depend on each other: any cut gives the same bits.
    parallelFor(workers, threads: workers) { piece in
      let first = piece * queries / workers
      let last = (piece + 1) * queries / workers
      unsafe hs_forward_queries_f32(
        last - first, firing.offsets + first, firing.neurons, firing.values, firing.outputs,
        more.map { unsafe $0.offsets + first }, more?.neurons, more?.values, more?.outputs,
        shards.count - 1, shards, outputs.stride, factor, scores.pointer + first * scores.stride)
    }
  }

  /// The sums of single shards: row `p * rows + k` of `sums` becomes `sum_r h_rk a_r` over shard p
  /// and query k of the report, where `rows` is what `sums` has for each shard. O(pairs * C).
  func forward(
    _ report: borrowing FiringReport, outputs: Matrix, shards: [Int], sums: Matrix
  ) {
    let queries = report.queryCount
    let pieces = shards.count - 1
    guard pieces > 0, queries > 0 else { return }
    let plane = sums.rows / pieces * sums.stride
    precondition(
      sums.stride == outputs.stride && sums.rows >= queries * pieces,
      "sums [\(sums.rows), \(sums.columns)] for \(queries) queries, \(pieces) shards and outputs "
        + "[\(outputs.rows), \(outputs.columns)]")
    let firing = unsafe FiringList(
      offsets: report.offsets, neurons: report.neurons, values: report.values,
      outputs: outputs.pointer)
    let workers = min(workers(for: report.count * outputs.stride), queries)
    parallelFor(workers, threads: workers) { piece in
      let first = piece * queries / workers
      let last = (piece + 1) * queries / workers
      unsafe hs_forward_shards_f32(
        last - first, firing.offsets + first, firing.neurons, firing.values, firing.outputs,
        pieces, shards, outputs.stride, plane, sums.pointer + first * sums.stride)
    }
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

  /// The positions in an ascending list of the neurons of a range.
  static func places(of range: Range<Int>, in list: [Int32]) -> Range<Int> {
    unsafe list.withUnsafeBufferPointer { list in
      unsafe position(
        of: Int32(range.lowerBound), in: list)..<position(of: Int32(range.upperBound), in: list)
    }
  }

  /// The buffers as a parallel loop sees them: read only, save `scratch`, of which every index of
  /// the loop writes its own part.
  @unsafe struct View: @unchecked Sendable {
    /// Number of active neurons.
    let count: Int
    let active: UnsafePointer<Int32>
    let starts: UnsafePointer<Int32>
    let rows: UnsafePointer<Int32>
    /// The neurons of the pairs, where they are repeated.
    let owners: UnsafePointer<Int32>?
    let h: UnsafePointer<Float>
    let scratch: UnsafeMutablePointer<Float>

    init(
      _ pairs: borrowing PairReport, repeatsNeurons: Bool = true,
      scratch: UnsafeMutablePointer<Float>
    ) {
      unsafe count = pairs.activeCount
      unsafe active = pairs.active
      unsafe starts = pairs.starts
      unsafe rows = pairs.queries
      unsafe owners = repeatsNeurons ? pairs.neurons : nil
      unsafe h = pairs.values
      unsafe self.scratch = scratch
    }
  }

  @unsafe func view(scratch: UnsafeMutableBufferPointer<Float>) -> View {
    guard source == .part else {
      return unsafe View(pairs, repeatsNeurons: repeatsNeurons, scratch: scratch.baseAddress!)
    }
    return unsafe View(parts[0].pointee.pairs, scratch: scratch.baseAddress!)
  }

  /// Threads that `work` multiplications and additions of floats are worth: handing work over
  /// to a thread that waits awake costs as much as some thousands of them.
  func workers(for work: Int) -> Int { Self.workers(for: work, of: threads) }

  static func workers(for work: Int, of threads: Int) -> Int {
    min(threadsToHave(threads), max(1, work >> 13))
  }

  /// Grows a buffer, zeroed, when it is too small. The contents are not kept.
  static func reserve<T: ExpressibleByIntegerLiteral>(
    _ buffer: inout UnsafeMutableBufferPointer<T>, _ count: Int
  ) {
    guard unsafe buffer.baseAddress == nil || buffer.count < count else { return }
    let larger = max(16, count + count / 4)
    unsafe buffer.deallocate()
    // Rows of sums begin cache lines.
    unsafe buffer = UnsafeMutableBufferPointer(
      start: AlignedMemory.allocate(T.self, capacity: larger), count: larger)
    unsafe buffer.initialize(repeating: 0)
  }
}
