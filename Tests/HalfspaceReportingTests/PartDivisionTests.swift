// SPDX-License-Identifier: Apache-2.0
import HalfspaceLinalg
import Testing

@testable import HalfspaceReporting

/// Where rows are cut into parts for threads.
@Suite struct PartDivisionTests {
  @Test func `bounds move to where parts take equally long`() {
    let places = (0...8).map { 125 * $0 }
    var division = PartDivision(1000, into: 2, places: places)
    #expect(division.ranges == [0..<500, 500..<1000])
    #expect(division.isSplit == [false, false] && division.shards == [0..<4, 4..<8])
    // The first quarter of the rows takes 2.2 times as long as the others.
    func seconds(_ rows: Range<Int>) -> Double {
      1e-8
        * (2.2 * Double(rows.clamped(to: 0..<250).count)
          + Double(rows.clamped(to: 250..<1000).count))
    }
    for step in 0..<200 {
      // Now and then a thread is held up.
      let ranges = division.ranges
      division.balance { seconds(ranges[$0]) * (step % 9 == 0 && $0 == 0 ? 40 : 1) }
    }
    #expect(abs(division.ranges[1].lowerBound - 350) <= 8)
    #expect(division.isSplit == [false, true] && division.shards == [0..<3, 2..<8])
    let bound = division.ranges[1].lowerBound
    division.balance { $0 == 0 ? 3 : 1 }
    #expect((8...60).contains(bound - division.ranges[1].lowerBound), "a part of the way")
  }

  @Test(arguments: [2, 3, 4, 5, 7, 8, 12])
  func `parts have the shards of their rows, and no shard is in three`(_ most: Int) {
    var generator = SeededGenerator(seed: 40, stream: UInt64(most))
    for pieces in [1, 2, 5, 8, 16, 64] {
      for empty in [false, true] {
        let rows = 977
        var places = (0...pieces).map { $0 * rows / pieces }
        if empty && pieces > 2 { places[1] = places[2] }
        var division = PartDivision(rows, into: most, places: places)
        for _ in 0..<60 {
          division.balance { _ in Double(1 + generator.next() % 64) }
          let parts = division.ranges.count
          #expect(parts == min(most, pieces))
          #expect(
            division.ranges.first?.lowerBound == 0 && division.ranges.last?.upperBound == rows)
          var owners = [Int](repeating: 0, count: pieces)
          for part in 0..<parts {
            let (range, shards) = (division.ranges[part], division.shards[part])
            for shard in shards { owners[shard] += 1 }
            if part > 0 { #expect(range.lowerBound == division.ranges[part - 1].upperBound) }
            #expect(places[shards.lowerBound] <= range.lowerBound)
            #expect(places[shards.upperBound] >= range.upperBound)
            #expect(division.isSplit[part] == (places[shards.lowerBound] < range.lowerBound))
          }
          let shared = division.isSplit.count { $0 }
          #expect(owners.allSatisfy { $0 == 1 || $0 == 2 })
          #expect(owners.count { $0 == 2 } == shared)
        }
      }
    }
  }
}
