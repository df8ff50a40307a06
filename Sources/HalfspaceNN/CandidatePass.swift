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
    let multiplies = rows.count >= Self.blockRows && !movers.isEmpty
    if multiplies { multiply(rows, worker) }
    for row in rows {
      let number = numbers[numbers.startIndex + row]
      let list = offsets[number]..<offsets[number + 1]
      let x = unsafe batch.inputs.row(row)
      let moving = movers.count
      worker.checked += list.count + moving
      let room = unsafe pairs.reserve(list.count + moving)
      let fired = unsafe ids.withUnsafeBufferPointer { ids in
        let candidates = unsafe (ids.baseAddress.map { unsafe $0 + list.lowerBound })
        func recheck(
          _ neurons: UnsafeMutablePointer<Int32>, _ values: UnsafeMutablePointer<Float>
        ) -> Int {
          guard let candidates = unsafe candidates, !list.isEmpty else { return 0 }
          return unsafe hs_recheck_f32(
            list.count, candidates, weights.stride, weights.pointer, x, threshold, neurons,
            values)
        }
        if moving == 0 { return unsafe recheck(room.neurons, room.values) }
        worker.prepare(listed: list.count, moving: moving)
        let listed = unsafe recheck(worker.listed.neurons, worker.listed.values)
        let moved =
          unsafe multiplies
          ? decide(row: row - rows.lowerBound, worker) : check(x, worker)
        return unsafe hs_merge_pairs_f32(
          listed, worker.listed.neurons, worker.listed.values, moved, worker.moving.neurons,
          worker.moving.values, room.neurons, room.values)
      }
      pairs.commit(fired)
      pairs.endQuery()
    }
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

/// Scratch of one task of a report from candidate lists.
///
/// - Note: `Sendable` is unchecked; a worker belongs to one task at a time.
@safe final class CandidateWorker: @unchecked Sendable {
  /// The pairs of one task among several.
  var pairs = FiringReport()
  /// Pairs decided since the counter was read.
  var checked = 0
  /// The movers' rows, and their products with rows of the batch.
  private(set) var gathered = Matrix(rows: 0, columns: 0)
  private(set) var products = Matrix(rows: 0, columns: 0)
  private var first = FiringReport()
  private var second = FiringReport()
  /// Room for what fires of a list, and of the movers.
  @unsafe private(set) var listed:
    (
      neurons: UnsafeMutablePointer<Int32>, values: UnsafeMutablePointer<Float>
    )
  @unsafe private(set) var moving:
    (
      neurons: UnsafeMutablePointer<Int32>, values: UnsafeMutablePointer<Float>
    )
  private var capacity = 16

  init() {
    unsafe listed = first.reserve(capacity)
    unsafe moving = second.reserve(capacity)
  }

  var byteCount: Int { gathered.byteCount + products.byteCount + 16 * capacity }

  func prepare(listed: Int, moving: Int) {
    let needed = max(listed, moving)
    guard needed > capacity else { return }
    capacity = needed + needed / 4
    unsafe self.listed = first.reserve(capacity)
    unsafe self.moving = second.reserve(capacity)
  }

  func prepareProducts(rows: Int, movers: Int, like weights: Matrix) {
    if gathered.rows < movers || gathered.columns != weights.columns {
      gathered = Matrix(rows: movers + movers / 4, columns: weights.columns)
    }
    if products.rows < rows || products.columns < movers {
      products = Matrix(
        rows: max(rows, products.rows), columns: max(products.columns, movers + movers / 4))
    }
  }
}
