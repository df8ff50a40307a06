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

  @Test func `warm-up lasts as long as planned`() {
    let scene = Scene()
    let plan = TimingPlan(warmUp: 10, samples: 5, budget: 0, sampleDuration: 0.5)
    let times = Timing.interleaved(plan, [scene.body("A", takes: 1)], now: { scene.time })
    #expect(scene.calls.count == 10 + 5)
    #expect(times[0].samples.count == 5)
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
