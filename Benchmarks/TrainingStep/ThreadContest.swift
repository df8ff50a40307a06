// SPDX-License-Identifier: Apache-2.0
import Foundation
import Halfspace
import _HalfspaceReport

/// The time of a step with one thread and with two, in turns on trainers that do the same, and of two trainers
/// with one thread each, side by side: what two processors could do if no step had to be divided.
///
/// There are two trainers with one thread and one with two. A round is a turn of each of the former, two turns
/// of the latter and one of the former two side by side, all of as many steps: so all trainers are as far in
/// training, which decides what a step costs, and the quotient of the former two says what quotients of this
/// measurement are worth.
struct ThreadContest {
  let workload: String
  let m: Int
  let batch: Int
  let one: Double
  let two: Double
  /// One thread's time over two threads': the median over rounds.
  let ratio: Double
  /// The same of the two trainers with one thread.
  let control: Double
  /// The steps of two trainers side by side in the time of one step of one alone: the median over rounds.
  let sideBySide: Double
  /// A line of memory from one processor to the other and back, before the measurement.
  let latency: Double
  /// The lookups in use at the end, with one thread and with two.
  let strategies: [LookupStrategy]
  /// How a step divides, with one thread and with two: means, scaled to the median.
  let parts: (one: TrainingTimes, two: TrainingTimes)

  /// Steps of a turn, or a multiple where they are short.
  private static let stepsOfTurn = 16
  /// Steps after which a trainer has first chosen, and after which it knows whether its threads pay.
  private static let stepsOfFirstChoice = 128
  private static let stepsOfChoice = 1024

  /// Trains for half an epoch, and as long as trainers choose their threads, and measures.
  init(_ workload: Workload, lookup: LookupStrategy, plan: TimingPlan) throws {
    self.workload = workload.name
    m = workload.network.width
    batch = workload.batch
    let contestants = try [1, 2, 1].map { threads in
      Contestant(
        trainer: try workload.trainer(lookup, threads: threads),
        order: BatchOrder(rows: workload.inputs.rows, batch: workload.batch))
    }
    let (first, second, other) = (contestants[0], contestants[1], contestants[2])
    let warmUp = first.warmUp(
      max(Self.stepsOfChoice, first.order.batchesPerEpoch / 2), seconds: 2 * plan.budget)
    for contestant in [second, other] { contestant.steps(warmUp) }
    latency = LineLatency.seconds
    let turn = first.turn(lasting: plan.sampleDuration)
    for contestant in [second, other] { contestant.steps(first.taken - contestant.taken) }
    let pair = SideBySide(first, other)
    let timings = Self.rounds(
      plan,
      [
        { first.steps(turn) }, { second.steps(turn) }, { other.steps(turn) },
        { second.steps(turn) }, { pair.steps(turn) },
      ])
    func mean(_ a: Int, _ b: Int) -> Timing {
      Timing(
        samples: zip(timings[a].samples, timings[b].samples).map {
          ($0 + $1) / Double(2 * turn)
        })
    }
    let (alone, both) = (mean(0, 2), mean(1, 3))
    strategies = [first, second].map(\.trainer.lookupSummary.strategy)
    one = alone.median
    two = both.median
    ratio = alone.ratio(to: both)
    control = timings[0].ratio(to: timings[2])
    sideBySide = 2 * mean(0, 2).ratio(to: mean(4, 4))
    parts = (
      first.parts(for: plan.budget / 8, scaledTo: one),
      second.parts(for: plan.budget / 8, scaledTo: two)
    )
  }

  /// The times of bodies that take turns, forwards and backwards, each called once before it is timed: others have
  /// had the caches. Unlike those of `Timing.interleaved`, all are called equally often.
  private static func rounds(_ plan: TimingPlan, _ bodies: [() -> Void]) -> [Timing] {
    var samples = bodies.map { _ in [Double]() }
    let start = MonotonicClock.now
    for round in 0..<plan.samples {
      if round >= TimingPlan.minimumSamples, MonotonicClock.now - start > plan.budget { break }
      for index in round.isMultiple(of: 2) ? Array(bodies.indices) : bodies.indices.reversed() {
        bodies[index]()
        let begin = MonotonicClock.now
        bodies[index]()
        samples[index].append(MonotonicClock.now - begin)
      }
    }
    return samples.map { Timing(samples: $0) }
  }

  /// - Note: `Sendable` is unchecked; one thread at a time has a contestant.
  private final class Contestant: @unchecked Sendable {
    let trainer: Trainer
    var order: BatchOrder

    init(trainer: Trainer, order: BatchOrder) {
      self.trainer = trainer
      self.order = order
    }

    /// Steps taken.
    var taken: Int { trainer.stepCount }

