// SPDX-License-Identifier: Apache-2.0
import CHalfspace
import HalfspaceLinalg
import Testing
import _HalfspaceTestSupport

/// The kernels of the partition tree, level against level and against their definitions.
@Suite(.serialized) struct PartitionTreeKernelTests {
  /// Runs `body` at every level that this processor has.
  private func atEveryLevel<Result>(_ body: () -> Result) -> [Result] {
    let best = hs_isa()
    defer { hs_isa_select(best) }
    var results: [Result] = []
    for level in 0..<Int32(HS_ISA_COUNT.rawValue) where hs_isa_select(level) == 0 {
      results.append(body())
    }
    return results
  }

  private func normals(_ count: Int, seed: UInt64) -> [Float] {
    var z = [Float](repeating: 0, count: count)
    unsafe hs_normal_rows_f32(seed, 1, 0, 1, count, count, &z)
    return z
  }

  @Test(arguments: [1, 2, 3, 4, 5, 6, 7, 8, 9, 16, 33, 70])
  func `nodes are sorted alike into kept, accepted and discarded`(d: Int) {
    let (groups, nodes) = (9, 9 * 16 - 5)
    let size = (2 * d + 1) * 16
    var bounds = normals(groups * size, seed: UInt64(d))
    for g in 0..<groups {
      for k in (d * 16)..<size { bounds[g * size + k] = bounds[g * size + k].magnitude * 0.3 }
    }
    // Widths without a number, without end, and none at all.
    bounds[3 * size + d * 16 + 2] = .nan
    bounds[4 * size + d * 16 + 3] = .infinity
    for j in d...(2 * d) { bounds[5 * size + j * 16 + 4] = 0 }
    let x = normals(d, seed: 99) + [Float](repeating: 0, count: 16)
    let list: [Int32] = [0, 2, 3, 4, 5, 8]
    for cutoff: Float in [-1, 0, 0.5, .nan, -.infinity] {
      let results = atEveryLevel {
        var kept = [Int32](repeating: -1, count: 6 * 16 + 16)
        var whole = kept
        var wholeCount = 0
        let count = unsafe hs_node_filter_f32(
          d, list.count, list, bounds, nodes, x, 1.5, cutoff, cutoff + 0.25, &kept, &whole,
          &wholeCount)
        return [Array(kept[..<count]), Array(whole[..<wholeCount])]
      }
      #expect(results.allSatisfy { $0 == results[0] })
    }
    var kept = [Int32](repeating: -1, count: 6 * 16 + 16)
    var whole = kept
    var wholeCount = 0
    let count = unsafe hs_node_filter_f32(
      d, list.count, list, bounds, nodes, x, 1.5, .nan, .nan, &kept, &whole, &wholeCount)
    #expect(wholeCount == 0 && count == 6 * 16 - 5)
    #expect(Array(kept[..<count]) == list.flatMap { g in (0..<16).map { g * 16 + $0 } }.dropLast(5))
  }

  @Test(arguments: [1, 2, 3, 5, 8, 13, 16, 17, 32, 40, 48, 64, 65, 100, 150])
  func `tiles give canonical values`(d: Int) {
    let rows = 5 * 16 - 3
    let stride = (d + 15) / 16 * 16
    var w = [Float](repeating: 0, count: rows * stride)
    var x = [Float](repeating: 0, count: stride)
    unsafe hs_normal_rows_f32(3, 1, 0, rows, d, stride, &w)
    unsafe hs_normal_rows_f32(4, 1, 0, 1, d, stride, &x)
    w[2 * stride] = .infinity
    w[7 * stride] = .nan
    let order = (0..<Int32(80)).map { $0 < rows ? $0 * 7 % Int32(rows) : -1 }
    var tiles = [Float](repeating: 0, count: 5 * 16 * d)
    for t in 0..<5 {
      unsafe tiles.withUnsafeMutableBufferPointer { tiles in
        unsafe order.withUnsafeBufferPointer { order in
          unsafe hs_tile_fill_f32(
            min(16, rows - 16 * t), d, stride, w, order.baseAddress! + 16 * t,
            tiles.baseAddress! + t * 16 * d)
        }
      }
    }
    let list: [Int32] = [4, 0, 1, 3]
    for b: Float in [-.infinity, -0.5, 0, 1] {
      var expected: [[UInt32]] = [[], []]
      for tile in list {
        for row in order[(Int(tile) * 16)..<(Int(tile) * 16 + 16)] where row >= 0 {
          let z = unsafe w.withUnsafeBufferPointer {
            unsafe hs_dot_f32(stride, $0.baseAddress! + Int(row) * stride, x)
          }
          if z > b {
            expected[0].append(UInt32(row))
            expected[1].append((z - b).bitPattern)
          }
        }
      }
      let results = atEveryLevel {
        var ids = [Int32](repeating: 0, count: 5 * 16)
        var values = [Float](repeating: 0, count: 5 * 16)
        let count = unsafe hs_tile_report_f32(
          d, list.count, list, tiles, order, x, b, &ids, &values)
        return [
          ids[..<count].map { UInt32(bitPattern: $0) }, values[..<count].map(\.bitPattern),
        ]
      }
      #expect(results.allSatisfy { $0 == expected })
    }
  }

