// SPDX-License-Identifier: Apache-2.0
import HalfspaceLinalg
import HalfspaceReporting
import Testing
import _HalfspaceTestSupport

@testable import HalfspaceNN

/// A trial in a box, which expectations may change.
private final class Trial {
  var state: ListsTrial
  init(from: Int) { state = ListsTrial(from: from, wait: from) }

  func pays(forecast: Double, index: Double, making: Double, rows: Range<Int>) -> Bool {
    state.pays(forecast: forecast, index: index, making: making, rows: rows)
  }

  func isSlow(_ pace: Double, index: Double, at rows: Int) -> Bool {
    state.isSlow(pace, index: index, at: rows)
  }
}

@Suite struct ListsTrialTests {
  @Test func `lists are tried where they save more in what is left than it takes to make them`() {
    let trial = Trial(from: 100)
    // 0.4 of 1 is saved, less a tenth for doubt.
    #expect(trial.pays(forecast: 0.5, index: 1, making: 39, rows: 100..<200))
    #expect(!trial.pays(forecast: 0.5, index: 1, making: 41, rows: 100..<200))
    #expect(!trial.pays(forecast: 0.95, index: 1, making: 0, rows: 100..<200))
    #expect(!trial.pays(forecast: 0.5, index: 1, making: 0, rows: 99..<200))
    trial.state.postpone(to: 150)
    #expect(!trial.pays(forecast: 0.5, index: 1, making: 0, rows: 149..<10_000))
    #expect(trial.pays(forecast: 0.5, index: 1, making: 0, rows: 150..<10_000))
  }

  @Test func `lists are far ahead where they take less than half, by what the last ones cost`() {
    let trial = Trial(from: 100)
    #expect(trial.state.areFarAhead(forecast: 0.4, index: 1))
    #expect(!trial.state.areFarAhead(forecast: 0.6, index: 1))
    #expect(!trial.state.areFarAhead(forecast: .infinity, index: 1))
    // Lists that cost twice the forecast: half of that is taken for true.
    #expect(trial.pays(forecast: 0.4, index: 1, making: 0, rows: 100..<10_000))
    #expect(!trial.isSlow(0.8, index: 1, at: 1000))
    #expect(trial.state.correction == 1.5)
    #expect(!trial.state.areFarAhead(forecast: 0.4, index: 1))
    #expect(trial.state.areFarAhead(forecast: 0.3, index: 1))
  }

  @Test func `waiting begins with its own time, not with that before the first trial`() {
    let trial = Trial(from: 100)
    trial.state = ListsTrial(from: 10, wait: 100)
    #expect(trial.pays(forecast: 0.5, index: 1, making: 0, rows: 10..<10_000))
    #expect(trial.isSlow(2.5, index: 1, at: 1000))
    #expect(trial.state.from == 1200)
  }

