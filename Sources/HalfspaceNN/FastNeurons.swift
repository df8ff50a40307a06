// SPDX-License-Identifier: Apache-2.0
internal import CHalfspace
internal import HalfspaceLinalg
internal import HalfspaceReporting

/// Neurons that go too fast for candidate lists: their rows once more, one after another, behind codes
/// of 8 bits, which every row of a batch is compared with.
///
/// ```
/// neurons   [ 3, 8, 20, ... ]     ascending
/// rows      their weights         as they are in the matrix of all: copied when they move
/// places    [ -, -, -, 0, ... ]   of each neuron of the network, where it is among them; -1 elsewhere
/// ```
///
/// - Complexity: gathering them takes O(d) each; so does a move, and codes are made anew when what
///   they leave out has grown. A report takes an 8-bit product for each pair.
@safe final class FastNeurons {
  private(set) var neurons: [Int32] = []
  private var places: [Int32] = []
  private let threads: Int
  private var index: CertifiedTileIndex?
  /// Work of the indexes before.
  private var earlier = IndexStatistics()
  /// What fires on a batch, by place: neuron by neuron, or row by row.
  private(set) var pairs = PairReport()
  private(set) var report = FiringReport()
  // Scratch of moves, and of a report that is transposed.
  private var moved: [Int32] = []
  private var lengths: [Float] = []
  private var counts: [Int32] = []

  /// None of `count` neurons.
  init(of count: Int, threads: Int) {
    self.threads = threads
    grow(to: count)
  }

  var count: Int { neurons.count }
  var isEmpty: Bool { neurons.isEmpty }

  var work: IndexStatistics {
    var work = index?.statistics ?? IndexStatistics()
    work.memoryBytes += (index?.weights.byteCount ?? 0) + pairs.byteCount
    work.memoryBytes += 8 * report.count + 4 * (places.count + neurons.count + 2 * moved.count)
    work.add(workOf: earlier)
    return work
  }

  /// Tells that there are so many neurons from now on: those that have joined are not among these.
  func grow(to count: Int) {
    places += repeatElement(-1, count: count - places.count)
  }

  /// Takes these neurons of `weights`, ascending, instead of those before. O(d) each.
  func take(_ chosen: [Int32], of weights: Matrix) {
    for neuron in neurons { places[Int(neuron)] = -1 }
    for (place, neuron) in chosen.enumerated() { places[Int(neuron)] = Int32(place) }
    neurons = chosen
    if let index { earlier.add(workOf: index.statistics) }
    index = nil
    guard !chosen.isEmpty else { return }
    let rows = Matrix(rows: chosen.count, columns: weights.columns)
    for (place, neuron) in chosen.enumerated() {
      unsafe rows.row(place).update(from: weights.row(Int(neuron)), count: weights.stride)
    }
    index = CertifiedTileIndex(rows, threads: threads, nonFinite: .decided)
  }

  /// Tells which rows of `weights` have moved, ascending, and how far at most where that is known.
  func update(
    rows: UnsafeBufferPointer<Int32>, displacements: UnsafePointer<Float>?, of weights: Matrix
  ) {
    guard let index, !rows.isEmpty else { return }
    if moved.count < rows.count {
      moved = .init(repeating: 0, count: rows.count + rows.count / 4)
      lengths = .init(repeating: 0, count: moved.count)
    }
    unsafe moved.withUnsafeMutableBufferPointer { moved in
      unsafe lengths.withUnsafeMutableBufferPointer { lengths in
        let count = unsafe copy(rows, displacements, of: weights, moved, lengths)
        guard count > 0 else { return }
        let some = unsafe UnsafeBufferPointer(start: moved.baseAddress!, count: count)
        if unsafe displacements == nil {
          unsafe index.update(rows: some)
        } else {
          unsafe index.update(
            rows: some,
            displacements: UnsafeBufferPointer(start: lengths.baseAddress!, count: count))
        }
      }
    }
  }

  /// Copies the rows that are kept here; lists their places, and how far they have moved. Returns their number.
  private func copy(
    _ rows: UnsafeBufferPointer<Int32>, _ displacements: UnsafePointer<Float>?, of weights: Matrix,
    _ moved: UnsafeMutableBufferPointer<Int32>, _ lengths: UnsafeMutableBufferPointer<Float>
  ) -> Int {
    guard let index else { return 0 }
    let length = weights.stride
    let source = unsafe weights.pointer
    let target = unsafe index.weights.pointer
    return unsafe places.withUnsafeBufferPointer { places in
      var count = 0
      for k in 0..<rows.count {
        let neuron = unsafe Int(rows[k])
        let place = unsafe places[neuron]
        guard place >= 0 else { continue }
        unsafe (target + Int(place) * length).update(from: source + neuron * length, count: length)
        unsafe moved[count] = place
        if let displacements = unsafe displacements { unsafe lengths[count] = displacements[k] }
        count += 1
      }
      return count
    }
  }

  /// Leaves in `report` what fires on the rows of a batch.
  func find(_ batch: LookupBatch, above threshold: Float) {
    guard let index else { return }
    index.report(queries: batch.inputs, rows: 0..<batch.count, above: threshold, into: &report)
  }

  /// Leaves in `pairs` what fires on the rows of a batch, grouped.
  func findByNeuron(_ batch: LookupBatch, above threshold: Float) {
    guard let index else { return }
    let rows = 0..<batch.count
    if index.report(queries: batch.inputs, rows: rows, above: threshold, byRow: &pairs) { return }
    index.report(queries: batch.inputs, rows: rows, above: threshold, into: &report)
    if counts.count < count { counts = .init(repeating: 0, count: count) }
    pairs.removeAll()
    let room = unsafe pairs.reserve(report.count)
    let groups = unsafe pairs.reserveGroups(min(count, report.count))
    let found = unsafe hs_transpose_report(
      report.queryCount, count, report.offsets, report.neurons, report.values, &counts,
      groups.active, groups.starts, room.queries, room.values)
    pairs.commit(report.count)
    pairs.commitGroups(found)
  }

  /// The grouped pairs of neurons of a range, as the parts of a parallel loop read them.
  func groups(of range: Range<Int>) -> Groups {
    guard !isEmpty else { return unsafe Groups(pairs, 0..<0) }
    let active = unsafe UnsafeBufferPointer(start: pairs.active, count: pairs.activeCount)
    func position(_ neuron: Int) -> Int {
      let place = SparseStep.position(of: Int32(neuron), in: neurons)
      return unsafe SparseStep.position(of: Int32(place), in: active)
    }
    return unsafe Groups(pairs, position(range.lowerBound)..<position(range.upperBound))
  }

  /// Some of the grouped pairs.
  @unsafe struct Groups: @unchecked Sendable {
    let count: Int
    let active: UnsafePointer<Int32>
    let starts: UnsafePointer<Int32>
    let queries: UnsafePointer<Int32>
    let values: UnsafePointer<Float>

    fileprivate init(_ pairs: borrowing PairReport, _ range: Range<Int>) {
      unsafe count = range.count
      unsafe active = pairs.active + range.lowerBound
      unsafe starts = pairs.starts + range.lowerBound
      unsafe queries = pairs.queries
      unsafe values = pairs.values
    }

    var pairCount: Int { unsafe count == 0 ? 0 : Int(starts[count] - starts[0]) }
  }
}
