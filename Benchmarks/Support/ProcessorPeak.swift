// SPDX-License-Identifier: Apache-2.0
import CMachineLimits
import Halfspace
import _HalfspaceReport

/// Multiply-adds per second of one thread that does nothing else, as measured.
public struct ProcessorPeak {
  /// Those of floats.
  public let float: Double
  /// Exact ones of bytes.
  public let byte: Double

  /// What the instruction set allows that the package's kernels use.
  public static let level =
    switch Runtime.instructionSet {
    case .avx512: LIMITS_AVX512
    case .avx2: LIMITS_AVX2
    default: LIMITS_PORTABLE
    }

  /// The best of some runs.
  public static func measured() -> ProcessorPeak {
    let rounds = 200_000
    return ProcessorPeak(
      float: bestRate { limits_multiply_add_f32(Int32(level), rounds) },
      byte: bestRate { limits_multiply_add_i8(Int32(level), rounds) })
  }

  /// The best of some runs of `body`, which returns how much it did: how much per second.
  public static func bestRate(_ body: () -> Double) -> Double {
    (0..<15).reduce(0) { best, _ in
      let start = ThreadClock.now
      let done = body()
      return max(best, done / (ThreadClock.now - start))
    }
  }
}