  @Test(arguments: [0, 1, 24, 25, 300, 5000], [1, 5000, 1 << 12, 1 << 20, 1 << 23, 1 << 31])
  func `pairs come out in ascending order`(count: Int, m: Int) {
    guard count <= m else { return }
    // Distinct numbers, shuffled by a multiplication modulo m or a power of two above it.
    var ids: [Int32] = []
    var k = UInt64(1)
    while ids.count < count {
      k += 1
      let id = k &* 0x9E37_79B9_7F4A_7C15 >> 20 % UInt64(m)
      if count * 4 > m {
        ids = (0..<count).map { Int32(($0 * 7919) % m) }
      } else {
        ids.append(Int32(id))
      }
    }
    if count * 4 <= m { ids = Array(Set(ids)) }
    expectSorted(ids, of: m)
  }

  /// Pairs with these numbers, at every level; what lies behind the room asked for must stay.
  private func expectSorted(_ ids: [Int32], of m: Int) {
    let values = ids.map { Float($0) * 0.5 }
    let (n, words) = (ids.count, hs_sort_pairs_words(ids.count))
    let results = atEveryLevel {
      var scratch = [UInt64](repeating: 7, count: words + 8)
      var sortedIDs = [Int32](repeating: -7, count: n + 24)
      var sortedValues = [Float](repeating: -7, count: n + 24)
      unsafe hs_sort_pairs_f32(n, m, ids, values, &scratch, &sortedIDs, &sortedValues)
      #expect(scratch[words...].allSatisfy { $0 == 7 })
      #expect(sortedIDs[(n + 16)...].allSatisfy { $0 == -7 })
      #expect(sortedValues[(n + 16)...].allSatisfy { $0 == -7 })
      return (Array(sortedIDs.prefix(n)), Array(sortedValues.prefix(n)))
    }
    let expected = ids.sorted()
    for (sortedIDs, sortedValues) in results {
      #expect(sortedIDs == expected)
      #expect(sortedValues == expected.map { Float($0) * 0.5 })
    }
  }

  @Test func `pairs whose numbers crowd come out in ascending order`() {
    for n in [25, 40, 200, 1000, 4096] {
      // Neighbors, squares, a crowd and one far away, all but the crowd spread evenly.
      expectSorted((0..<n).map { Int32($0 * 7 % n) }.uniqued, of: 1 << 20)
      expectSorted((0..<n).map { Int32($0 * $0) }.reversed(), of: 1 << 25)
      expectSorted((0..<n).map { Int32($0) }.reversed() + [(1 << 28) - 1], of: 1 << 28)
      expectSorted((0..<n).map { Int32($0) } + [(1 << 28)], of: 1 << 30)
      for crowd in [17, 40, 70, 100] where crowd < n {
        let spread = (0..<n).map { Int32($0 < crowd ? 500_000 + $0 : 1000 * $0) }
        expectSorted(spread.uniqued.reversed(), of: 1 << 23)
      }
    }
  }

  @Test(arguments: [
    Int(HS_SORT_BUCKETS_FROM) - 1, Int(HS_SORT_BUCKETS_FROM), 33, 79, 80, 81, 1048, 5000,
  ])
  func `pairs drawn at random come out in ascending order`(n: Int) {
    // Some buckets get many more than others: shares of all numbers, and all of them, shuffled.
    var generator = SeededGenerator(seed: UInt64(n))
    for m in [n, 3 * n, 100 * n, Int(Int32.max)] {
      var ids: [Int32] = []
      var taken = Set<Int32>()
      if m == n { ids = (0..<Int32(n)).map { $0 } }
      while ids.count < n {
        let id = Int32(generator.below(m))
        if taken.insert(id).inserted { ids.append(id) }
      }
      for k in stride(from: n - 1, to: 0, by: -1) { ids.swapAt(k, generator.below(k + 1)) }
      expectSorted(ids, of: m)
      // The same behind a large number.
      if m < 1 << 30 { expectSorted(ids.map { $0 + (1 << 30) }, of: m + (1 << 30)) }
    }
  }

  @Test(arguments: [Int(HS_SORT_BUCKETS_TO), Int(HS_SORT_BUCKETS_TO) + 1])
  func `as many pairs as find room in buckets, and one more, come out in ascending order`(n: Int) {
    // Odd steps through a power of two meet every number once.
    expectSorted((0..<n).map { Int32(($0 * 0x9E375 + 77) % (1 << 20)) }, of: 1 << 20)
  }

