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

    @Test func `a part of some lists is transposed, with what every list has and what none has`() {
      var dice = Dice(seed: 71)
      let (lists, m) = (9, 40)
      let entries = (0..<lists).map { _ in
        (0..<Int32(m)).filter { _ in dice.normal() > 0.4 }
      }
      let offsets = Block(entries.reduce(into: [0]) { $0.append($0.last! + $1.count) })
      let ids = Block(entries.flatMap { $0 } + [-1])
      let asked = Block([7, 0, 7, 3, 8])
      for (range, whole, dropped) in [
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
        let (all, none) = (Block(whole + [0]), Block(dropped + [0]))
        let expected = range.map { id in
          (
            id: id,
            rows: (0..<5).filter { list in
              !dropped.contains(id) && (parts[list].contains(id) || whole.contains(id))
            }
          )
        }
        let masks = Block(Int(HS_LIST_WORDS), of: UInt64(0))
        expectSameBitsAtEveryLevel("\(range), \(whole), \(dropped)") {
          let room = found + 5 * whole.count + 16
          let (owners, rows) = (Block(room, of: Int32(-1)), Block(room, of: Int32(-1)))
          let behind = begins.copy()
          let n = unsafe hs_list_candidates(
            5, behind.start, ends.start, ids.start, range.lowerBound, range.count, whole.count,
            all.start, dropped.count, none.start, masks.start, owners.start, rows.start)
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
      atEveryLevel {
        let masks = Block(max(Int(HS_LIST_WORDS), (n + 63) / 64 * 64), of: UInt64(0))
        let begins = Block(Array(ends.elements.dropLast()))
        let (owners, rows) = (
          Block(pairs.count + 16, of: Int32(-1)), Block(pairs.count + 16, of: Int32(-1))
        )
        let found = unsafe hs_list_candidates(
          n, begins.start, ends.start + 1, ids.start, 0, m, 0, nil, 0, nil, masks.start,
          owners.start, rows.start)
        #expect((0..<found).map { [owners[$0], rows[$0]] } == pairs)
        #expect(masks.elements.allSatisfy { $0 == 0 })
      }
    }

    @Test func `groups of pairs are merged with pairs`() {
      var dice = Dice(seed: 73)
      for share: Float in [0, 0.1, 0.5, 1] {
        // Ids, their queries, and whether they come as a group.
        var all: [(id: Int32, queries: [Int32], isGroup: Bool)] = []
        for id in Int32(0)..<60 where dice.normal() > -0.5 {
          let count = Int32(1 + abs(40 * dice.normal() * (id % 7 == 0 ? 1 : 0.1)))
          let isGroup = share == 1 || abs(dice.normal()) < share
          all.append((id, Array(0..<count), isGroup))
        }
        func value(_ id: Int32, _ query: Int32) -> Float { Float(100 * id + query) }
        let (groups, single) = (all.filter(\.isGroup), all.filter { !$0.isGroup })
        func flat(_ list: [(id: Int32, queries: [Int32], isGroup: Bool)]) -> (
          ids: [Int32], queries: [Int32], values: [Float]
        ) {
          let pairs = list.flatMap { own in own.queries.map { (own.id, $0) } }
          return (pairs.map(\.0), pairs.map(\.1), pairs.map { value($0.0, $0.1) })
        }
        // Names that are no group's lie between those that are.
        let names = Block(groups.flatMap { [$0.id - 1, $0.id] } + [0])
        let active = Block((0..<Int32(groups.count)).map { 2 * $0 + 1 } + [0])
        let starts = Block(
          groups.reduce(into: [Int32(5)]) { $0.append($0.last! + Int32($1.queries.count)) })
        let (own, more, expected) = (flat(single), flat(groups), flat(all))
        let behind = [Int32](repeating: -1, count: 16)
        let ids = Block(own.ids + behind)
        let queries = Block(own.queries + behind)
        let values = Block(own.values + behind.map { Float($0) })
        let groupQueries = Block([Int32](repeating: -2, count: 5) + more.queries + behind)
        let groupValues = Block(
          [Float](repeating: -2, count: 5) + more.values + behind.map { Float($0) })
        let room = expected.ids.count + 16
        let (newIDs, newQueries) = (Block(room, of: Int32(-1)), Block(room, of: Int32(-1)))
        let newValues = Block(room, of: Float(-1))
        atEveryLevel {
          let n = unsafe hs_merge_groups_f32(
            own.ids.count, ids.start, queries.start, values.start, groups.count, active.start,
            names.start, starts.start, groupQueries.start, groupValues.start, newIDs.start,
            newQueries.start, newValues.start)
          #expect(Array(newIDs.elements.prefix(n)) == expected.ids)
          #expect(Array(newQueries.elements.prefix(n)) == expected.queries)
          #expect(Array(newValues.elements.prefix(n)) == expected.values)
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
