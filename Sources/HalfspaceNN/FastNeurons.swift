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
  /// What fires on a batch, by place: neuron by neuron, in parts or not, or row by row.
  private let found = PairParts()
  private var pairs = PairReport()
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
    work.memoryBytes += (index?.weights.byteCount ?? 0) + pairs.byteCount + found.byteCount
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
    guard let index, let first = rows.baseAddress, let kept = moved.baseAddress else { return 0 }
    return unsafe places.withUnsafeBufferPointer { places in
      let copies = unsafe Copies(
        rows: first, places: places, from: weights.pointer, to: index.weights.pointer,
        length: weights.stride)
      // A row is in the cache of the thread that has moved it.
      let work = min(rows.count, count) * weights.stride
      let found = unsafe parallelFilter(
        rows.count, parts: SparseStep.workers(for: work, of: threads), room: kept
      ) { range, kept in unsafe copies.make(range, kept) }
      for k in 0..<found {
        let row = unsafe Int(kept[k])
        if let displacements = unsafe displacements { unsafe lengths[k] = displacements[row] }
        unsafe kept[k] = places[Int(first[row])]
      }
      return found
    }
  }

  /// Copies of rows that have moved, as the parts of a parallel loop make them.
  @unsafe private struct Copies: @unchecked Sendable {
    let rows: UnsafePointer<Int32>
    let places: UnsafeBufferPointer<Int32>
    let from: UnsafeMutablePointer<Float>
    let to: UnsafeMutablePointer<Float>
    let length: Int

    /// Copies those that are kept of a range of the rows, and lists which these are.
    func make(_ range: Range<Int>, _ kept: UnsafeMutablePointer<Int32>) -> Int {
      var count = 0
      for k in range {
        let neuron = unsafe Int(rows[k])
        let place = unsafe Int(places[neuron])
        guard place >= 0 else { continue }
        unsafe (to + place * length).update(from: from + neuron * length, count: length)
        unsafe kept[count] = Int32(truncatingIfNeeded: k)
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

  /// Begins to find what fires on the rows of a batch, neuron by neuron, in the parts that `parts` has; where
  /// that cannot be divided, finds it all.
  func search(_ batch: LookupBatch, above threshold: Float, in parts: PairParts) -> Search {
    guard let index else { return unsafe Search(pass: nil, found: found, groups: []) }
    found.divide(into: (0..<parts.count).map { places(of: parts.range(of: $0)) })
    let rows = 0..<batch.count
    let pass = index.begin(queries: batch.inputs, rows: rows, above: threshold, parts: parts.count)
    if let pass { return unsafe Search(pass: pass, found: found, groups: []) }
    index.report(queries: batch.inputs, rows: rows, above: threshold, into: &report)
    transpose()
    return unsafe Search(
      pass: nil, found: found, groups: (0..<parts.count).map { unsafe groups(found.range(of: $0)) })
  }

  /// Counts a search that has been made.
  func end(_ search: Search) {
    if let pass = unsafe search.pass { index?.end(pass, found) }
  }

  /// Leaves in `pairs` what `report` lists.
  private func transpose() {
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

  /// Where those of a range of neurons are.
  private func places(of range: Range<Int>) -> Range<Int> {
    SparseStep.position(
      of: Int32(range.lowerBound), in: neurons)..<SparseStep.position(
        of: Int32(range.upperBound), in: neurons)
  }

  /// The pairs of a range of places.
  @unsafe private func groups(_ places: Range<Int>) -> Groups {
    let active = unsafe UnsafeBufferPointer(start: pairs.active, count: pairs.activeCount)
    let first = unsafe SparseStep.position(of: Int32(places.lowerBound), in: active)
    let end = unsafe SparseStep.position(of: Int32(places.upperBound), in: active)
    return unsafe Groups(pairs, first..<end)
  }

  /// What fires of the fast neurons, part by part, as the tasks of a parallel loop find it.
  @unsafe struct Search: @unchecked Sendable {
    fileprivate let pass: RowPass?
    fileprivate let found: PairParts
    /// What has been found already.
    fileprivate let groups: [Groups]

    /// Finds the pairs of a part.
    func groups(of part: Int) -> Groups? {
      guard let pass = unsafe pass else { return unsafe groups.isEmpty ? nil : groups[part] }
      unsafe pass.look(through: found.range(of: part), part: part, of: found)
      let pairs = unsafe found[part]
      return unsafe Groups(pairs.pointee.pairs, 0..<pairs.pointee.pairs.activeCount)
    }
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