  @Test func `neighbors among numbers far from each other come out in ascending order`() {
    // A bucket is wide: what it is sorted by first does not tell two or sixteen neighbors apart.
    for run in [2, 15, 17, 32, 33] {
      for backwards in [false, true] {
        let ids = (0..<(2000 / run)).flatMap { k in
          (0..<run).map { Int32(k * 7919 % 4001 * 400_000 + (backwards ? run - 1 - $0 : $0)) }
        }
        expectSorted(ids, of: 1 << 31)
        // At the ends of buckets, too.
        let ends = ids.map { $0 / 400_000 * 4096 + 4095 - Int32(run) / 2 + $0 % 400_000 }
        expectSorted(ends, of: 1 << 25)
      }
    }
  }

  @Test(arguments: [1, 63, 64, 65, 4096, 4097, 1 << 17, 1_000_003])
  func `numbers come out in ascending order and leave no bit`(m: Int) {
    for n in [0, 1, 2, 10, m / 100, m / 2, m] where n <= min(m, 20_000) {
      // Distinct: steps that are coprime to m. The same in a crowd.
      let spread = (0..<n).map { Int32(($0 * 7919 + m / 3) % m) }
      let crowd = (0..<n).map { Int32($0 * 13 % max(n, 1)) }
      for ids in [spread, crowd] where Set(ids).count == n { expectSorted(ids, below: m) }
    }
  }

  /// Numbers, at every level and twice; what lies behind the room asked for must stay.
  private func expectSorted(_ ids: [Int32], below m: Int) {
    let expected = ids.sorted()
    var bits = [UInt64](repeating: 0, count: hs_sort_ids_words(m))
    let n = ids.count
    for sorted in atEveryLevel({
      var scratch = [UInt64](repeating: 7, count: hs_sort_pairs_words(n) + 8)
      var sorted = [Int32](repeating: -7, count: n + 24)
      for _ in 0..<2 { unsafe hs_sort_ids(n, m, ids, &bits, &scratch, &sorted) }
      #expect(scratch.suffix(8).allSatisfy { $0 == 7 })
      return sorted
    }) {
      #expect(Array(sorted.prefix(n)) == expected)
      #expect(sorted[(n + 16)...].allSatisfy { $0 == -7 })
    }
    #expect(bits.allSatisfy { $0 == 0 })
  }

  @Test(arguments: [1, 15, 16, 17, 100, 257, 1000])
  func `ordering rows keeps them all and puts small ones first`(n: Int) {
    var w = [Float](repeating: 0, count: n * 16)
    unsafe hs_normal_rows_f32(3, 1, 0, n, 3, 16, &w)
    for r in 0..<n { w[r * 16 + 1] *= 3 }
    if n > 20 { w[17 * 16] = .nan }
    var order = (0..<Int32(n)).map { $0 }
    var keys = [UInt64](repeating: 0, count: n)
    unsafe hs_partition_rows(n, 3, 16, w, &order, &keys)
    #expect(order.sorted() == (0..<Int32(n)).map { $0 })
    var left = 16
    while 2 * left < n { left *= 2 }
    if n > 100 {
      let second = order.map { w[Int($0) * 16 + 1] }
      #expect(second[..<left].max()! <= second[left...].min()!)
    }
  }

  @Test func `a node holds its rows, with room for rounding`() {
    for scale: Float in [0x1p-140, 1e-20, 1, 1e30] {
      for d in [1, 3, 20] {
        let stride = (d + 15) / 16 * 16
        var w = [Float](repeating: 0, count: 40 * stride)
        unsafe hs_normal_rows_f32(UInt64(d), 1, 0, 40, d, stride, &w)
        w = w.map { $0 * scale }
        let order = (0..<Int32(40)).map { $0 }
        var node = [Float](repeating: 0, count: (2 * d + 1) * 16)
        let relative = 1e-5
        unsafe hs_node_cover_f32(40, d, relative, stride, w, order, &node)
        for r in 0..<40 {
          var (squares, centers) = (0.0, 0.0)
          for j in 0..<d {
            let center = Double(node[j * 16])
            let offset = (Double(w[r * stride + j]) - center).magnitude
            #expect(Double(node[(d + j) * 16]) >= offset + relative * (center.magnitude + offset))
            squares += offset * offset
            centers += center * center
          }
          let needed = squares.squareRoot() * (1 + relative) + relative * centers.squareRoot()
          #expect(Double(node[2 * d * 16]) >= needed)
        }
      }
    }
    var node = [Float](repeating: 0, count: 3 * 16)
    #expect(unsafe hs_node_include_f32(1, 1e-6, [.infinity], &node) == .infinity)
    #expect(node[16].isNaN && node[32].isNaN)
  }
}

extension Sequence where Element: Hashable {
  /// Every element once, in the order of their first appearance.
  fileprivate var uniqued: [Element] {
    var seen = Set<Element>()
    return filter { seen.insert($0).inserted }
  }
}
