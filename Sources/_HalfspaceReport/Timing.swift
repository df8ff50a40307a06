// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// The measured run time of one piece of code.
///
/// ```swift
/// let times = Timing.interleaved([
///   { blackHole(bruteForce.report(query)) },
///   { blackHole(grid.report(query)) },
/// ])
/// print(Format.duration(times[1].median), times[0].ratio(to: times[1]))
/// ```
///
/// The bodies of one measurement take turns, A B C A B C ...: what disturbs the machine disturbs
/// them alike, and a ratio compares samples taken next to each other.
public struct Timing: Sendable {
  /// Seconds per call, one entry per sample, in the order they were taken.
  public let samples: [Double]
  /// Calls in each sample.
  public let callsPerSample: Int

  /// Creates a result from samples, at least one.
  public init(samples: [Double], callsPerSample: Int = 1) {
    precondition(!samples.isEmpty, "a timing needs at least one sample")
    self.samples = samples
    self.callsPerSample = callsPerSample
  }

  /// The middle sample: what a call usually takes.
  public var median: Double { Self.median(samples) }

  /// The fastest sample: what a call takes undisturbed.
  public var minimum: Double { samples.min() ?? .nan }

  /// The median distance from the median: the spread, blind to a few outliers.
  public var medianAbsoluteDeviation: Double {
    let center = median
    return Self.median(samples.map { abs($0 - center) })
  }

  /// How many times as long as `other` this took: the median over rounds of the quotient of the
  /// two samples of one round.
  ///
  /// Both must come from the same `interleaved` measurement.
  public func ratio(to other: Timing) -> Double {
    precondition(
      samples.count == other.samples.count,
      "\(samples.count) samples against \(other.samples.count): not from one measurement")
    return Self.median(zip(samples, other.samples).map { $0 / $1 })
  }

  /// Measures one body.
  ///
  /// - Complexity: The plan's warm-up and budget, or one warm-up call and the minimum number of
  ///   samples of the body if that takes longer.
  public static func measure(_ plan: TimingPlan = TimingPlan(), _ body: () -> Void) -> Timing {
    withoutActuallyEscaping(body) { interleaved(plan, [$0])[0] }
  }

  /// Measures several bodies in turns.
  ///
  /// - Parameters:
  ///   - plan: How long and how often.
  ///   - bodies: The code; hand every result to `blackHole`.
  ///   - now: A monotonic clock in seconds.
  /// - Returns: One timing for every body, all with the same number of samples.
  public static func interleaved(
    _ plan: TimingPlan = TimingPlan(), _ bodies: [() -> Void],
    now: () -> Double = { MonotonicClock.now }
  ) -> [Timing] {
    let calls = bodies.map { callsPerSample(plan, $0, now: now) }
    let rounds = max(plan.samples, TimingPlan.minimumSamples)
    var samples = bodies.map { _ in [Double]() }
    let start = now()
    for round in 0..<rounds {
      if round >= TimingPlan.minimumSamples, now() - start > plan.budget { break }
      for (index, body) in bodies.enumerated() {
        if calls[index] > 1 { for _ in 0..<min(calls[index], plan.leadIn) { body() } }
        let begin = now()
        for _ in 0..<calls[index] { body() }
        samples[index].append((now() - begin) / Double(calls[index]))
      }
    }
    return zip(samples, calls).map { Timing(samples: $0, callsPerSample: $1) }
  }

  /// Warms the body up and finds how many calls fill a sample.
  private static func callsPerSample(
    _ plan: TimingPlan, _ body: () -> Void, now: () -> Double
  ) -> Int {
    var calls = 1
    var half = Double.infinity
    let start = now()
    while true {
      let begin = now()
      for _ in 0..<calls { body() }
      let end = now()
      // Far more than twice what half as many calls took: something came in between, once.
      if end - begin > 4 * half {
        half = .infinity
        continue
      }
      half = end - begin
      // Doubling keeps the clock out of the loop of a body that takes nanoseconds.
      if end - begin >= plan.sampleDuration || calls >= 1 << 30 {
        if end - start >= plan.warmUp { return calls }
      } else {
        calls *= 2
      }
    }
  }

  private static func median(_ values: [Double]) -> Double {
    let sorted = values.sorted()
    let middle = sorted.count / 2
    return sorted.count.isMultiple(of: 2)
      ? (sorted[middle - 1] + sorted[middle]) / 2 : sorted[middle]
  }
}

/// A clock that never runs backwards.
public enum MonotonicClock {
  /// Seconds since some fixed moment.
  public static var now: Double {
    let elapsed = ContinuousClock.now - origin
    return Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) * 1e-18
  }

  private static let origin = ContinuousClock.now
}

/// The processor time of the calling thread: what one-threaded work takes, without the time in
/// which others had the processor.
public enum ThreadClock {
  /// Seconds since the thread began.
  public static var now: Double {
    var time = timespec()
    _ = unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }
}

/// Uses a value in a way the optimizer cannot see through, so that it must be computed.
@inline(never)
@_optimize(none)
public func blackHole<Value>(_ value: Value) {}
