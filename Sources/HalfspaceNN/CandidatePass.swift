// SPDX-License-Identifier: Apache-2.0
internal import CHalfspace
internal import HalfspaceLinalg
internal import HalfspaceReporting

/// One report of `CandidateLists`: what its tasks read.
@safe struct CandidatePass: Sendable {
  private let weights: Matrix
  private let batch: LookupBatch
  private let threshold: Float
  private let offsets: [Int]
  private let ids: [Int32]
  private let movers: [Int32]
  /// What fires of the fast neurons, row by row.
  @unsafe private let found: Found?

  init(_ lists: CandidateLists, _ batch: LookupBatch, _ threshold: Float) {
    weights = lists.weights
    self.batch = batch
    self.threshold = threshold
    offsets = lists.offsets
    ids = lists.ids
    movers = lists.movers
    unsafe found = lists.fast.isEmpty ? nil : Found(lists.fast.report)
  }

  /// A report that tasks read.
  @unsafe private struct Found: @unchecked Sendable {
    let offsets: UnsafePointer<Int>
    let neurons: UnsafePointer<Int32>
    let values: UnsafePointer<Float>

    init(_ report: borrowing FiringReport) {
      unsafe offsets = report.offsets
      unsafe neurons = report.neurons
      unsafe values = report.values
    }
  }

  /// Answers rows of the batch, appending to `pairs`.
  func answer(_ rows: Range<Int>, _ worker: CandidateWorker, into pairs: inout FiringReport) {
    guard let numbers = batch.numbers else {
      for row in rows { scan(row, worker, into: &pairs) }
      return
    }
    for row in rows {
      let number = numbers[numbers.startIndex + row]
      answer(row, offsets[number]..<offsets[number + 1], worker, into: &pairs)
    }
  }

  /// Answers a row of the batch with its list of candidates, the movers, and what is found already.
  private func answer(
    _ row: Int, _ list: Range<Int>, _ worker: CandidateWorker, into pairs: inout FiringReport
  ) {
    let x = unsafe batch.inputs.row(row)
    let own = unsafe found.map { unsafe $0.offsets[row]..<$0.offsets[row + 1] } ?? 0..<0
    let room = unsafe pairs.reserve(list.count + movers.count + own.count)
    worker.checked += list.count + movers.count
    guard unsafe !movers.isEmpty || found != nil else {
      pairs.commit(unsafe recheck(list, x, room))
      pairs.endQuery()
      return
    }
    worker.prepare(list.count + movers.count + own.count)
    let listed = unsafe recheck(list, x, worker.listed)
    let moving = unsafe hs_recheck_f32(
      movers.count, movers, weights.stride, weights.pointer, x, threshold, worker.moving.neurons,
      worker.moving.values)
    guard let found = unsafe found else {
      pairs.commit(unsafe merge((listed, worker.listed), (moving, worker.moving), into: room))
      pairs.endQuery()
      return
    }
    let both = unsafe merge(
      (listed, worker.listed), (moving, worker.moving), into: worker.merged)
    pairs.commit(
      unsafe hs_merge_pairs_f32(
        both, worker.merged.neurons, worker.merged.values, own.count,
        found.neurons + own.lowerBound, found.values + own.lowerBound, room.neurons, room.values))
    pairs.endQuery()
  }

  private typealias Room = CandidateWorker.Room

  /// Decides the candidates of a list.
  private func recheck(_ list: Range<Int>, _ x: UnsafePointer<Float>, _ room: Room) -> Int {
    guard !list.isEmpty else { return 0 }
    return unsafe ids.withUnsafeBufferPointer { ids in
      unsafe hs_recheck_f32(
        list.count, ids.baseAddress! + list.lowerBound, weights.stride, weights.pointer, x,
        threshold, room.neurons, room.values)
    }
  }

  /// Merges what fires.
  private func merge(
    _ first: (count: Int, pairs: Room), _ second: (count: Int, pairs: Room), into room: Room
  ) -> Int {
    unsafe hs_merge_pairs_f32(
      first.count, first.pairs.neurons, first.pairs.values, second.count, second.pairs.neurons,
      second.pairs.values, room.neurons, room.values)
  }

  private func scan(_ row: Int, _ worker: CandidateWorker, into pairs: inout FiringReport) {
    let room = unsafe pairs.reserve(weights.rows)
    let fired = unsafe hs_scan_report_f32(
      weights.rows, weights.stride, weights.pointer, batch.inputs.row(row), threshold, 0,
      room.neurons, room.values)
    worker.checked += weights.rows
    pairs.commit(fired)
    pairs.endQuery()
  }
}
