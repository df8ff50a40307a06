// SPDX-License-Identifier: Apache-2.0
internal import CHalfspace
internal import HalfspaceLinalg
internal import HalfspaceReporting

/// One report of `CandidateLists`: what its tasks read.
struct CandidatePass: Sendable {
  private let weights: Matrix
  private let batch: LookupBatch
  private let threshold: Float
  private let offsets: [Int]
  private let ids: [Int32]
  private let movers: [Int32]

  init(_ lists: CandidateLists, _ batch: LookupBatch, _ threshold: Float) {
    weights = lists.weights
    self.batch = batch
    self.threshold = threshold
    offsets = lists.offsets
    ids = lists.ids
    movers = lists.movers
  }

  /// Fewest rows for which the movers are gathered and multiplied as a block.
  private static let blockRows = 4

  /// Answers rows of the batch, appending to `pairs`.
  func answer(_ rows: Range<Int>, _ worker: CandidateWorker, into pairs: inout FiringReport) {
    guard let numbers = batch.numbers else {
      for row in rows { scan(row, worker, into: &pairs) }
      return
    }
    let products = rows.count >= Self.blockRows && !movers.isEmpty ? rows.lowerBound : nil
    if products != nil { multiply(rows, worker) }
    let most = CandidateBlock.mostRows(stride: weights.stride)
    for begin in stride(from: rows.lowerBound, to: rows.upperBound, by: most) {
      let block = begin..<min(begin + most, rows.upperBound)
      let names = numbers[
        numbers.startIndex + block.lowerBound..<numbers.startIndex + block.upperBound]
      let candidates = names.reduce(0) { $0 + offsets[$1 + 1] - offsets[$1] }
      worker.checked += candidates + block.count * movers.count
      let byNeuron =
        block.count > 1 && CandidateBlock.pays(candidates: candidates, weights: weights)
      if byNeuron {
        unsafe worker.block.decide(
          names, offsets: offsets, ids: ids, inputs: batch.inputs.row(begin), weights: weights,
          above: threshold)
      }
      for (k, number) in names.enumerated() {
        answer(
          begin + k, offsets[number]..<offsets[number + 1], decided: byNeuron ? k : nil,
          product: products.map { begin + k - $0 }, worker, into: &pairs)
      }
    }
  }

  /// Answers a row of the batch with its list of candidates. `decided` is its number in the worker's
  /// block, `product` among the worker's products, where it is there.
  private func answer(
    _ row: Int, _ list: Range<Int>, decided: Int?, product: Int?, _ worker: CandidateWorker,
    into pairs: inout FiringReport
  ) {
    let x = unsafe batch.inputs.row(row)
    let room = unsafe pairs.reserve(list.count + movers.count)
    func recheck(
      _ neurons: UnsafeMutablePointer<Int32>, _ values: UnsafeMutablePointer<Float>
    ) -> Int {
      if let decided {
        return unsafe worker.block.withFired(decided) { count, firedNeurons, firedValues in
          unsafe neurons.update(from: firedNeurons, count: count)
          unsafe values.update(from: firedValues, count: count)
          return count
        }
      }
      guard !list.isEmpty else { return 0 }
      return unsafe ids.withUnsafeBufferPointer { ids in
        unsafe hs_recheck_f32(
          list.count, ids.baseAddress! + list.lowerBound, weights.stride, weights.pointer, x,
          threshold, neurons, values)
      }
    }
    if movers.isEmpty {
      pairs.commit(unsafe recheck(room.neurons, room.values))
    } else {
      worker.prepare(listed: list.count, moving: movers.count)
      let listed = unsafe recheck(worker.listed.neurons, worker.listed.values)
      let moved = unsafe product.map { decide(row: $0, worker) } ?? check(x, worker)
      pairs.commit(
        unsafe hs_merge_pairs_f32(
          listed, worker.listed.neurons, worker.listed.values, moved, worker.moving.neurons,
          worker.moving.values, room.neurons, room.values))
    }
    pairs.endQuery()
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

  // MARK: Movers

  /// The canonical products of all movers with some rows of the batch, in one block.
  private func multiply(_ rows: Range<Int>, _ worker: CandidateWorker) {
    worker.prepareProducts(rows: rows.count, movers: movers.count, like: weights)
    let gathered = worker.gathered
    for (k, neuron) in movers.enumerated() {
      unsafe gathered.row(k).update(from: weights.row(Int(neuron)), count: weights.stride)
    }
    // The product is the same number whichever of the two is called the row.
    unsafe hs_preactivations_f32(
      rows.count, movers.count, weights.stride, batch.inputs.row(rows.lowerBound),
      gathered.pointer, worker.products.pointer, worker.products.stride)
  }

  /// The movers that fire on a row whose products are known.
  private func decide(row: Int, _ worker: CandidateWorker) -> Int {
    let products = unsafe worker.products.row(row)
    let neurons = unsafe worker.moving.neurons
    let values = unsafe worker.moving.values
    let kept = unsafe hs_filter_f32(movers.count, products, threshold, 0, neurons)
    var fired = 0
    for k in 0..<kept {
      let position = unsafe Int(neurons[k])
      let z = unsafe products[position]
      // NaN passes the filter and never fires.
      guard z > threshold else { continue }
      unsafe neurons[fired] = movers[position]
      unsafe values[fired] = z - threshold
      fired += 1
    }
    return fired
  }

  /// The movers that fire on a row.
  private func check(_ x: UnsafePointer<Float>, _ worker: CandidateWorker) -> Int {
    unsafe hs_recheck_f32(
      movers.count, movers, weights.stride, weights.pointer, x, threshold,
      worker.moving.neurons, worker.moving.values)
  }
}
