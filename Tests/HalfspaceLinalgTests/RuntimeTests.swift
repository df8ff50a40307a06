// SPDX-License-Identifier: Apache-2.0
import HalfspaceLinalg
import Testing
import _HalfspaceTestSupport

// Levels are selected for the whole process: the tests that do so run in processes of their own,
// beside no other test.
@Suite struct RuntimeTests {
  @Test func `the level in use is available, and so is the portable one`() {
    #expect(Runtime.instructionSet.isAvailable)
    #expect(Runtime.InstructionSet.portable.isAvailable)
  }

  @Test func `OpenBLAS says what it is`() {
    #expect(Runtime.blasConfiguration.contains("OpenBLAS"))
    #expect(!Runtime.blasCore.isEmpty)
  }

  @Test func `a level is used when the processor has it and refused otherwise`() async {
    await #expect(processExitsWith: .success) {
      for level in Runtime.InstructionSet.allCases {
        let before = Runtime.instructionSet
        #expect(Runtime.select(level) == level.isAvailable)
        #expect(Runtime.instructionSet == (level.isAvailable ? level : before))
      }
    }
  }

  @Test func `every level gives the same canonical products`() async {
    await #expect(processExitsWith: .success) {
      for columns in [1, 16, 17, 65, 130] {
        let w = TestData.gaussian(23, columns, seed: 1)
        let x = TestData.gaussian(9, columns, seed: 2)
        #expect(Runtime.select(.portable))
        let expected = w.canonicalProduct(with: x)
        for level in Runtime.InstructionSet.allCases where Runtime.select(level) {
          #expect(w.canonicalProduct(with: x).isIdentical(to: expected))
        }
      }
    }
  }

  @Test func `OpenBLAS can be given threads, not none`() async {
    await #expect(processExitsWith: .success) {
      let matrix = TestData.integers(64, 64, seed: 3)
      let expected = matrix.product(with: matrix)
      Runtime.setBLASThreads(2)
      #expect(matrix.product(with: matrix).isIdentical(to: expected))
    }
    await #expect(processExitsWith: .failure) { Runtime.setBLASThreads(0) }
  }
}
