// SPDX-License-Identifier: Apache-2.0
internal import HalfspaceLinalg
internal import HalfspaceReporting

/// Steps of processes that hold the same network and divide the batch (`WorkDivision.batches`).
///
/// ```
/// rank 0   rows 0..<16 of the batch    pairs that fire ---.   neurons of shards 0 1 2 3   moved
/// rank 1   rows 16..<32                scores         -----X  neurons of shards 4 5 6 7   rows
///          all neurons                                         all rows of the batch
/// ```
///
/// A rank computes the scores of its rows whole, in the order of a single process. Then each pair goes
/// to the rank that owns the neuron, which so has the neuron's gradient whole, in the order of the
/// batch: the bits are those of one process. Gradients do not travel, the moved rows do.
struct DividedBatch {
  private let communicator: any Communicator
  /// Who moves which neurons.
  private var ownership: ShardOwnership
  /// The rows of the batch that are looked at here, and their scores.
  private var inputs = Matrix(rows: 0, columns: 0)
  private var scores = Matrix(rows: 0, columns: 0)
  private var floats: [Float] = []
  private var numbers: [Int32] = []
  private(set) var traffic = ExchangeTraffic()

  init(communicator: any Communicator, ownership: ShardOwnership) {
    self.communicator = communicator
    self.ownership = ownership
  }

  /// Takes note of neurons that have joined.
  mutating func grow(_ network: MaterializedNetwork) { ownership = network.ownership }

  // MARK: Before the loss

  /// The rows of a batch that this rank looks at.
  mutating func share(of batch: LookupBatch) -> LookupBatch {
    let share = communicator.share(of: batch.count)
    if inputs.rows < share.count || inputs.columns != batch.inputs.columns {
      inputs = Matrix(rows: max(1, share.count), columns: batch.inputs.columns)
    }
    unsafe inputs.pointer.update(
      from: batch.inputs.row(share.lowerBound), count: share.count * inputs.stride)
    let numbers = batch.numbers.map { numbers in
      numbers[numbers.startIndex + share.lowerBound..<numbers.startIndex + share.upperBound]
    }
    return LookupBatch(inputs: inputs, count: share.count, numbers: numbers)
  }

  /// The scores of the whole batch of `rows` rows, from a report on this rank's share of them.
  mutating func forward(
    _ step: SparseStep, _ report: borrowing FiringReport, network: MaterializedNetwork,
    rows: Int, scores all: Matrix
  ) {
    let share = communicator.share(of: rows)
    if scores.rows < share.count || scores.columns != all.columns {
      scores = Matrix(
        rows: max(1, share.count), columns: all.columns, packedSingleColumn: true)
    }
    step.forward(
      report, outputs: network.outputs, shards: network.shards, factor: network.outputFactor,
      scores: scores)
    let start = Stopwatch.now
    let rowBytes = 4 * all.stride
    unsafe communicator.allGather(
      UnsafeRawBufferPointer(start: scores.pointer, count: share.count * rowBytes),
      counts: (0..<communicator.size).map {
        communicator.share(of: rows, rank: $0).count * rowBytes
      },
      into: UnsafeMutableRawBufferPointer(start: all.pointer, count: rows * rowBytes))
    count(start, sent: share.count * rowBytes, received: (rows - share.count) * rowBytes)
  }

  // MARK: After the loss

