// SPDX-License-Identifier: Apache-2.0
internal import CHalfspace
internal import HalfspaceLinalg

/// Decides the candidates of some rows of a batch neuron by neuron, so that a weight row is loaded
/// once for all inputs that it is a candidate of: for rows so long, or so many, that they are out of
/// the cache when the next input asks for them.
@safe struct CandidateBlock {
  /// Bytes of inputs that stay in the second-level cache, or near it, while neurons pass by.
  private static let inputBytes = 1 << 20
  /// Bytes of weights that stay in the last cache from input to input. Rows are fetched ahead: from there
  /// they come as fast as candidates are put in order.
  private static let weightBytes = 8 << 20
  /// Bytes of memory traffic that putting a candidate in order takes as long as.
  private static let orderBytes = 100

  /// Where the candidates of an input begin among all, and where those that fire end.
  private var first: [Int] = [0]
  private var next: [Int] = []
  private var ids: [Int32] = []
  private var neurons: [Int32] = []
  private var values: [Float] = []
  // The transposed lists.
  private var counts: [Int32] = []
  private var active: [Int32] = []
  private var starts: [Int32] = []
  private var rows: [Int32] = []
  private var h: [Float] = []

  /// Inputs of `stride` floats to be decided together.
  static func mostRows(stride: Int) -> Int { max(16, inputBytes / (4 * max(1, stride))) }

  /// Whether the order of neurons takes less time than that of inputs, each of which reads the
  /// weight rows of its candidates.
  static func pays(candidates: Int, weights: Matrix) -> Bool {
    guard 4 * weights.rows * weights.stride > weightBytes else { return false }
    let row = 4 * weights.stride
    return candidates * row > min(candidates, weights.rows) * row + candidates * orderBytes
  }

  /// Bytes held.
  var byteCount: Int {
    8 * (first.count + next.count) + 4 * (ids.count + neurons.count + values.count)
      + 4 * (counts.count + active.count + starts.count + rows.count + h.count)
  }

  /// Decides the candidates `ids[offsets[number]..<offsets[number + 1]]` of inputs, which lie one
  /// after another behind `inputs`.
  mutating func decide(
    _ numbers: ArraySlice<Int>, offsets: [Int], ids lists: [Int32],
    inputs: UnsafePointer<Float>, weights: Matrix, above threshold: Float
  ) {
    first.removeAll(keepingCapacity: true)
    first.append(0)
    for number in numbers { first.append(first.last! + offsets[number + 1] - offsets[number]) }
    let count = first.last!
    reserve(count, queries: numbers.count, neurons: weights.rows)
    unsafe ids.withUnsafeMutableBufferPointer { ids in
      unsafe lists.withUnsafeBufferPointer { lists in
        for (k, number) in numbers.enumerated() {
          let list = offsets[number]..<offsets[number + 1]
          guard !list.isEmpty else { continue }
          unsafe (ids.baseAddress! + first[k]).update(
            from: lists.baseAddress! + list.lowerBound, count: list.count)
        }
      }
    }
    // The values of a report of candidates are not known yet.
    let listed = unsafe hs_transpose_report(
      numbers.count, weights.rows, first, ids, values, &counts, &active, &starts, &rows, &h)
    unsafe hs_sddmm_f32(
      0, listed, active, starts, rows, weights.stride, weights.pointer, inputs, threshold, &h)
    unsafe hs_gather_fired_f32(
      numbers.count, listed, active, starts, rows, h, first, &next, &neurons, &values)
  }

  private mutating func reserve(_ count: Int, queries: Int, neurons stored: Int) {
    if next.count < queries { next = .init(repeating: 0, count: queries) }
    if counts.count < stored { counts = .init(repeating: 0, count: stored) }
    guard ids.count < count else { return }
    let room = count + count / 4
    ids = .init(repeating: 0, count: room)
    neurons = ids
    rows = ids
    active = ids
    starts = .init(repeating: 0, count: room + 1)
    values = .init(repeating: 0, count: room)
    h = values
  }

  /// Calls `body` with the pairs of input `k` that fire, ascending.
  func withFired<Result>(
    _ k: Int, _ body: (Int, UnsafePointer<Int32>, UnsafePointer<Float>) -> Result
  ) -> Result {
    let begin = first[k]
    return unsafe neurons.withUnsafeBufferPointer { neurons in
      unsafe values.withUnsafeBufferPointer { values in
        unsafe body(
          next[k] - begin, neurons.baseAddress! + begin, values.baseAddress! + begin)
      }
    }
  }
}
