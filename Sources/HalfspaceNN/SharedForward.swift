// SPDX-License-Identifier: Apache-2.0
internal import CHalfspace
internal import HalfspaceLinalg
internal import HalfspaceReporting

/// The forward pass of a network whose shards are held by several processes.
///
/// ```
/// rank 0   sums of shards 0 1 2 3   \                      / scores
/// rank 1   sums of shards 4 5 6 7   -- every sum, or a ---   scores     on every rank
///            [shards, batch, C]     /  slice of every sum  \
/// ```
///
/// Each process sums over its own shards; then the sums of all shards are added in the order of
/// the shards, by the operations that a single process carries out in that order: the scores have
/// its bits, however many processes there are. Either every rank gets all sums and adds them
/// (one collective operation, `S B` floats for S shards and B scores), or each gets a slice of all
/// sums, adds that and tells the others (two operations, `S B / P + B` floats). `ExchangePlan`
/// chooses.
struct SharedForward {
  private let communicator: any Communicator
  /// The sums of the shards held here, `[shards * batch, C]`.
  private var sums = Matrix(rows: 0, columns: 0)
  /// The sums of all shards, or a slice of them.
  private var received: [Float] = []
  /// What is sent, slice by slice, and a slice of the scores.
  private var packed: [Float] = []
  private var slice: [Float] = []
  /// What the exchanges of all steps sent and received.
  private(set) var traffic = ExchangeTraffic()

  init(communicator: any Communicator) { self.communicator = communicator }

  /// Scores `[>= queries, C]` of a report over the rows that `network` holds here.
  mutating func run(
    _ step: SparseStep, _ report: borrowing FiringReport, network: MaterializedNetwork,
    scores: Matrix
  ) {
    let outputs = network.outputs
    let own = network.heldShards
    let queries = report.queryCount
    let rows = (own.count - 1) * queries
    if sums.rows != rows || sums.columns != outputs.columns {
      sums = Matrix(rows: rows, columns: outputs.columns, packedSingleColumn: true)
    }
    step.forward(report, outputs: outputs, shards: own, sums: sums)
    let start = Stopwatch.now
    let plan = ExchangePlan(
      floats: queries * outputs.stride, ownership: network.ownership, communicator: communicator)
    if plan.isSliced {
      addSlice(plan, network.outputFactor, scores)
    } else {
      addAll(plan, network.outputFactor, scores)
    }
    traffic.seconds += start.secondsToNow
    traffic.steps += 1
    traffic.operations += plan.isSliced ? 2 : 1
    traffic.bytesSent += plan.bytesSent
    traffic.bytesReceived += plan.bytesReceived
  }

  /// Every rank gets the sums of all shards.
  private mutating func addAll(_ plan: ExchangePlan, _ factor: Float, _ scores: Matrix) {
    // Not through self, which is being written to.
    let communicator = communicator
    Self.reserve(&received, plan.shardCount * plan.floats)
    let own = unsafe UnsafeRawBufferPointer(
      start: sums.pointer, count: 4 * plan.shardCounts[communicator.rank] * plan.floats)
    unsafe received.withUnsafeMutableBytes { room in
      unsafe communicator.allGather(
        own, counts: plan.shardCounts.map { 4 * $0 * plan.floats },
        into: .init(rebasing: room[..<(4 * plan.shardCount * plan.floats)]))
    }
    unsafe hs_add_planes_f32(
      plan.shardCount, plan.floats, plan.floats, received, factor, scores.pointer)
  }

  /// Every rank gets a slice of the sums of all shards, and tells the others what they add up to.
  private mutating func addSlice(_ plan: ExchangePlan, _ factor: Float, _ scores: Matrix) {
    let (communicator, sums) = (communicator, sums)
    let rank = communicator.rank
    let own = plan.shardCounts[rank]
    let mine = plan.slice(of: rank)
    Self.reserve(&packed, own * plan.floats)
    Self.reserve(&received, plan.shardCount * mine.count)
    Self.reserve(&slice, mine.count)
    unsafe packed.withUnsafeMutableBufferPointer { room in
      guard var to = room.baseAddress else { return }
      for other in 0..<communicator.size {
        let slice = plan.slice(of: other)
        for shard in 0..<own {
          unsafe to.update(
            from: sums.pointer + shard * plan.floats + slice.lowerBound, count: slice.count)
          unsafe to += slice.count
        }
      }
    }
    unsafe packed.withUnsafeBytes { packed in
      unsafe received.withUnsafeMutableBytes { received in
        unsafe communicator.exchange(
          .init(rebasing: packed[..<(4 * own * plan.floats)]),
          counts: (0..<communicator.size).map { 4 * own * plan.slice(of: $0).count },
          into: .init(rebasing: received[..<(4 * plan.shardCount * mine.count)]),
          receivedCounts: plan.shardCounts.map { 4 * $0 * mine.count })
      }
    }
    unsafe hs_add_planes_f32(
      plan.shardCount, mine.count, mine.count, received, factor, &slice)
    unsafe slice.withUnsafeBytes { slice in
      unsafe communicator.allGather(
        .init(rebasing: slice[..<(4 * mine.count)]),
        counts: (0..<communicator.size).map { 4 * plan.slice(of: $0).count },
        into: .init(start: scores.pointer, count: 4 * plan.floats))
    }
  }

  private static func reserve(_ buffer: inout [Float], _ count: Int) {
    if buffer.count < count { buffer = .init(repeating: 0, count: count) }
  }
}
