// SPDX-License-Identifier: Apache-2.0
import Halfspace
import _HalfspaceReport

/// The time of a step with one thread and with two, in turns on two trainers that do the same.
struct ThreadContest {
  let workload: String
  let m: Int
  let batch: Int
  let one: Double
  let two: Double
  /// One thread's time over two threads': the median over rounds.
  let ratio: Double

  /// Trains for half an epoch and measures.
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
    for _ in 0..<max(20, contestants[0].order.batchesPerEpoch / 2) {
      for contestant in contestants { contestant.step() }
      if MonotonicClock.now - start > 4 * plan.budget { break }
    }
    let timings = Timing.interleaved(plan, contestants.map { contestant in { contestant.step() } })
    one = timings[0].median
    two = timings[1].median
    ratio = timings[0].ratio(to: timings[1])
  }

  private final class Contestant {
    let trainer: Trainer
    var order: BatchOrder

    init(trainer: Trainer, order: BatchOrder) {
      self.trainer = trainer
      self.order = order
    }

    func step() { trainer.takeStep(order.next()) }
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

      The same trainer twice, step by step in turns; medians. Nothing else was running.

      \(table)

      """
    return (text, .array(json))
  }
}
