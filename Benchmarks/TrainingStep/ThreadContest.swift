// SPDX-License-Identifier: Apache-2.0
import Halfspace
import _HalfspaceReport

/// The time of a step with one thread and with two, in turns on two trainers that do the same. A turn is
/// of some steps, as in a run: the threads of one would sleep while the other takes its step.
struct ThreadContest {
  let workload: String
  let m: Int
  let batch: Int
  let one: Double
  let two: Double
  /// One thread's time over two threads': the median over rounds.
  let ratio: Double

  private static let stepsOfTurn = 16
  /// Steps after which a trainer knows whether its threads pay.
  private static let stepsOfChoice = 128

  /// Trains for half an epoch, and as long as trainers choose their threads, and measures.
  init(_ workload: Workload, plan: TimingPlan) throws {
    self.workload = workload.name
    m = workload.network.width
    batch = workload.batch
    let contestants = try [1, 2].map { threads in
      Contestant(
        trainer: try workload.trainer(.automatic, threads: threads),
        order: BatchOrder(rows: workload.inputs.rows, batch: workload.batch))
    }
    let start = MonotonicClock.now
    let steps = max(Self.stepsOfChoice, contestants[0].order.batchesPerEpoch / 2)
    for turn in 0..<(steps / Self.stepsOfTurn + 1) {
      for contestant in contestants { contestant.steps(Self.stepsOfTurn) }
      let isChosen = (turn + 1) * Self.stepsOfTurn >= Self.stepsOfChoice
      if isChosen, MonotonicClock.now - start > 4 * plan.budget { break }
    }
    let timings = Timing.interleaved(
      plan, contestants.map { contestant in { contestant.steps(Self.stepsOfTurn) } })
    one = timings[0].median / Double(Self.stepsOfTurn)
    two = timings[1].median / Double(Self.stepsOfTurn)
    ratio = timings[0].ratio(to: timings[1])
  }

  private final class Contestant {
    let trainer: Trainer
    var order: BatchOrder

    init(trainer: Trainer, order: BatchOrder) {
      self.trainer = trainer
      self.order = order
    }

    func steps(_ count: Int) {
      for _ in 0..<count { trainer.takeStep(order.next()) }
    }
  }

  /// Measures all workloads and makes the report of it.
  static func report(
    _ workloads: [Workload], plan: TimingPlan, run: (machine: String, note: (String) -> Void)
  ) throws -> (text: String, json: JSONValue) {
    var table = TextTable(
      "workload", "m", "batch", "one thread", "two threads", "times as fast")
    var json: [JSONValue] = []
    for workload in workloads {
      run.note("\(workload.name), batch \(workload.batch), two threads")
      let contest = try ThreadContest(workload, plan: plan)
      table.append(
        contest.workload, Format.count(contest.m), "\(contest.batch)",
        Format.duration(contest.one), Format.duration(contest.two),
        Format.significant(contest.ratio))
      var object = JSONObject()
      object["workload"] = .string(contest.workload)
      object["m"] = .integer(contest.m)
      object["batch"] = .integer(contest.batch)
      object["oneThreadSeconds"] = .number(contest.one)
      object["twoThreadSeconds"] = .number(contest.two)
      object["timesAsFast"] = .number(contest.ratio)
      json.append(.object(object))
    }
    let text = """
      # Training step, two threads

      \(run.machine)

      The same trainer twice, in turns of \(ThreadContest.stepsOfTurn) steps; medians. A trainer of two threads takes
      steps alone where that is faster by its clock. Nothing else was running.

      \(table)

      """
    return (text, .array(json))
  }
}
