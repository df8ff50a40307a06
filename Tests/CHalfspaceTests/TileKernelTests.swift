// SPDX-License-Identifier: Apache-2.0
import CHalfspace
import Testing

extension Kernels {
  @Suite struct TileKernelTests {
    static let rowsPerTile = Int(HS_TILE_ROWS)

    /// Runs `body` at every level and expects what the portable twin gives.
    private func expectSame<Result: Equatable>(_ body: () -> Result) {
      var outcomes: [Result] = []
      atEveryLevel { outcomes.append(body()) }
      for (level, outcome) in zip(availableLevels, outcomes) {
        #expect(outcome == outcomes[0], "\(levelName(level))")
      }
    }

    private func normals(_ count: Int, seed: UInt64) -> [Float] {
      let padded = (count + 15) / 16 * 16
      var z = [Float](repeating: 0, count: padded)
      unsafe hs_normal_rows_f32(seed, 3, 0, 1, padded, padded, &z)
      return Array(z[..<count])
    }

    /// `rows` padded rows of d coordinates.
    private func padded(_ rows: Int, _ d: Int, seed: UInt64) -> (rows: [Float], stride: Int) {
      let stride = (d + 15) / 16 * 16
      var z = [Float](repeating: 0, count: rows * stride)
      unsafe hs_normal_rows_f32(seed, 3, 0, rows, d, stride, &z)
      return (z, stride)
    }

    @Test func `the largest magnitude leaves out what is not finite`() {
      for count in [0, 1, 15, 16, 17, 100] {
        var a = normals(count, seed: 1)
        if count > 20 {
          a[3] = .nan
          a[7] = -.infinity
          a[9] = -77
        }
        expectSame { unsafe hs_largest_f32(count, a) }
        let expected = a.filter(\.isFinite).map(abs).max() ?? 0
        #expect(unsafe hs_largest_f32(count, a) == expected)
      }
    }

    @Test(arguments: [1, 4, 5, 16, 17, 33, 128])
    func `codes and residuals are those of the definition`(d: Int) {
      for (seed, factor) in [(1, 1), (2, 0x1p-139), (3, 1e37), (4, 40)] as [(UInt64, Float)] {
        var (rows, stride) = padded(9, d, seed: seed)
        for i in rows.indices { rows[i] *= factor }
        if seed == 4 {
          rows[0] = .nan
          rows[stride] = .infinity
          rows[2 * stride] = -.infinity
        }
        let groups = (d + 3) / 4
        let largest = unsafe hs_largest_f32(rows.count, rows)
        let scale = seed == 4 ? 0.125 : max(largest / 127, 0x1p-120)
        expectSame {
          var codes = [UInt8](repeating: 9, count: 4 * groups * Self.rowsPerTile)
          var residuals = [Double](repeating: 0, count: 9)
          var squares = residuals
          unsafe hs_tile_encode_f32(
            9, groups, stride, rows, scale, 1 / scale, 50, &codes, &residuals, &squares)
          for row in 0..<9 where squares[row].isFinite {
            // The residual by its meaning.
            let e = (0..<d).map { l -> Double in
              let code = Int(codes[(l / 4 * Self.rowsPerTile + 50 + row) * 4 + l % 4])
              return Double(rows[row * stride + l]) - Double(scale) * Double(code - 128)
            }
            let residual = e.reduce(0) { $0 + $1 * $1 }
            #expect(abs(residual - residuals[row]) <= 1e-12 * residual)
            if seed < 4 {
              #expect(residual.squareRoot() <= Double(scale) * 0.5001 * Double(d).squareRoot())
            }
          }
          return codes.map { UInt64($0) }
            + (residuals + squares).map { $0.isNaN ? 1 : $0.bitPattern }
        }
      }
    }

