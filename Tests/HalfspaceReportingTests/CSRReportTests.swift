// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import HalfspaceReporting

@Suite struct CSRReportTests {
  private func fill(_ report: inout InitialReport, _ queries: [[Int64]]) {
    for neurons in queries {
      // Room for more than is used, in two commits.
      let room = unsafe report.reserve(neurons.count + 5)
      for (k, neuron) in neurons.enumerated() {
        unsafe room.neurons[k] = neuron
        unsafe room.values[k] = Float(neuron) / 2
      }
      report.commit(neurons.count / 2)
      report.commit(neurons.count - neurons.count / 2)
      report.endQuery()
    }
  }

  private func neurons(_ report: borrowing InitialReport) -> [[Int64]] {
    var all: [[Int64]] = []
    for q in 0..<report.queryCount { all.append(report.neurons(of: q)) }
    return all
  }

  @Test func `queries come back as they went in`() {
    var report = InitialReport()
    var expected: [[Int64]] = []
    for q in 0..<100 { expected.append((0..<Int64(q * q % 37)).map { $0 << 33 }) }
    fill(&report, expected)
    #expect(neurons(report) == expected)
    #expect(report.values(of: 6).last == Float(Int64(35) << 33) / 2)
    #expect(report.count == expected.reduce(0) { $0 + $1.count })
    #expect(report.range(of: 0) == 0..<0)
    report.removeAll()
    #expect(report.queryCount == 0 && report.count == 0)
    fill(&report, [[7], []])
    #expect(neurons(report) == [[7], []])
  }

  @Test func `appending is asking here`() {
    var first = InitialReport(queries: 1, pairs: 1)
    var second = InitialReport()
    fill(&first, [[1, 2], [], [9]])
    fill(&second, [[], [3, 4, 5]])
    first.append(second)
    #expect(neurons(first) == [[1, 2], [], [9], [], [3, 4, 5]])
    first.append(InitialReport())
    #expect(first.queryCount == 5 && first.count == 6)
  }

  @Test func `stages merge by query, then by stage, then by run`() {
    // Runs of (query, neurons), blocks ascending within and across stages.
    let runs: [[(Int, [Int64])]] = [
      [(0, [1, 2]), (2, [0]), (0, [10]), (3, [11, 12, 13])], [], [(2, [20, 21]), (0, [25])],
    ]
    let stages = runs.map { runs in
      let stage = ReportStage<Int64>()
      for (query, neurons) in runs {
        let room = unsafe stage.pairs.reserve(neurons.count)
        for (k, neuron) in neurons.enumerated() {
          unsafe room.neurons[k] = neuron
          unsafe room.values[k] = Float(neuron)
        }
        stage.pairs.commit(neurons.count)
        stage.endRun(query: query, count: neurons.count)
        stage.endRun(query: query, count: 0)
      }
      return stage
    }
    var positions: [Int] = []
    var report = InitialReport()
    fill(&report, [[99]])
    ReportStage.merge(stages, queries: 5, positions: &positions, into: &report)
    #expect(neurons(report) == [[99], [1, 2, 10, 25], [], [0, 20, 21], [11, 12, 13], []])
    #expect(report.values(of: 3) == [0, 20, 21])
  }

  @Test func `misuse traps`() async {
    await #expect(processExitsWith: .failure) {
      var report = InitialReport()
      report.commit(2)
    }
    await #expect(processExitsWith: .failure) { _ = InitialReport().range(of: 0) }
    await #expect(processExitsWith: .failure) { _ = InitialReport(queries: -1) }
  }
}
