// SPDX-License-Identifier: Apache-2.0
import HalfspaceLinalg
import Testing
import _HalfspaceTestSupport

@Suite struct CommunicatorTests {
  @Test(arguments: [(1, 3, 2), (3, 1, 1), (2, 7, 5), (4, 40, 16), (3, 64, 32)])
  func `rows come together in the order of the ranks`(size: Int, rows: Int, columns: Int) throws {
    @Sendable func rowsOf(_ rank: Int) -> Matrix {
      let part = TestData.gaussian(rows * rank, columns, seed: UInt64(rank))
      let packed = Matrix(rows: part.rows, columns: columns, packedSingleColumn: true)
      for r in 0..<part.rows { packed.setRow(r, to: part.rowArray(r)) }
      return packed
    }
    let results = try ThreadRanks.run(size) { communicator in
      let whole = communicator.gather(
        rows: rowsOf(communicator.rank), counts: (0..<size).map { rows * $0 })
      return (0..<whole.rows).map { whole.rowArray($0) }
    }
    let expected = (0..<size).flatMap { rank in
      (0..<rows * rank).map { rowsOf(rank).rowArray($0) }
    }
    #expect(results.allSatisfy { $0 == expected })
  }

  @Test(arguments: 1...5)
  func `sums, lists and agreements are the same on every rank`(size: Int) throws {
    let results = try ThreadRanks.run(size) { communicator in
      let rank = communicator.rank
      let sum = communicator.sum([rank, 1, 10 * rank])
      let lists = communicator.gather((0..<rank).map { 100 * rank + $0 })
      return (sum, lists, communicator.agreed(7 + rank))
    }
    let total = size * (size - 1) / 2
    for (sum, lists, agreed) in results {
      #expect(sum == [total, size, 10 * total])
      #expect(lists == (0..<size).map { rank in (0..<rank).map { 100 * rank + $0 } })
      #expect(agreed == 7)
    }
  }

  @Test(arguments: 1...4)
  func `every rank gets the parts meant for it`(size: Int) throws {
    // From rank i to rank j go i + j + 1 bytes of value 16 i + j.
    let results = try ThreadRanks.run(size) { communicator in
      let rank = communicator.rank
      let parts = (0..<size).flatMap { other in
        [UInt8](repeating: UInt8(16 * rank + other), count: rank + other + 1)
      }
      var received = [UInt8](repeating: 255, count: (0..<size).reduce(0) { $0 + $1 + rank + 1 })
      let counts = (0..<size).map { rank + $0 + 1 }
      unsafe parts.withUnsafeBytes { parts in
        unsafe received.withUnsafeMutableBytes { received in
          unsafe communicator.exchange(
            parts, counts: counts, into: received, receivedCounts: counts)
        }
      }
      return received
    }
    for (rank, received) in results.enumerated() {
      let expected = (0..<size).flatMap { other in
        [UInt8](repeating: UInt8(16 * other + rank), count: rank + other + 1)
      }
      #expect(received == expected)
    }
  }

  @Test(arguments: [0, 1, 7, 100], 1...5)
  func `shares cover everything once and are nearly equal`(count: Int, size: Int) throws {
    let shares = try ThreadRanks.run(size) { $0.share(of: count) }
    #expect(shares.flatMap { Array($0) } == Array(0..<count))
    #expect((shares.map(\.count).max() ?? 0) - (shares.map(\.count).min() ?? 0) <= 1)
  }
}
