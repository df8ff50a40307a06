// SPDX-License-Identifier: Apache-2.0
import Foundation
import HalfspaceLinalg
import HalfspaceReporting
import Testing
import _HalfspaceTestSupport

@testable import HalfspaceNN

/// A long run holds no more memory than a short one.
@Suite struct LongRunMemoryTests {
  /// Bytes of this process that are in memory now, by the second field of `/proc/self/statm`.
  private static func resident() throws -> Int {
    let text = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8)
    let pages = try #require(text.split(separator: " ").dropFirst().first.flatMap { Int($0) })
    return pages * Int(sysconf(Int32(_SC_PAGESIZE)))
  }

  /// Steps: 10^5 where code is optimized, which `swift test -c release` takes seconds for.
  private static let steps: Int = {
    #if DEBUG
      10_000
    #else
      100_000
    #endif
  }()

  // In a process of its own: other tests allocate too.
  @Test func `memory is flat over many steps with rebuilds and switches`() async {
    await #expect(processExitsWith: .success) {
      let problem = Problem.classes(2, rows: 24, dimension: 3, seed: 2)
      let trainer = try problem.trainer(
        .init(width: 8192, threshold: .expectedFiring(300), seed: 4),
        .init(
          loss: .softmaxCrossEntropy, epochs: 10_000, batchSize: 2, learningRate: 2,
          schedule: .constant))
      var refreshes = 0
      var switches = 0
      func run(_ steps: Int) throws {
        for step in 0..<steps {
          if step % 500 == 0 {
            let summary = trainer.lookupSummary
            refreshes += summary.statistics.refreshes
            try trainer.useLookup(LookupStrategy.allCases[switches % LookupStrategy.allCases.count])
            switches += 1
          }
          let row = 2 * (step % 12)
          trainer.takeStep([row, row + 1][...])
        }
      }
      try run(Self.steps / 5)
      let early = try Self.resident()
      try run(Self.steps - Self.steps / 5)
      let late = try Self.resident()
      #expect(trainer.stepCount == Self.steps)
      #expect(switches == Self.steps / 500 && refreshes > 0, "\(refreshes) refreshes")
      #expect(
        trainer.network.count > 512, "\(trainer.network.count) neurons: no strategy stands aside")
      // A leak of 32 bytes in every step would show, or of a list in every switch.
      #expect(late - early < 2_000_000, "\(early) bytes, then \(late)")
    }
  }
}
