// SPDX-License-Identifier: Apache-2.0

/// How long and how often to measure.
public struct TimingPlan: Sendable {
  /// Seconds every body runs before anything is counted; at least one call.
  public var warmUp: Double
  /// Samples to take of every body; at least `minimumSamples`, whatever this says.
  public var samples: Int
  /// Seconds for the whole measurement, warm-up apart; when they are over, only the minimum number
  /// of samples is completed.
  public var budget: Double
  /// Seconds one sample should last: short bodies are called several times per sample, so that the
  /// clock's grain does not show.
  public var sampleDuration: Double
  /// Calls before every sample of several calls that are not counted, at most as many as the sample
  /// has: those after which what the body reads is in cache as it is in the calls that follow.
  /// Otherwise the fewer calls a sample has, the more each seems to take.
  public var leadIn: Int

  /// A median needs neighbors to be worth its name.
  public static let minimumSamples = 5

  /// Creates a plan.
  public init(
    warmUp: Double = 0.1, samples: Int = 31, budget: Double = 2, sampleDuration: Double = 0.002,
    leadIn: Int = 0
  ) {
    self.warmUp = warmUp
    self.samples = samples
    self.budget = budget
    self.sampleDuration = sampleDuration
    self.leadIn = leadIn
  }

  /// A plan for a first look: fewer samples, a tenth of the time.
  public static let quick = TimingPlan(warmUp: 0.02, samples: 7, budget: 0.2, sampleDuration: 0.001)
}
