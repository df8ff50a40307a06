// SPDX-License-Identifier: Apache-2.0
internal import CHalfspace
internal import HalfspaceLinalg
internal import HalfspaceReporting

extension CandidateLists {
  /// The margin of a neuron of which nothing is known.
  static let firstMargin: Float = 0.25

  // MARK: When

  /// Does what is due before a report of a batch of `count` above `threshold`.
  func prepare(for count: Int, above threshold: Float) {
    batchRows = count
    if threshold < self.threshold {
      // Nothing is known about lower thresholds.
      movers = []
      fast.take([], of: weights)
      becomeMovers(0..<Int32(weights.rows))
      offsets = .init(repeating: 0, count: rowCount + 1)
      self.threshold = -.infinity
      isFull = false
    }
    if isReviewDue {
      let clock = Stopwatch.now
      review(above: threshold)
      events.narrowingSeconds += clock.secondsToNow
    }
    let isJudgementDue = rowsAnswered - judgedAt >= rowCount
    guard isRefreshDue || isJudgementDue || isCodingDue else { return }
    let clock = Stopwatch.now
    if isRefreshDue { refresh(above: threshold) }
    if isJudgementDue { judgeAll() }
    if isCodingDue { code() }
    events.refreshSeconds += clock.secondsToNow
  }

  /// Whether a merge would have been paid for by what lists save with the neurons for which they pay, or
  /// there are none yet.
  private var isRefreshDue: Bool {
    guard !isFull else { return false }
    if listedPairs == 0 && !movers.isEmpty { return true }
    return lost * Double(weights.stride) > MarginCost.merge * Double(listedPairs)
  }

  // MARK: Margins

  /// When neurons' candidates were taken.
  struct Ages: Sendable {
    fileprivate let takenAt: [Int]
    fileprivate let now: Int
    fileprivate let rows: Int

    /// Epochs since a neuron's candidates were taken, at least a little.
    func of(_ r: Int) -> Double { Double(max(1, now - takenAt[r])) / Double(rows) }
  }

  var ages: Ages { Ages(takenAt: takenAt, now: rowsAnswered, rows: rowCount) }

  /// Sets the largest square of the displacement that a neuron may have.
  func setLimit(_ r: Int, _ limit: Float) {
    limits[r] = limit
    // What has no limit is always beyond it.
    allowances[r] = limit > 0 ? limit.squareRoot() * (1 - 0x1p-20) : -1
  }

  var cost: MarginCost {
    MarginCost(weights, threshold: threshold, rows: rowCount, batch: batchRows)
  }

  // MARK: Refreshing

  /// Takes the candidates anew, above `threshold`, of those neurons not listed for which it pays.
  private func refresh(above threshold: Float) {
    self.threshold = max(self.threshold, threshold)
    let neurons = unlisted
    var queries = FreshQueries()
    for (neuron, choice) in zip(neurons, choices(for: neurons, areCoded: wantsCodes)) {
      // What has no limit cannot be listed.
      guard choice.saving > 0, choice.limit >= 0 else { continue }
      margins[Int(neuron)] = choice.margin
      queries.append(neuron, limit: choice.limit)
    }
    // Blocks bound the memory of the reports.
    let block = max(1024, weights.rows / 8)
    for start in stride(from: 0, to: queries.neurons.count, by: block) {
      guard !isFull else { break }
      list(queries, start..<min(start + block, queries.neurons.count))
    }
    movers = neurons.filter { isMover[Int($0)] == 1 }
    fast.take([], of: weights)
    events.refreshes += 1
    lost = 0
    saving = 0
    if !movers.isEmpty { code() }
  }

  /// What `body` says of each number.
  static func inParallel<Value: BitwiseCopyable>(
    _ count: Int, threads: Int, _ body: @Sendable (Int) -> Value
  ) -> [Value] {
    // All empty arrays share what an initialization would write.
    guard count > 0 else { return [] }
    return unsafe [Value](unsafeUninitializedCapacity: count) { values, written in
      let target = unsafe Values(pointer: values.baseAddress)
      parallelFor(count, grain: neuronsOfTask, threads: threads) { range in
        for k in range { unsafe target.pointer![k] = body(k) }
      }
      written = count
    }
  }

  /// Neurons whose margins take longer to choose than it takes to hand them over.
  private static let neuronsOfTask = 32

  /// Where a parallel loop writes, each part its own.
  @unsafe private struct Values<Value>: @unchecked Sendable {
    let pointer: UnsafeMutablePointer<Value>?
  }

  /// Neurons to be refreshed, ascending, and their new limits.
  private struct FreshQueries {
    var neurons: [Int32] = []
    var limits: [Float] = []

    mutating func append(_ neuron: Int32, limit: Float) {
      neurons.append(neuron)
      limits.append(limit)
    }
  }

