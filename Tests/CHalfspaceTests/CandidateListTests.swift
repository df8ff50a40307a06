// SPDX-License-Identifier: Apache-2.0
import CHalfspace
import Testing

extension Kernels {
  @Suite struct CandidateListTests {
    @Test(arguments: [0, 1, 15, 16, 17, 50])
    func `rows beyond their limit are found, those exactly at it are not`(count: Int) {
      var dice = Dice(seed: 60)
      for stride in [16, 32, 48, 64, 80, 176] {
        let w = dice.rows(60, stride)
        let reference = dice.rows(60, stride)
        let squares = (0..<60).map { r -> Float in
          let e = Block((0..<stride).map { w[r * stride + $0] - reference[r * stride + $0] })
          return unsafe hs_dot_f32(stride, e.start, e.start)
        }
        let ids = Block((0..<count).map { Int32($0 + $0 / 10) })
        let limits = Block(
          squares.enumerated().map { r, square in
            r % 3 == 0 ? square : r % 3 == 1 ? square.nextDown : dice.normal() * square
          })
        func found() -> Outcome {
          let moved = Block(count, of: Int32(-1))
          let n = unsafe hs_moved_beyond_f32(
            count, ids.start, stride, w.start, reference.start, limits.start, moved.start)
          var outcome = Outcome()
          outcome.add(moved, first: n)
          return outcome
        }
        expectSameBitsAtEveryLevel("stride \(stride)") { found() }
        let expected = ids.elements.filter { !(squares[Int($0)] <= limits[Int($0)]) }
        var outcome = Outcome()
        outcome.add(Block(expected))
        #expect(found() == outcome, "stride \(stride)")
      }
    }

    @Test func `lists lose what is dropped and gain what is added, in order`() {
      let lists: [[Int32]] = [[1, 4, 9], [], [2, 3], [0, 5, 6, 7]]
      let dropped = Block((0..<12).map { UInt8([3, 5, 9].contains($0) ? 1 : 0) })
      // List 0 gets 0 and the dropped 9, list 1 gets 3, list 3 gets 5 and 11.
      let names = Block<Int32>([0, 3, 5, 9, 11])
      let offsets = Block(lists.reduce(into: [0]) { $0.append($0.last! + $1.count) })
      let active = Block<Int32>([0, 1, 3])
      let starts = Block<Int32>([0, 2, 3, 5])
      let added = Block<Int32>([0, 3, 1, 2, 4])
      let ids = Block(lists.flatMap { $0 })
      let merged: [[Int32]] = [[0, 1, 4, 9], [3], [2], [0, 5, 6, 7, 11]]
      for range in [0..<4, 0..<2, 2..<4, 1..<3, 3..<3] {
        let (newOffsets, new) = (Block(5, of: -1), Block(9 + 5 + 1, of: Int32(-1)))
        let n = unsafe hs_merge_lists(
          range.lowerBound, range.upperBound, offsets.start, ids.start, dropped.start, 3,
          active.start, starts.start, added.start, names.start, newOffsets.start, new.start)
        var ends: [Int] = []
        for list in merged[range] { ends.append((ends.last ?? 0) + list.count) }
        #expect(Array(Array(newOffsets.elements.dropFirst())[range]) == ends)
        #expect(Array(new.elements.prefix(n)) == merged[range].flatMap { $0 })
      }
    }