  /// Sends pairs to the owners of their neurons: `owned` becomes the report of the whole batch of
  /// `rows` rows over the neurons that this rank owns.
  mutating func exchangePairs(
    _ report: borrowing FiringReport, rows: Int, into owned: inout FiringReport
  ) {
    let start = Stopwatch.now
    let size = communicator.size
    // For each rank: how many pairs each query has, then their neurons, then their values.
    var parts: [[UInt32]] = (0..<size).map { _ in [] }
    for rank in 0..<size {
      let bound = ownership.rows(of: rank)
      var counts: [UInt32] = []
      var neurons: [UInt32] = []
      var values: [UInt32] = []
      for query in 0..<report.queryCount {
        let before = neurons.count
        for e in report.range(of: query) {
          let neuron = unsafe report.neurons[e]
          guard bound.contains(Int(neuron)) else { continue }
          neurons.append(UInt32(bitPattern: neuron))
          values.append(unsafe report.values[e].bitPattern)
        }
        counts.append(UInt32(neurons.count - before))
      }
      parts[rank] = counts + neurons + values
    }
    let lengths = parts.map(\.count)
    let table = communicator.gather(lengths)
    let incoming = table.map { $0[communicator.rank] }
    let sent = Array(parts.joined())
    var received = [UInt32](repeating: 0, count: incoming.reduce(0, +))
    unsafe sent.withUnsafeBytes { sent in
      unsafe received.withUnsafeMutableBytes { received in
        unsafe communicator.exchange(
          sent, counts: lengths.map { 4 * $0 }, into: received,
          receivedCounts: incoming.map { 4 * $0 })
      }
    }
    owned.removeAll()
    var at = 0
    for rank in 0..<size {
      let queries = communicator.share(of: rows, rank: rank).count
      let pairs = (incoming[rank] - queries) / 2
      var pair = at + queries
      for query in 0..<queries {
        let count = Int(received[at + query])
        let room = unsafe owned.reserve(count)
        for k in 0..<count {
          unsafe room.neurons[k] = Int32(bitPattern: received[pair + k])
          unsafe room.values[k] = Float(bitPattern: received[pair + pairs + k])
        }
        owned.commit(count)
        owned.endQuery()
        pair += count
      }
      at += incoming[rank]
    }
    precondition(owned.queryCount == rows, "\(owned.queryCount) of \(rows) queries")
    let own = lengths[communicator.rank]
    count(start, sent: 4 * (sent.count - own), received: 4 * (received.count - own))
  }

  /// Tells all ranks the rows that this one has moved, ascending, and takes over theirs. Returns all
  /// that have moved, ascending.
  mutating func exchangeRows(
    _ moved: UnsafeBufferPointer<Int32>, weights: Matrix, outputs: Matrix
  ) -> [Int32] {
    let start = Stopwatch.now
    // Not through self, which is being written to.
    let communicator = communicator
    let size = communicator.size
    let counts = communicator.gather([moved.count]).map { $0[0] }
    let total = counts.reduce(0, +)
    let width = weights.stride + outputs.stride
    var own = [Float](repeating: 0, count: moved.count * width)
    unsafe own.withUnsafeMutableBufferPointer { room in
      guard let to = room.baseAddress else { return }
      for k in 0..<moved.count {
        let row = unsafe Int(moved[k])
        unsafe (to + k * width).update(from: weights.row(row), count: weights.stride)
        unsafe (to + k * width + weights.stride).update(
          from: outputs.row(row), count: outputs.stride)
      }
    }
    if numbers.count < total { numbers = .init(repeating: 0, count: total + total / 4) }
    if floats.count < total * width {
      floats = .init(repeating: 0, count: (total + total / 4) * width)
    }
    unsafe numbers.withUnsafeMutableBytes { room in
      unsafe communicator.allGather(
        UnsafeRawBufferPointer(moved), counts: counts.map { 4 * $0 },
        into: .init(rebasing: room[..<(4 * total)]))
    }
    unsafe own.withUnsafeBytes { own in
      unsafe floats.withUnsafeMutableBytes { room in
        unsafe communicator.allGather(
          own, counts: counts.map { 4 * $0 * width },
          into: .init(rebasing: room[..<(4 * total * width)]))
      }
    }
    unsafe floats.withUnsafeBufferPointer { rows in
      guard let rows = rows.baseAddress else { return }
      for k in 0..<total {
        let row = Int(numbers[k])
        unsafe weights.row(row).update(from: rows + k * width, count: weights.stride)
        unsafe outputs.row(row).update(
          from: rows + k * width + weights.stride, count: outputs.stride)
      }
    }
    let rowBytes = 4 * (width + 1)
    count(
      start, sent: rowBytes * moved.count * (size - 1), received: rowBytes * (total - moved.count))
    traffic.steps += 1
    return Array(numbers[..<total])
  }

  private mutating func count(
    _ start: Stopwatch, sent: Int, received: Int
  ) {
    traffic.seconds += start.secondsToNow
    traffic.operations += 2
    traffic.bytesSent += sent
    traffic.bytesReceived += received
  }
}
