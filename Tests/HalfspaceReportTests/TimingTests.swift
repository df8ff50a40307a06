// SPDX-License-Identifier: Apache-2.0
import Testing
import _HalfspaceReport

@Suite struct TimingTests {
  /// A clock that moves only when told to, and a record of who moved it.
  private final class Scene {
    var time = 0.0
    var calls: [String] = []

    func body(_ name: String, takes seconds: Double) -> () -> Void {
      {
        self.time += seconds
        self.calls.append(name)
      }
    }
  }

  private let long = TimingPlan(warmUp: 0, samples: 6, budget: 100, sampleDuration: 0.5)

  @Test func `bodies take turns`() {
    let scene = Scene()
    let bodies = [scene.body("A", takes: 1), scene.body("B", takes: 2), scene.body("C", takes: 4)]
    let times = Timing.interleaved(long, bodies, now: { scene.time })
    // One warm-up call each, then six rounds.
    #expect(scene.calls.joined() == "ABC" + String(repeating: "ABC", count: 6))
    #expect(times.map(\.median) == [1, 2, 4])
    #expect(times.map(\.samples.count) == [6, 6, 6])
    #expect(times[2].ratio(to: times[0]) == 4)
  }

  @Test func `short bodies are called often enough to fill a sample`() {
    let scene = Scene()
    let plan = TimingPlan(warmUp: 0, samples: 5, budget: 1, sampleDuration: 1)
    let times = Timing.interleaved(plan, [scene.body("A", takes: 0.0625)], now: { scene.time })
    #expect(times[0].callsPerSample == 16)
    #expect(times[0].median == 0.0625)
  }

  @Test func `a disturbance while calls are counted does not make samples short`() {
    let scene = Scene()
    let plan = TimingPlan(warmUp: 0, samples: 5, budget: 1, sampleDuration: 1)
    let body = scene.body("A", takes: 0.0625)
    let times = Timing.interleaved(
      plan,
      [
        {
          body()
          // In the round of four calls.
          if scene.calls.count == 5 { scene.time += 10 }
        }
      ], now: { scene.time })
    #expect(times[0].callsPerSample == 16)
  }

  @Test func `warm-up lasts as long as planned`() {
    let scene = Scene()
    let plan = TimingPlan(warmUp: 10, samples: 5, budget: 0, sampleDuration: 0.5)
    let times = Timing.interleaved(plan, [scene.body("A", takes: 1)], now: { scene.time })
    #expect(scene.calls.count == 10 + 5)
    #expect(times[0].samples.count == 5)
  }

  @Test func `samples of several calls begin after uncounted calls, as many as asked at most`() {
    // The first call after the other body takes a second more.
    let scene = Scene()
    func body(_ name: String, takes seconds: Double) -> () -> Void {
      {
        scene.time += seconds + (scene.calls.last == name ? 0 : 1)
        scene.calls.append(name)
      }
    }
    func median(leadIn: Int) -> [Double] {
      let plan = TimingPlan(
        warmUp: 0, samples: 5, budget: 100, sampleDuration: 4, leadIn: leadIn)
      return Timing.interleaved(
        plan, [body("A", takes: 1), body("B", takes: 2), body("C", takes: 8)],
        now: { scene.time }
      ).map(\.median)
    }
    // Four calls, two calls, and one, which is a sample by itself.
    #expect(median(leadIn: 0) == [1.25, 2.5, 9])
    #expect(median(leadIn: 1) == [1, 2, 9])
    scene.calls.removeAll()
    #expect(median(leadIn: 100) == [1, 2, 9])
    // A doubles its calls up to four, B up to two; in every round four and two more.
    #expect(scene.calls.count { $0 == "A" } == 1 + 2 + 4 + 5 * 8)
    #expect(scene.calls.count { $0 == "C" } == 1 + 5)
  }

  @Test func `the budget ends a measurement but never below five samples`() {
    let scene = Scene()
    let short = TimingPlan(warmUp: 0, samples: 1000, budget: 19.5, sampleDuration: 0.5)
    let times = Timing.interleaved(
      short, [scene.body("A", takes: 1), scene.body("B", takes: 1)], now: { scene.time })
    #expect(times.map(\.samples.count) == [10, 10])
    let none = TimingPlan(warmUp: 0, samples: 1, budget: 0, sampleDuration: 0.5)
    #expect(
      Timing.interleaved(none, [{ scene.time += 1 }], now: { scene.time })[0].samples.count == 5)
  }

  @Test func `statistics are those of the samples`() {
    let even = Timing(samples: [4, 1, 3, 100])
    #expect(even.median == 3.5)
    #expect(even.minimum == 1)
    #expect(even.medianAbsoluteDeviation == 1.5)
    let odd = Timing(samples: [3, 1, 2])
    #expect(odd.median == 2)
    #expect(odd.medianAbsoluteDeviation == 1)
  }

  @Test func `a ratio compares samples of the same round`() {
    // The machine slows down tenfold half-way; the ratio does not notice.
    let a = Timing(samples: [2, 2, 20, 20, 20])
    let b = Timing(samples: [1, 1, 10, 10, 10])
    #expect(a.ratio(to: b) == 2)
  }

  @Test func `the real clock moves forward`() {
    var sum = 0.0
    let timing = Timing.measure(
      TimingPlan(warmUp: 0.001, samples: 5, budget: 0.01, sampleDuration: 0.0005)
    ) {
      for index in 0..<100 { sum += Double(index).squareRoot() }
      blackHole(sum)
    }
    #expect(timing.minimum > 0)
    #expect(timing.minimum <= timing.median)
    #expect(timing.median < 0.1)
    #expect(timing.callsPerSample > 1)
  }

  @Test func `no samples and unequal samples trap`() async {
    await #expect(processExitsWith: .failure) { blackHole(Timing(samples: [])) }
    await #expect(processExitsWith: .failure) {
      blackHole(Timing(samples: [1]).ratio(to: Timing(samples: [1, 2])))
    }
  }
}
