// SPDX-License-Identifier: Apache-2.0
internal import CHalfspace

/// What the numeric kernels run on.
public enum Runtime {
  /// Instruction-set levels of the kernels, slowest first. All give the same bits.
  public enum InstructionSet: String, CaseIterable, Sendable {
    /// Plain C.
    case portable
    /// AVX2 and FMA.
    case avx2
    /// AVX-512 with VNNI.
    case avx512

    var level: Int32 {
      switch self {
      case .portable: Int32(HS_ISA_PORTABLE.rawValue)
      case .avx2: Int32(HS_ISA_AVX2.rawValue)
      case .avx512: Int32(HS_ISA_AVX512.rawValue)
      }
    }

    /// Whether this processor can run the level.
    public var isAvailable: Bool { hs_isa_available(level) == 1 }
  }

  /// The level in use: the processor's best, or what `HALFSPACE_ISA` in the environment names.
  public static var instructionSet: InstructionSet {
    let level = hs_isa()
    return InstructionSet.allCases.first { $0.level == level } ?? .portable
  }

  /// Uses another level from now on. For tests and benchmarks; not while kernels run.
  ///
  /// - Returns: whether the processor has it; if not, nothing changes.
  public static func select(_ set: InstructionSet) -> Bool { hs_isa_select(set.level) == 0 }

  /// OpenBLAS's build line.
  public static var blasConfiguration: String { unsafe String(cString: hs_blas_config()) }

  /// The processor core OpenBLAS chose its kernels for.
  public static var blasCore: String { unsafe String(cString: hs_blas_core()) }

  /// Threads OpenBLAS may use, process-wide. Halfspace sets one when it is loaded, because its
  /// own parallel loops call OpenBLAS from every thread.
  public static func setBLASThreads(_ threads: Int) {
    precondition(threads > 0, "\(threads) threads")
    hs_blas_set_threads(Int32(threads))
  }
}