    @Test func `a part of some lists is transposed, with what every list has and what codes tell`()
    {
      var dice = Dice(seed: 71)
      let (lists, m) = (9, 40)
      let entries = (0..<lists).map { _ in
        (0..<Int32(m)).filter { _ in dice.normal() > 0.4 }
      }
      let offsets = Block(entries.reduce(into: [0]) { $0.append($0.last! + $1.count) })
      let ids = Block(entries.flatMap { $0 } + [-1])
      let asked = Block([7, 0, 7, 3, 8])
      for (range, whole, coded) in [
        (0..<40, [], []), (0..<40, [0, 5, 39], [1, 6, 38]), (11..<29, [11, 12, 28], []),
        (0..<17, [3], [0, 16]), (30..<40, [], [30, 31, 35]), (12..<12, [], []),
        (0..<40, [], Array(0..<40)),
      ] as [(Range<Int32>, [Int32], [Int32])] {
        let (begins, ends) = (Block(5, of: -1), Block(5, of: -1))
        let found = unsafe hs_find_entries(
          5, asked.start, offsets.start, ids.start, range.lowerBound, range.upperBound,
          begins.start, ends.start)
        let parts = asked.elements.map { entries[$0].filter { range.contains($0) } }
        #expect(found == parts.reduce(0) { $0 + $1.count })
        for k in 0..<5 {
          #expect(Array(ids.elements[begins.elements[k]..<ends.elements[k]]) == parts[k])
        }
        // Before those of the range, there are coded ids of others.
        let before = 30
        let bits = (0..<(before + coded.count)).map { _ in UInt64(dice.below(32)) }
        let all = Block(whole + [0])
        let codes = Block([Int32](repeating: -1, count: before) + coded + [0])
        let codedMasks = Block(bits + [UInt64](repeating: ~0, count: 128 - bits.count))
        let expected = range.map { id in
          (
            id: id,
            rows: (0..<5).filter { list in
              if let place = coded.firstIndex(of: id) {
                return bits[before + place] >> list & 1 == 1
              }
              return parts[list].contains(id) || whole.contains(id)
            }
          )
        }
        let masks = Block(Int(HS_LIST_WORDS), of: UInt64(0))
        expectSameBitsAtEveryLevel("\(range), \(whole), \(coded)") {
          let room = found + 5 * (whole.count + coded.count) + 16
          let (owners, rows) = (Block(room, of: Int32(-1)), Block(room, of: Int32(-1)))
          let behind = begins.copy()
          let n = unsafe hs_list_candidates(
            5, behind.start, ends.start, ids.start, range.lowerBound, range.count, whole.count,
            all.start, before, before + coded.count, codes.start, codedMasks.start, masks.start,
            owners.start, rows.start)
          #expect(
            Array(owners.elements.prefix(n))
              == expected.flatMap { [Int32](repeating: $0.id, count: $0.rows.count) })
          #expect(Array(rows.elements.prefix(n)) == expected.flatMap { $0.rows.map { Int32($0) } })
          #expect(masks.elements.allSatisfy { $0 == 0 })
          #expect(behind.elements == ends.elements)
          var outcome = Outcome()
          outcome.add(n)
          return outcome
        }
      }
    }

    @Test(arguments: [
      (1, 300, 0.1), (64, 1000, 0.02), (64, 9000, 0.01), (65, 130, 0.9), (200, 3000, 0.02),
      (4200, 200, 0.3),
    ])
    func `many lists are transposed as their definition says`(n: Int, m: Int, share: Double) {
      var dice = Dice(seed: 72)
      let lists = (0..<n).map { _ in
        (0..<Int32(m)).filter { _ in Double(dice.below(1000)) < 1000 * share }
      }
      let ends = Block(lists.reduce(into: [0]) { $0.append($0.last! + $1.count) })
      let ids = Block(lists.flatMap { $0 } + [-1])
      var rows = [[Int32]](repeating: [], count: m)
      for (k, list) in lists.enumerated() {
        for id in list { rows[Int(id)].append(Int32(k)) }
      }
      let pairs = (0..<m).flatMap { id in rows[id].map { [Int32(id), $0] } }
      let all = Block((0..<Int32(m)).map { $0 })
      let words = (n + 63) / 64
      let bits = Block((m + 63) / 64 * 64 * words, of: UInt64(0))
      for (id, own) in rows.enumerated() {
        for k in own.map({ Int($0) }) {
          unsafe bits.start[(id / 64 * words + k / 64) * 64 + id % 64] |= 1 << (k % 64)
        }
      }
      atEveryLevel {
        let masks = Block(max(Int(HS_LIST_WORDS), (n + 63) / 64 * 64), of: UInt64(0))
        let begins = Block(Array(ends.elements.dropLast()))
        let (owners, rows) = (
          Block(pairs.count + 16, of: Int32(-1)), Block(pairs.count + 16, of: Int32(-1))
        )
        let found = unsafe hs_list_candidates(
          n, begins.start, ends.start + 1, ids.start, 0, m, 0, nil, 0, 0, nil, nil, masks.start,
          owners.start, rows.start)
        #expect((0..<found).map { [owners[$0], rows[$0]] } == pairs)
        #expect(masks.elements.allSatisfy { $0 == 0 })
        // The same pairs once more, all from codes, whatever the lists say.
        let again = Block(Array(ends.elements.dropLast()))
        let coded = unsafe hs_list_candidates(
          n, again.start, ends.start + 1, ids.start, 0, m, 0, nil, 0, m, all.start, bits.start,
          masks.start, owners.start, rows.start)
        #expect((0..<coded).map { [owners[$0], rows[$0]] } == pairs)
        #expect(masks.elements.allSatisfy { $0 == 0 })
      }
    }

