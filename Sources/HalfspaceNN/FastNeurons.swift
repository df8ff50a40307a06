// SPDX-License-Identifier: Apache-2.0
internal import CHalfspace
internal import HalfspaceLinalg
internal import HalfspaceReporting

/// Neurons that go too fast for candidate lists: every row of a batch is compared with their codes of 8 bits
/// (`CodedRows`).
///
/// ```
/// neurons   [ 3, 8, 20, ... ]     ascending
/// places    [ -, -, -, 0, ... ]   of each neuron of the network, where it is among them; -1 elsewhere
/// ```
///
/// - Complexity: taking them costs O(d) each; so does a move, and codes are made anew when what
///   they leave out has grown. Candidates take an 8-bit product for each pair.
@safe final class FastNeurons {
  private(set) var neurons: [Int32] = []
  private var places: [Int32] = []
  private let threads: Int
  private var codes: CodedRows?
  /// Work of the codes before.
  private var earlier = IndexStatistics()
  /// Pairs of a batch that may fire.
  private(set) var candidateCount = 0
  /// What fires on a batch of few rows.
  private(set) var report = FiringReport()
  // Scratch of moves.
  private var moved: [Int32] = []
  private var lengths: [Float] = []

  /// None of `count` neurons.
  init(of count: Int, threads: Int) {
    self.threads = threads
    places = .init(repeating: -1, count: count)
  }

  var count: Int { neurons.count }
  var isEmpty: Bool { neurons.isEmpty }

  var work: IndexStatistics {
    var work = codes?.work ?? IndexStatistics()
    work.memoryBytes += codes?.byteCount ?? 0
    work.memoryBytes += 8 * report.count + 4 * (places.count + neurons.count + 2 * moved.count)
    work.add(workOf: earlier)
    return work
  }

  /// Takes over the weights of a network in which neurons have joined behind the others. O(d) for each of these.
  func grow(to weights: Matrix) {
    places += repeatElement(-1, count: weights.rows - places.count)
    take(neurons, of: weights)
  }

  /// Takes these neurons of `weights`, ascending, instead of those before. O(d) each.
  func take(_ chosen: [Int32], of weights: Matrix) {
    for neuron in neurons { places[Int(neuron)] = -1 }
    for (place, neuron) in chosen.enumerated() { places[Int(neuron)] = Int32(place) }
    neurons = chosen
    if let codes { earlier.add(workOf: codes.work) }
    codes = chosen.isEmpty ? nil : CodedRows(chosen, of: weights, threads: threads)
  }

  /// Tells which rows of the weights have moved, ascending, and how far at most where that is known.
  func update(rows: UnsafeBufferPointer<Int32>, displacements: UnsafePointer<Float>?) {
    guard let codes, !rows.isEmpty else { return }
    if moved.count < rows.count + Int(HS_LANES) {
      moved = .init(repeating: 0, count: rows.count + rows.count / 4 + Int(HS_LANES))
      lengths = .init(repeating: 0, count: moved.count)
    }
    unsafe moved.withUnsafeMutableBufferPointer { moved in
      unsafe lengths.withUnsafeMutableBufferPointer { lengths in
        let count = unsafe hs_places_of_rows(
          rows.count, rows.baseAddress!, places, displacements, moved.baseAddress!,
          lengths.baseAddress!)
        guard count > 0 else { return }
        unsafe codes.update(
          positions: UnsafeBufferPointer(start: moved.baseAddress!, count: count),
          displacements: displacements == nil
            ? nil : UnsafeBufferPointer(start: lengths.baseAddress!, count: count))
      }
    }
  }

  /// Leaves in `report` what fires on the rows of a batch, which are few.
  func find(_ batch: LookupBatch, above threshold: Float) {
    codes?.report(batch.inputs, queries: batch.count, above: threshold, into: &report)
  }

  /// Finds what may fire on the rows of a batch.
  func findCandidates(_ batch: LookupBatch, above threshold: Float) {
    candidateCount =
      codes?.findCandidates(batch.inputs, queries: batch.count, above: threshold) ?? 0
  }

  /// The candidates of all, as the parts of a parallel loop read them.
  var candidates: Candidates {
    unsafe Candidates(
      neurons: neurons, places: neurons.indices, masks: codes?.masks, most: candidateCount)
  }

  /// Some of the neurons, and what may fire of them.
  @unsafe struct Candidates: @unchecked Sendable {
    let neurons: [Int32]
    private(set) var places: Range<Int>
    /// The words of all, see `CodedRows`.
    let masks: UnsafePointer<UInt64>?
    /// At least the number of pairs.
    let most: Int

    /// Those of neurons of a range.
    func of(_ range: Range<Int>) -> Candidates {
      var some = unsafe self
      unsafe some.places = SparseStep.places(of: range, in: neurons)
      return unsafe some
    }
  }
}
