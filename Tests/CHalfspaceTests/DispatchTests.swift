// SPDX-License-Identifier: Apache-2.0
import CHalfspace
import Foundation
import Testing

extension Kernels {
  @Suite struct DispatchTests {
    @Test func `levels have names, other numbers have none`() {
      #expect(levelName(Int32(HS_ISA_PORTABLE.rawValue)) == "portable")
      #expect(levelName(Int32(HS_ISA_AVX2.rawValue)) == "avx2")
      #expect(levelName(Int32(HS_ISA_AVX512.rawValue)) == "avx512")
      #expect(levelName(-1) == "unknown")
      #expect(levelName(Int32(HS_ISA_COUNT.rawValue)) == "unknown")
    }

    @Test func `the portable level is available, levels that do not exist are not`() {
      #expect(availableLevels.first == Int32(HS_ISA_PORTABLE.rawValue))
      #expect(hs_isa_available(-1) == 0)
      #expect(hs_isa_available(Int32(HS_ISA_COUNT.rawValue)) == 0)
    }

    @Test func `the first level is the best, or what the environment names`() async {
      // In a process of its own, where nothing has selected another level yet.
      await #expect(processExitsWith: .success) {
        let wanted = ProcessInfo.processInfo.environment["HALFSPACE_ISA"]
        let named = (0..<Int32(HS_ISA_COUNT.rawValue)).first { levelName($0) == wanted }
        let limit = named ?? Int32.max
        #expect(hs_isa() == availableLevels.last { $0 <= limit })
      }
    }

    @Test func `a level that is selected is in use, a refused one changes nothing`() {
      let before = hs_isa()
      defer { _ = hs_isa_select(before) }
      for level in availableLevels {
        #expect(hs_isa_select(level) == 0)
        #expect(hs_isa() == level)
        #expect(hs_isa_select(Int32(HS_ISA_COUNT.rawValue)) == -1)
        #expect(hs_isa_select(-1) == -1)
        #expect(hs_isa() == level)
      }
    }
  }
}