    @Test(arguments: [0, 1, 15, 16, 17, 100])
    func `rows that have a place are listed by it, with their lengths`(count: Int) {
      var dice = Dice(seed: 73)
      let places = Block((0..<200).map { Int32($0 % 3 == 0 ? $0 / 3 : -1) })
      let ids = Block((0..<Int32(count)).map { 2 * $0 } + [0])
      let lengths = dice.normals(count + 1)
      let placed = (0..<count).filter { places[Int(ids[$0])] >= 0 }
      for isMeasured in [true, false] {
        atEveryLevel {
          let found = Block(count + 16, of: Int32(-1))
          let own = Block(count + 16, of: Float(-1))
          let n = unsafe hs_places_of_rows(
            count, ids.start, places.start, isMeasured ? lengths.start : nil, found.start,
            own.start)
          #expect(Array(found.elements.prefix(n)) == placed.map { places[Int(ids[$0])] })
          #expect(
            Array(own.elements.prefix(n)) == placed.map { isMeasured ? lengths[$0] : -1 })
        }
      }
    }

    @Test func `of a pair in both lists that of the first is kept`() {
      let (ids1, values1) = (Block<Int32>([1, 4, 8]), Block<Float>([10, 40, 80]))
      let (ids2, values2) = (Block<Int32>([0, 4, 9, 12]), Block<Float>([1, 2, 3, 4]))
      let (ids, values) = (Block(7, of: Int32(-1)), Block(7, of: Float(-1)))
      let n = unsafe hs_merge_pairs_f32(
        3, ids1.start, values1.start, 4, ids2.start, values2.start, ids.start, values.start)
      #expect(Array(ids.elements.prefix(n)) == [0, 1, 4, 8, 9, 12])
      #expect(Array(values.elements.prefix(n)) == [1, 10, 40, 80, 3, 4])
    }

    // MARK: Accounts of drift

    @Test func `an account is overdrawn beyond its allowance, and by what is no number`() {
      let ids = Block<Int32>([0, 2, 3, 5])
      let bounds = Block<Float>([1, 0.5, .nan, .infinity])
      let spent = Block<Float>([1, 7, 0.25, 0, 7, 0])
      let allowances = Block<Float>([1.5, 0, 1, 100, 0, .infinity])
      let over = Block(4, of: Int32(-1))
      let n = unsafe hs_spend_f32(
        4, ids.start, bounds.start, spent.start, allowances.start, over.start)
      #expect(Array(over.elements.prefix(n)) == [0, 3])
      #expect(spent[0] > 2 && spent[0] < 2.00001, "rounded up")
      #expect(spent[1] == 7 && spent[4] == 7, "rows that did not move")
      #expect(spent[2] > 0.75 && spent[3].isNaN && spent[5] == .infinity)
    }

    @Test func `the largest square sum is found, and what is no number`() {
      var dice = Dice(seed: 63)
      for stride in [1, 5, 16, 33, 80] {
        let w = dice.normals(20 * stride)
        let squares = (0..<20).map { r in
          (0..<stride).reduce(0.0) {
            $0 + Double(w[r * stride + $1]) * Double(w[r * stride + $1])
          }
        }
        let largest = unsafe Double(hs_largest_square_f32(20, stride, w.start))
        #expect(abs(largest - squares.max()!) <= 1e-5 * largest)
        unsafe w.start[7 * stride] = .nan
        #expect(unsafe hs_largest_square_f32(20, stride, w.start).isNaN)
      }
      let none = Block<Float>([])
      #expect(unsafe hs_largest_square_f32(0, 16, none.start) == 0)
    }
  }
}