  @Test func `one slow epoch is forgiven, two in a row and one that is far off are not`() {
    func trial() -> Trial {
      let trial = Trial(from: 100)
      #expect(trial.pays(forecast: 0.8, index: 1, making: 0, rows: 100..<10_000))
      return trial
    }
    let patient = trial()
    #expect(!patient.isSlow(1.5, index: 1, at: 1000))
    #expect(!patient.isSlow(0.7, index: 1, at: 2000))
    #expect(!patient.isSlow(1.5, index: 1, at: 3000))
    #expect(patient.isSlow(1.2, index: 1, at: 4000))
    // And what is within a tenth of the index may stay.
    let close = trial()
    for epoch in 1...5 { #expect(!close.isSlow(1.05, index: 1, at: 1000 * epoch)) }
    let hopeless = trial()
    #expect(hopeless.isSlow(2.5, index: 1, at: 1000))
  }

  @Test func `lists that were given up wait longer each time, and forecasts are believed less`() {
    let trial = Trial(from: 100)
    #expect(trial.pays(forecast: 0.5, index: 1, making: 0, rows: 100..<100_000))
    #expect(trial.isSlow(2.5, index: 1, at: 1000))
    #expect(trial.state.from == 1200)
    // They cost five times the forecast; half of that is taken for true.
    #expect(trial.state.correction == 3)
    #expect(!trial.pays(forecast: 0.5, index: 1, making: 0, rows: 1200..<100_000))
    #expect(trial.pays(forecast: 0.25, index: 1, making: 0, rows: 1200..<100_000))
    #expect(trial.isSlow(2.5, index: 1, at: 2000))
    #expect(trial.state.from == 2400)
    #expect(trial.state.correction == 4)
    // What turns out as forecast is believed again.
    #expect(trial.pays(forecast: 0.2, index: 1, making: 0, rows: 2400..<100_000))
    for epoch in 0..<20 { #expect(!trial.isSlow(0.2, index: 1, at: 3000 + epoch)) }
    #expect(abs(trial.state.correction - 1) < 1e-4)
  }

  @Test func `neurons that go faster get wider margins, and forecasts that are higher`() {
    let weights = TestData.gaussian(600, 8, seed: 1)
    func watch(step: Float) -> (forecast: Double, margins: [Float]) {
      let moving = weights.gather(Array(0..<600))
      var watch = DriftWatch(moving, complete: true)
      for r in 0..<300 { moving[r, 0] += step }
      watch.rows = 500
      watch.firings = 500 * 12
      watch.threshold = 2
      return (
        watch.forecast(in: moving, trainingRows: 1000),
        watch.start(in: moving, trainingRows: 1000)!.margins
      )
    }
    let slow = watch(step: 0.01)
    let fast = watch(step: 0.1)
    #expect(fast.forecast > slow.forecast)
    #expect(slow.forecast > 12)
    for margins in [slow.margins, fast.margins] {
      #expect(margins.count == 600)
      // Those that have not moved count as half as fast as the mean, which is a quarter of the others' speed.
      #expect(margins[..<300].allSatisfy { $0 == margins[0] })
      #expect(margins[300...].allSatisfy { $0 == margins[300] && $0 < margins[0] })
    }
    #expect(fast.margins[0] > slow.margins[0])
  }

  @Test func `neurons that are too fast for lists are found by their codes from the start`() {
    let inputs = TestData.unitRows(1000, 8, seed: 2)
    let weights = TestData.gaussian(600, 8, seed: 1)
    var watch = DriftWatch(weights, complete: true)
    for r in 0..<70 { weights[r, 0] += 0.5 }
    (watch.rows, watch.firings, watch.batch, watch.threshold) = (500, 500 * 12, 50, 2)
    let start = watch.start(in: weights, trainingRows: 1000)!
    #expect(start.margins[..<70].allSatisfy { $0 == 0 })
    #expect(start.margins[70...].allSatisfy { $0 > 0 })
    let lists = CandidateLists(inputs: inputs, weights: weights, threads: 1, start: start)
    let lookup = CheckedLookup(lists, weights: weights)
    var report = FiringReport()
    let rows = Array(0..<50)
    for _ in 0..<3 {
      lookup.report(
        LookupBatch(inputs: inputs.gather(rows), count: 50, numbers: rows[...]), above: 2,
        into: &report)
      #expect(lists.fast.neurons == Array(0..<70))
      #expect(lists.movers.isEmpty && lists.listed[70...].allSatisfy { $0 >= 0 })
    }
    #expect(report.count > 0 && lookup.mismatches == 0)
  }

  @Test func `a sample of neurons forecasts about what all of them do, and gives no margins`() {
    let weights = TestData.gaussian(4000, 8, seed: 1)
    var sample = DriftWatch(weights)
    var all = DriftWatch(weights, complete: true)
    #expect(all.isComplete && !sample.isComplete)
    for r in 0..<4000 { weights[r, 0] += 0.02 * Float(r % 7) }
    func told(_ watch: inout DriftWatch) -> Double {
      watch.rows = 1000
      watch.firings = 20_000
      watch.threshold = 2
      return watch.forecast(in: weights, trainingRows: 1000)
    }
    let (some, every) = (told(&sample), told(&all))
    #expect(some > 0.8 * every && some < 1.2 * every)
    #expect(sample.start(in: weights, trainingRows: 1000) == nil)
    #expect(all.start(in: weights, trainingRows: 1000)!.entries == 5)
    #expect(DriftWatch(weights, complete: true).start(in: weights, trainingRows: 1000) == nil)
  }
}