    func steps(_ count: Int) {
      for _ in 0..<count { trainer.takeStep(order.next()) }
    }

    /// Takes so many steps, or as many as take so many seconds, but at least a few turns; returns how many.
    func warmUp(_ count: Int, seconds: Double) -> Int {
      let start = MonotonicClock.now
      while taken < count,
        taken < ThreadContest.stepsOfFirstChoice || MonotonicClock.now - start < seconds
      {
        steps(ThreadContest.stepsOfTurn)
      }
      return taken
    }

    /// How many steps last so many seconds, in whole turns.
    func turn(lasting seconds: Double) -> Int {
      var count = ThreadContest.stepsOfTurn
      while true {
        let start = MonotonicClock.now
        steps(count)
        guard MonotonicClock.now - start < seconds else { return count }
        count *= 2
      }
    }

    /// Takes steps for some seconds and says how they divide.
    func parts(for seconds: Double, scaledTo step: Double) -> TrainingTimes {
      let before = trainer.times
      let start = MonotonicClock.now
      repeat { steps(ThreadContest.stepsOfTurn) } while MonotonicClock.now - start < seconds
      return trainer.times.parts(since: before, scaledTo: step)
    }
  }

  /// Two contestants that take their steps at the same time.
  private struct SideBySide {
    let contestants: [Contestant]

    init(_ first: Contestant, _ second: Contestant) { contestants = [first, second] }

    func steps(_ count: Int) {
      let contestants = contestants
      parallelFor(contestants.count, threads: contestants.count) { contestants[$0].steps(count) }
    }
  }

  // MARK: The report

  private static let columns = [
    "workload", "m", "batch", "one thread", "two threads", "times as fast", "one against one",
    "two side by side", "line there and back",
  ]

  private var cells: [String] {
    [
      workload, Format.count(m), "\(batch)", Format.duration(one), Format.duration(two),
      Format.significant(ratio), Format.significant(control), Format.significant(sideBySide),
      Format.duration(latency),
    ]
  }

  private static var parts: [(name: String, of: (TrainingTimes) -> Double)] {
    [
      ("lookup", \.lookup), ("forward", \.forward), ("loss", \.loss), ("backward", \.backward),
      ("upkeep", \.maintenance),
    ]
  }

  private var partCells: [String] {
    [workload, Format.count(m), "\(batch)", strategies.map(\.rawValue).joined(separator: ", ")]
      + Self.parts.map {
        "\(Format.duration($0.of(parts.one))), \(Format.duration($0.of(parts.two)))"
      }
  }

  private var json: JSONValue {
    var object = JSONObject()
    object["workload"] = .string(workload)
    object["m"] = .integer(m)
    object["batch"] = .integer(batch)
    object["oneThreadSeconds"] = .number(one)
    object["twoThreadSeconds"] = .number(two)
    object["timesAsFast"] = .number(ratio)
    object["oneAgainstOne"] = .number(control)
    object["sideBySide"] = .number(sideBySide)
    object["lineSeconds"] = .number(latency)
    object["strategies"] = .array(strategies.map { .string($0.rawValue) })
    for part in Self.parts {
      object[key: "\(part.name)OneThreadSeconds"] = .number(part.of(parts.one))
      object[key: "\(part.name)TwoThreadSeconds"] = .number(part.of(parts.two))
    }
    return .object(object)
  }

  /// Measures all workloads and makes the report of it.
  static func report(
    _ workloads: [Workload], lookup: LookupStrategy, plan: TimingPlan,
    run: (machine: String, note: (String) -> Void)
  ) throws -> (text: String, json: JSONValue) {
    var table = TextTable(columns: columns)
    var partTable = TextTable(columns: ["workload", "m", "batch", "strategy"] + parts.map(\.name))
    var json: [JSONValue] = []
    for workload in workloads {
      run.note("\(workload.name), batch \(workload.batch), two threads")
      let contest = try ThreadContest(workload, lookup: lookup, plan: plan)
      table.append(row: contest.cells)
      partTable.append(row: contest.partCells)
      json.append(contest.json)
    }
    let text = """
      # Training step, two threads

      \(run.machine)

      Trainers that do the same, in turns of \(stepsOfTurn) steps or a few milliseconds; medians. A trainer of
      two threads takes steps alone where that is faster by its clock. *One against one*: the same quotient of
      two trainers with one thread each: how far quotients are from what they should be. *Two side by side*: these
      two take their steps at the same time: how many times as many steps that makes as one of them alone takes.
      *Line there and back*: what a line of memory takes from one processor to the other and back, right before;
      a virtual machine may have its processors now near to each other and now far. Nothing else was running.

      \(table)

      ## Part by part

      With one thread, with two.

      \(partTable)

      """
    return (text, .array(json))
  }
}
