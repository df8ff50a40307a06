// SPDX-License-Identifier: Apache-2.0
import CHalfspace
import Testing

/// All tests of the C kernels. They run one after another, since they switch the
/// instruction-set level of the process.
@Suite(.serialized) struct Kernels {}

/// Levels this processor runs, the portable one (the readable twins) first.
let availableLevels = (0..<Int32(HS_ISA_COUNT.rawValue)).filter { hs_isa_available($0) == 1 }

/// Runs `body` at every level and expects the bits that the portable twin gives.
func expectSameBitsAtEveryLevel(
  _ input: @autoclosure () -> String, sourceLocation: SourceLocation = #_sourceLocation,
  _ body: () -> Outcome
) {
  let before = hs_isa()
  defer { _ = hs_isa_select(before) }
  #expect(hs_isa_select(availableLevels[0]) == 0)
  let expected = body()
  for level in availableLevels.dropFirst() {
    #expect(hs_isa_select(level) == 0)
    let outcome = body()
    #expect(
      outcome == expected, "\(levelName(level)): \(input())", sourceLocation: sourceLocation)
  }
}

/// Runs `body` once per level.
func atEveryLevel(_ body: () -> Void) {
  let before = hs_isa()
  defer { _ = hs_isa_select(before) }
  for level in availableLevels {
    #expect(hs_isa_select(level) == 0)
    body()
  }
}

func levelName(_ level: Int32) -> String { unsafe String(cString: hs_isa_name(level)) }