  /// Asks which training rows a range of movers needs to be listed for, and lists them.
  private func list(_ fresh: FreshQueries, _ range: Range<Int>) {
    let names = Array(fresh.neurons[range])
    let queries = Matrix(rows: names.count, columns: lifted.columns)
    for (k, neuron) in names.enumerated() {
      unsafe queries.row(k).update(from: weights.row(Int(neuron)), count: weights.columns)
      queries[k, weights.columns] = margins[Int(neuron)]
    }
    data.report(queries: queries, rows: 0..<names.count, above: threshold, into: &found)
    isFull = listedPairs + found.count >= Self.mostPairs
    guard !isFull else { return }
    merge(found, names)
    for (k, neuron) in names.enumerated() {
      let r = Int(neuron)
      unsafe reference.row(r).update(from: weights.row(r), count: weights.stride)
      setLimit(r, fresh.limits[range.lowerBound + k])
      spent[r] = 0
      listed[r] = Int32(found.range(of: k).count)
      takenAt[r] = rowsAnswered
      isMover[r] = 0
    }
    events.refreshedNeurons += names.count
  }

  /// Puts the pairs of a report over the training rows, query k being neuron names[k], into the
  /// lists, and leaves out what they hold of movers.
  private func merge(_ report: borrowing FiringReport, _ names: [Int32]) {
    let lists = scratch.transpose(report, rows: rowCount)
    // Two arrays take turns: memory that is new costs more than the merge.
    let needed = listedPairs + report.count + 1
    if spareIDs.count < needed { spareIDs = .init(repeating: 0, count: needed + needed / 4) }
    unsafe spareIDs.withUnsafeMutableBufferPointer { room in
      unsafe scratch.merge(
        offsets, ids, dropping: isMover, lists: lists, names, into: room.baseAddress!,
        threads: threads)
    }
    swap(&ids, &spareIDs)
    if spareIDs.count > Self.mostSparePairs { spareIDs = [] }
    swap(&offsets, &scratch.merged)
  }

  /// Room of merges: the report over the training rows, and what it is transposed to.
  struct MergeScratch {
    var counts: [Int32] = []
    var active: [Int32] = []
    var starts: [Int32] = []
    var positions: [Int32] = []
    var values: [Float] = []
    var merged: [Int] = []

    /// Transposes a report over `rows` rows; returns how many of these it names.
    mutating func transpose(_ report: borrowing FiringReport, rows: Int) -> Int {
      if counts.count < rows {
        counts = .init(repeating: 0, count: rows)
        active = counts
        starts = .init(repeating: 0, count: rows + 1)
        merged = starts.map { Int($0) }
      }
      if positions.count < report.count {
        positions = .init(repeating: 0, count: report.count + report.count / 4)
        values = .init(repeating: 0, count: positions.count)
      }
      return unsafe hs_transpose_report(
        report.queryCount, rows, report.offsets, report.neurons, report.values, &counts, &active,
        &starts, &positions, &values)
    }

    /// Merges the transposed report, whose query k is neuron names[k], with lists.
    @unsafe mutating func merge(
      _ offsets: [Int], _ ids: [Int32], dropping dropped: [UInt8], lists: Int, _ names: [Int32],
      into room: UnsafeMutablePointer<Int32>, threads: Int
    ) {
      let rows = offsets.count - 1
      let parts = max(1, min(threads, (offsets[rows] + Int(starts[lists])) / entriesOfTask, rows))
      merged[0] = 0
      let target = unsafe merged.withUnsafeMutableBufferPointer {
        unsafe Target(offsets: $0.baseAddress!, ids: room)
      }
      // Parts write behind all that may come before them, and are then moved together.
      func first(_ part: Int) -> Int { rows * part / parts }
      func begin(_ part: Int) -> Int {
        let list = unsafe active.withUnsafeBufferPointer {
          unsafe SparseStep.position(
            of: Int32(first(part)), in: UnsafeBufferPointer(rebasing: $0[..<lists]))
        }
        return offsets[first(part)] + Int(starts[list])
      }
      let begins = (0..<parts).map(begin)
      parallelFor(parts, threads: parts) {
        [active, starts, positions] part in
        _ = unsafe hs_merge_lists(
          rows * part / parts, rows * (part + 1) / parts, offsets, ids, dropped, lists, active,
          starts, positions, names, target.offsets, target.ids + begins[part])
      }
      for part in 1..<max(1, parts) {
        let before = merged[first(part)]
        unsafe (room + before).update(
          from: room + begins[part], count: merged[first(part + 1)])
        for i in first(part)..<first(part + 1) { merged[i + 1] += before }
      }
    }

    /// Entries that take longer to merge than it takes to hand them over.
    private let entriesOfTask = 1 << 12

    /// Where parts of a merge write, each its own range.
    @unsafe private struct Target: @unchecked Sendable {
      let offsets: UnsafeMutablePointer<Int>
      let ids: UnsafeMutablePointer<Int32>
    }

    var byteCount: Int {
      4 * (counts.count + active.count + starts.count + positions.count + values.count)
        + 8 * merged.count
    }
  }

  /// Entries for which room is kept from merge to merge: 256 MB.
  static let mostSparePairs = 1 << 26
}