    @Test(arguments: [1, 3, 16, 17, 70, 300])
    func `a query's planes are those of the definition`(d: Int) {
      for isDouble in [false, true] {
        let (x, stride) = padded(1, d, seed: 5)
        let groups = (d + 3) / 4
        let largest: Float = isDouble ? 32639 : 127
        let scale = unsafe hs_largest_f32(d, x) / largest
        expectSame {
          var high = [Int8](repeating: 7, count: 4 * groups)
          var low = high
          var sum: Int32 = 0
          let residual = unsafe low.withUnsafeMutableBufferPointer {
            unsafe hs_query_encode_f32(
              groups, stride, x, scale, 1 / scale, &high, isDouble ? $0.baseAddress : nil, &sum)
          }
          let numbers = (0..<(4 * groups)).map {
            isDouble ? 256 * Int32(high[$0]) + Int32(low[$0]) : Int32(high[$0])
          }
          #expect(numbers.reduce(0, +) == sum)
          #expect(numbers.map(abs).max()! <= Int32(largest))
          let exact = (0..<d).map { Double(x[$0]) - Double(scale) * Double(numbers[$0]) }
            .reduce(0) { $0 + $1 * $1 }
          #expect(abs(exact - residual) <= 1e-12 * exact)
          return numbers + [sum, Int32(truncatingIfNeeded: residual.bitPattern)]
        }
      }
    }

    @Test(arguments: [1, 4, 13, 17, 33, 61, 70, 130])
    func `queries encoded together are those encoded one by one`(d: Int) {
      var dice = Dice(seed: 41)
      let (groups, stride) = ((d + 3) / 4, (d + 15) / 16 * 16)
      for n in [0, 1, 5, 16, 35] {
        var rows = (0..<n).flatMap { _ in
          (0..<stride).map { $0 < d ? dice.normal() : 0 }
        }
        if n > 3 { (rows[stride], rows[2 * stride], rows[3 * stride]) = (.nan, .infinity, 1e30) }
        let x = Block(rows)
        for isDouble in [false, true] {
          expectSameBitsAtEveryLevel("\(n) queries of \(d), two planes: \(isDouble)") {
            let (squares, largest) = (Block(n, of: Float(3)), Block(n, of: Float(3)))
            unsafe hs_query_sizes_f32(n, stride, x.start, squares.start, largest.start)
            let scales = Block((0..<n).map { Swift.max(largest[$0] / 127, 0x1p-60) })
            var high = [Int8](repeating: 7, count: n * 4 * groups)
            var low = high
            var sums = [Int32](repeating: 0, count: n)
            var residuals = [Double](repeating: 0, count: n)
            unsafe low.withUnsafeMutableBufferPointer {
              unsafe hs_queries_encode_f32(
                n, groups, stride, x.start, scales.start, &high, isDouble ? $0.baseAddress : nil,
                &sums, &residuals)
            }
            for i in 0..<n {
              let row = unsafe x.start + i * stride
              let square = unsafe hs_dot_f32(stride, row, row)
              #expect(square == squares[i] || square.isNaN && squares[i].isNaN)
              #expect(unsafe hs_largest_f32(stride, row) == largest[i])
              var one = [Int8](repeating: 7, count: 4 * groups)
              var more = one
              var sum: Int32 = 0
              let residual = unsafe more.withUnsafeMutableBufferPointer {
                unsafe hs_query_encode_f32(
                  groups, stride, row, scales[i], 1 / scales[i], &one,
                  isDouble ? $0.baseAddress : nil, &sum)
              }
              let own = i * 4 * groups..<(i + 1) * 4 * groups
              #expect(one == Array(high[own]) && more == Array(low[own]) && sum == sums[i])
              #expect(residual == residuals[i] || residual.isNaN && residuals[i].isNaN)
            }
            var outcome = Outcome(squares)
            outcome.add(largest)
            outcome.add(Block(high.map { Int32($0) }))
            outcome.add(Block(low.map { Int32($0) }))
            outcome.add(Block(sums))
            return outcome
          }
        }
      }
    }

    @Test func `thresholds are those of the definition, missing numbers included`() {
      let numbers: [Double] = [
        0, 1, 0.1, -3, 7.5, 1e10, 1e38, 1e300, .infinity, .nan, 0x1p-140, 12, 0.3, 2, 90,
      ]
      for count in [1, 2, 7, 8, 9, 20] {
        for n in [1, 2, 7, 8, 9, 17] {
          let tiles = (0..<(4 * count)).map { numbers[($0 * $0 + count) % numbers.count] }
          let list = (0..<count).map { Int32(($0 * 5 + 3) % count) }
          let queries = (0..<(6 * n)).map { numbers[($0 * 7 + $0 / 3 + n) % numbers.count] }
          for b: Double in [-.infinity, -1, 0, 0.5, 100, 1e38] {
            expectSame {
              var thresholds = [Int32](repeating: 5, count: count * n)
              let pruned = unsafe hs_tile_thresholds(
                count, nil, n, tiles, queries, b, 1e37, &thresholds)
              #expect(pruned == thresholds.count { $0 == .max })
              var listed = thresholds
              unsafe hs_tile_thresholds(count, list, n, tiles, queries, b, 1e37, &listed)
              for (t, tile) in list.enumerated() {
                #expect(
                  listed[(t * n)..<(t * n + n)] == thresholds[(Int(tile) * n)..<(Int(tile) * n + n)]
                )
              }
              return thresholds
            }
          }
        }
      }
    }

