// SPDX-License-Identifier: Apache-2.0
internal import CHalfspace
internal import HalfspaceLinalg
internal import HalfspaceReporting

/// Decides the candidates of a range of neurons for a batch of training rows, neuron by neuron: each weight
/// row is loaded once, and a thread has the same rows in its cache from step to step.
///
/// - Note: `Sendable` is unchecked; a range belongs to one task at a time.
@safe final class CandidateRange: @unchecked Sendable {
  // Of each row of the batch, where its list has entries of the range.
  private var begins: [Int] = []
  private var ends: [Int] = []
  /// Of each of some neurons, a bit for each row of the batch; zero between reports.
  private var masks: [UInt64] = []
  // The candidates.
  private var owners: [Int32] = []
  private var rows: [Int32] = []

  /// Bytes held.
  var byteCount: Int {
    8 * (begins.count + ends.count + masks.count) + 4 * (owners.count + rows.count)
  }

  /// The neurons of a range, and those among them, ascending, that are no matter of lists.
  @safe struct Neurons: Sendable {
    var range: Range<Int>
    /// Candidates of every row.
    var movers: ArraySlice<Int32>
    /// Those whose candidates are known from their codes.
    @unsafe var fast: FastNeurons.Candidates

    /// Those of `range` among all of a network's.
    init(_ range: Range<Int>, movers: [Int32], fast: FastNeurons.Candidates) {
      self.range = range
      self.movers = movers[SparseStep.places(of: range, in: movers)]
      unsafe self.fast = fast.of(range)
    }
  }

  /// Decides the candidates among `neurons`, and leaves what fires in a part, grouped.
  func decide(
    _ neurons: Neurons, _ numbers: ArraySlice<Int>, _ lists: (offsets: [Int], ids: [Int32]),
    inputs: UnsafePointer<Float>, weights: Matrix, above threshold: Float,
    into part: inout PairParts.Part
  ) {
    part.pairs.removeAll()
    let found = transpose(neurons, numbers, lists)
    part.checked = found
    let room = unsafe part.pairs.reserve(found)
    part.pairs.commit(
      unsafe hs_recheck_pairs_f32(
        found, owners, rows, weights.stride, weights.pointer, inputs, threshold, room.neurons,
        room.queries, room.values))
    part.pairs.group()
  }

  /// Puts the candidates in the order of neurons; returns their number.
  private func transpose(
    _ neurons: Neurons, _ numbers: ArraySlice<Int>, _ lists: (offsets: [Int], ids: [Int32])
  ) -> Int {
    let batch = numbers.count
    let range = neurons.range
    if begins.count < batch {
      begins = .init(repeating: 0, count: batch)
      ends = begins
    }
    let words = max(Int(HS_LIST_WORDS), 64 * ((batch + 63) / 64))
    if masks.count < words { masks = .init(repeating: 0, count: words) }
    let first = Int32(range.lowerBound)
    let entries = unsafe numbers.withUnsafeBufferPointer { numbers in
      unsafe hs_find_entries(
        batch, numbers.baseAddress!, lists.offsets, lists.ids, first, Int32(range.upperBound),
        &begins, &ends)
    }
    let fast = unsafe neurons.fast
    unsafe reserve(entries + batch * neurons.movers.count + fast.most + Self.overrun)
    return unsafe neurons.movers.withUnsafeBufferPointer { movers in
      unsafe hs_list_candidates(
        batch, &begins, ends, lists.ids, first, range.count, movers.count, movers.baseAddress,
        fast.places.lowerBound, fast.places.upperBound, fast.neurons, fast.masks, &masks, &owners,
        &rows)
    }
  }

  /// What a kernel writes behind the last pair.
  private static let overrun = 16

  private func reserve(_ count: Int) {
    guard owners.count < count else { return }
    owners = .init(repeating: 0, count: count + count / 4)
    rows = owners
  }
}
