// SPDX-License-Identifier: Apache-2.0
import HalfspaceLinalg
import HalfspaceNN
import HalfspaceReporting
import Testing

@testable import HalfspaceIO

/// The search for settings.
@Suite struct TunerTests {
  private func options(_ change: (inout TrainingOptions) -> Void = { _ in }) -> TrainingOptions {
    var options = TrainingOptions()
    options.threads = 1
    change(&options)
    return options
  }

  // MARK: Plans

  @Test(arguments: [1, 1000, 100_000, 10_000_000], [1, 5000, 500_000])
  func `a plan keeps a third, three times as long, within the budget`(budget: Int, run: Int) {
    let plan = TuningPlan(budget: budget, run: run)
    #expect(plan.rungs.count == 3)
    for (rung, next) in zip(plan.rungs, plan.rungs.dropFirst()) {
      #expect(next.count == max(1, rung.count / 3))
      #expect(next.visits >= 3 * rung.visits && next.visits <= 3 * rung.visits + 2)
    }
    #expect((9...81).contains(plan.rungs[0].count))
    // No trial is longer than a run, and a tiny budget still makes a step or two.
    #expect(plan.rungs[2].visits <= max(run, 9))
    #expect(plan.visits <= max(budget, 9 * 9))
  }

  @Test func `more budget buys longer trials first, then more settings`() {
    let plans = [30_000, 300_000, 3_000_000].map { TuningPlan(budget: $0, run: 50_000) }
    #expect(plans.map { $0.rungs[0].count } == [9, 18, 81])
    #expect(plans.map { $0.rungs[2].visits } == [10_000, 50_000, 50_000])
  }

  // MARK: Candidates

  @Test func `settings to be tried are different, and what is given is not varied`() throws {
    let table = SampleTable.regression()
    let free = try Tuner(table, target: "y", options: options()).candidates(40)
    #expect(free.count == 40 && free[0] == TrialSettings())
    for (index, settings) in free.enumerated() {
      #expect(!free[..<index].contains(settings))
      let network = settings.applied(to: options())
      #expect(throws: Never.self) {
        try network.threshold?.resolved(width: network.width ?? 1)
      }
    }
    #expect(Set(free.map(\.metric)) == [.none, .learned, .refined])
    #expect(Set(free.map(\.scaling)).count == 5)
    #expect(Set(free.map(\.linearPart)) == [.none, .fitted])
    let given = options {
      $0.width = 256
      $0.scaling = .rank
      $0.metric = TrainingOptions.Metric.none
      $0.linearPart = TrainingOptions.LinearPart.none
      $0.constant = 2
    }
    let few = try Tuner(table, target: "y", options: given).candidates(40)
    // Nothing but the learning rate is left: the recipe's, and five.
    #expect(few.count == 6)
    for settings in few {
      let options = settings.applied(to: given)
      #expect(options.width == 256 && options.scaling == .rank && options.constant == 2)
      #expect(options.metric == TrainingOptions.Metric.none)
    }
    let independent = try Tuner(
      table, target: "y", options: options { $0.outputs = .independent() })
    #expect(independent.candidates(20).allSatisfy { $0.metric == .none })
  }

  // MARK: The search

  @Test func `the better third goes on, the first settings always, and the best is found`() throws {
    let table = SampleTable.regression(rows: 120)
    let tuner = try Tuner(table, target: "y", options: options { $0.epochs = 6 })
    var seen = 0
    let outcome = tuner.run(budget: 9000, onTrial: { _, _ in seen += 1 })
    #expect(outcome.isComplete && seen == outcome.trials.count)
    for rung in 1...2 {
      let trials = outcome.trials.filter { $0.rung == rung }
      let next = outcome.trials.filter { $0.rung == rung + 1 }
      #expect(next.contains { $0.candidate == 1 })
      let wanted = outcome.plan.rungs[rung].count
      #expect((wanted...(wanted + 1)).contains(next.count))
      let ranked = trials.sorted {
        ($0.result.error, $0.candidate) < ($1.result.error, $1.candidate)
      }
      let kept = Set(ranked.prefix(wanted).map(\.candidate)).union([1])
      #expect(Set(next.map(\.candidate)) == kept)
    }
    let best = try #require(outcome.best)
    let finals = outcome.trials.filter { $0.rung == 3 }
    #expect(best.rung == 3 && finals.allSatisfy { $0.result.error >= best.result.error })
    #expect(outcome.ranking.first == best)
    #expect(Set(outcome.ranking.map(\.candidate)).count == outcome.ranking.count)
    // The first settings come along beyond the plan, and no run is shorter than a pass over 64 rows.
    let visits = outcome.trials.reduce(0) { $0 + $1.result.rowVisits }
    #expect(visits <= 2 * outcome.plan.visits)
  }

  @Test func `the same seed finds the same, whatever the threads; a clock ends it early`() throws {
    let table = SampleTable.classification(rows: 90)
    func outcome(threads: Int, trials: Int = .max) throws -> TuningOutcome {
      let tuner = try Tuner(
        table, target: "kind",
        options: options {
          $0.epochs = 4
          $0.threads = threads
        })
      var count = 0
      return tuner.run(
        budget: 4000, isTimeUp: { count >= trials }, onTrial: { _, _ in count += 1 })
    }
    let one = try outcome(threads: 1)
    #expect(try outcome(threads: 3).trials == one.trials)
    let early = try outcome(threads: 1, trials: 4)
    #expect(!early.isComplete && early.trials == Array(one.trials.prefix(4)))
    #expect(early.best?.rung == 1)
    // Even without time there is something to say.
    #expect(try outcome(threads: 1, trials: 0).trials.count == 1)
  }

  @Test func `arguments say everything that was found`() {
    var settings = TrialSettings()
    #expect(settings.arguments == ["--metric", "none"])
    settings.width = 1024
    settings.firingFraction = 0.1
    settings.learningRate = 0.30000000000000004
    settings.constant = 2
    settings.scaling = .commonScale
    settings.metric = .learned
    settings.linearPart = .fitted
    #expect(
      settings.arguments == [
        "--width", "1024", "--firing-fraction", "0.1", "--learning-rate", "0.30000000000000004",
        "--constant", "2.0", "--scaling", "common-scale", "--metric", "learned",
        "--linear-part", "fitted",
      ])
  }
}