    @Test func `thresholds of ordinary tiles are those of the definition, the ends included`() {
      // E, R, 1 / s and S: ordinary, pruned on some queries and on all, overflowing on some, not numbers, far
      // below and above the range, with a rest, negative.
      let tiles: [Double] = [
        0.03, 4.5, 30, 0, 0.02, 3.3, 33, 0, 0.01, 1, 90, 0, 0.1, 4e36, 1e-30, 0, .nan, 4, 30, 0,
        0.1, .nan, 30, 0, .infinity, 4, 30, 0, 0.1, .infinity, 30, 0, 1e9, 4, 30, 0, -1e9, 4, 30, 0,
        0.03, 4, 1e12, 0, 0.03, 4, .infinity, 0, 0.03, 4, 30, 0.5, 0.03, -4, 30, 0, 0, 4, 30, 0,
      ]
      for n in [1, 7, 8, 9, 64, 70] {
        // X, G, 1 / t, o, H and Y of each.
        var ordinary: [Double] = []
        ordinary += (0..<n).map { 1 + Double($0 % 5) / 16 }
        ordinary += (0..<n).map { 0.01 + Double($0 % 7) / 100 }
        ordinary += (0..<n).map { 200 + Double($0 % 11) }
        ordinary += (0..<n).map { Double($0 % 13 * 128 - 700) }
        ordinary += (0..<n).map { _ in 0 }
        ordinary += (0..<n).map { 1 + Double($0 % 3) }
        // One query out of the ordinary: in its reach, its norm, or its rest.
        for (kind, number): (Int, Double) in [
          (5, 1), (5, .infinity), (5, .nan), (0, .nan), (0, .infinity), (1, .nan), (4, 0.25),
          (4, .nan),
        ] {
          var queries = ordinary
          queries[kind * n + n / 2] = number
          for b: Double in [3.3, 0, -1, 1e38, .infinity] {
            expectSame {
              var thresholds = [Int32](repeating: 5, count: tiles.count / 4 * n)
              let pruned = unsafe hs_tile_thresholds(
                tiles.count / 4, nil, n, tiles, queries, b, 1e37, &thresholds)
              #expect(pruned == thresholds.count { $0 == .max })
              return thresholds
            }
          }
        }
      }
    }

    /// Tiles and queries of random bytes, extreme ones among them.
    private func bytes(_ count: Int, seed: UInt64) -> [UInt8] {
      var generator = seed
      return (0..<count).map { _ in
        generator = generator &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        let byte = UInt8(truncatingIfNeeded: generator >> 56)
        return generator >> 40 & 15 == 0 ? 255 : byte
      }
    }

    private func span(ofTile tile: Int, _ codes: [UInt8], _ groups: Int) -> Int32 {
      let own = Array(codes[(tile * 256 * groups)..<((tile + 1) * 256 * groups)])
      return unsafe hs_tile_span(groups, own, 0, 64)
    }

    @Test(arguments: [1, 2, 15, 16, 17, 40])
    func `the span of rows is that of their largest half of a part`(groups: Int) {
      let codes = bytes(256 * groups, seed: 4)
      for (slot, n) in [(0, 64), (0, 1), (17, 1), (15, 2), (40, 24), (9, 0)] {
        expectSame { unsafe hs_tile_span(groups, codes, slot, n) }
      }
      let q = bytes(4 * groups, seed: 5).map { Int8(bitPattern: $0) / 2 }
      let parts = 1 + (groups + Int(HS_TILE_PART) - 1) / Int(HS_TILE_PART)
      var starts = [Int32](repeating: 0, count: parts)
      let span = unsafe hs_query_starts(groups, q, &starts)
      #expect(Int(starts[0]) == 128 * q.reduce(0) { $0 + Int($1) })
      var largest = 0
      for part in 1..<parts {
        let size = 4 * Int(HS_TILE_PART)
        let own = Array(q[(size * (part - 1))..<min(q.count, size * part)])
        for half in 0..<2 {
          let numbers = own.indices.filter { $0 % 4 / 2 == half }.map { Int(own[$0]) }
          let start = Int16(truncatingIfNeeded: starts[part] >> (16 * half))
          #expect(start == Int16(truncatingIfNeeded: -128 * numbers.reduce(0, +)))
          largest = max(largest, numbers.reduce(0) { $0 + $1 * $1 })
        }
      }
      #expect(Int(span) == largest)
      var large = q
      large[0] = 65
      #expect(unsafe hs_query_starts(groups, large, &starts) == .max)
    }

    @Test(arguments: [1, 2, 5, 16, 40])
    func `filters keep what the definition keeps`(groups: Int) {
      for m in [0, 1, 63, 64, 65, 200] {
        let tiles = (m + 63) / 64
        let codes = bytes(tiles * 64 * 4 * groups, seed: 1)
        let rows = [Float](repeating: 1, count: m * 16)
        for n in [1, 2, 3, 5, 6, 7, 13] {
          // -128 as well, which callers do not use.
          let q = bytes(n * 4 * groups, seed: 2).map { Int8(bitPattern: $0) }
          let low = bytes(4 * groups, seed: 3).map { Int8(bitPattern: $0) }
          let spread = 15_000 * Int(Double(groups).squareRoot())
          var thresholds = (0..<(tiles * n)).map { Int32(($0 * 7919) % (2 * spread) - spread) }
          if tiles > 2 {
            thresholds[0] = .max
            thresholds[n] = .min
          }
          // With a span that says nothing, and with numbers so small that sums fit 16 bits.
          let small = q.map { $0 / 16 }
          let spans = (0..<tiles).map { span(ofTile: $0, codes, groups) }
          for (numbers, isSmall) in [(q, false), (small, false), (small, true)] {
            expectSame {
              let capacity = m + 16
              let parts = 1 + (groups + Int(HS_TILE_PART) - 1) / Int(HS_TILE_PART)
              var starts = [Int32](repeating: 0, count: n * parts)
              var span: Int32 = 0
              for k in 0..<n {
                let own = Array(numbers[(4 * groups * k)..<(4 * groups * (k + 1))])
                var ownStarts = [Int32](repeating: 0, count: parts)
                span = max(span, unsafe hs_query_starts(groups, own, &ownStarts))
                starts.replaceSubrange((k * parts)..<((k + 1) * parts), with: ownStarts)
              }
              if isSmall {
                #expect(spans.allSatisfy { Int64($0) * Int64(span) <= 32767 * 32767 })
              }
              var counts = [Int32](repeating: 0, count: n)
              var candidates = [Int32](repeating: -1, count: n * capacity)
              unsafe hs_tile_filter_batch(
                m, groups, codes, spans, n, numbers, starts, isSmall ? span : .max, thresholds,
                1000, 16, rows, Int32(n % 3), capacity, &counts, &candidates)
              return (0..<n).map { k in
                [counts[k]] + candidates[(k * capacity)...].prefix(Int(counts[k]))
              }
            }
          }
          let wide = (0..<tiles).map { thresholds[$0 * n] == .min ? .min : thresholds[$0 * n] << 7 }
          expectSame {
            var candidates = [Int32](repeating: -1, count: m + 16)
            let kept = unsafe hs_tile_filter_one(
              m, tiles, nil, groups, codes, q, low, wide, nil, 7, 16, rows, &candidates)
            return Array(candidates[..<kept])
          }
          // Listed tiles, rows by number.
          let list = (0..<tiles).map { Int32(($0 * 3 + 1) % tiles) }
          let numbers = (0..<(64 * tiles)).map { $0 < m ? Int32(($0 * 29) % m) : -1 }
          expectSame {
            var candidates = [Int32](repeating: -1, count: 64 * tiles + 16)
            let kept = unsafe hs_tile_filter_one(
              m, tiles, list, groups, codes, q, low, wide, numbers, 7, 16, rows, &candidates)
            return Array(candidates[..<kept])
          }
        }
      }
    }
  }
}
