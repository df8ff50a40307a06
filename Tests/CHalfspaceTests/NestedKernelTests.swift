// SPDX-License-Identifier: Apache-2.0
import CHalfspace
import Testing

extension Kernels {
  @Suite struct NestedKernelTests {
    private static let rowsPerTile = Int(HS_TILE_ROWS)

    /// What the definition of the levels says.
    private static let first: [Int32: [Double]] = [
      4: [5.5, 17.5, 30.5, 43.5, 58.5, 75.5, 96.5, 127.5],
      6: [1.5, 13.5, 25.5, 37.5, 49.5, 62.5, 79.5, 101.5],
    ]
    private static let step: [Double] = [3, 3, 3, 3, 3, 4, 5, 8]

    /// All levels, by code.
    private static func levels(_ bits: Int32) -> [Double] {
      let upper =
        bits == 4
        ? first[4]! : zip(first[6]!, step).flatMap { l, s in (0..<4).map { l + s * Double($0) } }
      return upper.reversed().map { -$0 } + upper
    }

    /// Runs `body` at every level and expects what the portable twin gives.
    private func expectSame<Result: Equatable>(_ body: () -> Result) {
      var outcomes: [Result] = []
      atEveryLevel { outcomes.append(body()) }
      for (level, outcome) in zip(availableLevels, outcomes) {
        #expect(outcome == outcomes[0], "\(levelName(level))")
      }
    }

    /// `rows` padded rows of d coordinates.
    private func padded(_ rows: Int, _ d: Int, seed: UInt64) -> (rows: [Float], stride: Int) {
      let stride = (d + 15) / 16 * 16
      var z = [Float](repeating: 0, count: rows * stride)
      unsafe hs_normal_rows_f32(seed, 3, 0, rows, d, stride, &z)
      return (z, stride)
    }

    /// The code of coordinate l of row r of a tile.
    private func code(_ bits: Int32, _ tile: [UInt8], row r: Int, _ l: Int) -> Int {
      let begin = l / 4 * hs_nested_group_bytes(bits)
      let c = 4 * r + l % 4
      let upper = Int(tile[begin + c % 64 + 64 * (c / 128)]) >> (c / 64 % 2 * 4) & 15
      guard bits == 6 else { return upper }
      let low = Int(tile[begin + 128 + c / 8]) >> (c % 8) & 1
      let high = Int(tile[begin + 160 + c / 8]) >> (c % 8) & 1
      return 4 * upper + 2 * high + low
    }

    /// Bytes from the fine codes of one row to the next.
    private func fineStride(_ bits: Int32, _ groups: Int) -> Int {
      bits == 4 ? 4 * groups + 16 : (4 * groups + 127) / 128 * 64
    }

    /// The fine code of coordinate l of a row, and what stands for zero.
    private func fineCode(_ bits: Int32, _ row: ArraySlice<UInt8>, _ l: Int) -> Int {
      guard bits == 6 else { return Int(row[row.startIndex + l]) }
      return Int(row[row.startIndex + l / 128 * 64 + l % 64]) >> (l / 64 % 2 * 4) & 15
    }

    @Test(arguments: [4, 6] as [Int32], [1, 4, 5, 16, 17, 33, 128, 200])
    func `codes take the nearest level and say what they leave out`(bits: Int32, d: Int) {
      let levels = Self.levels(bits)
      for (seed, factor) in [(1, 1), (2, 0x1p-139), (3, 1e37), (4, 40)] as [(UInt64, Float)] {
        var (rows, stride) = padded(9, d, seed: seed)
        for i in rows.indices { rows[i] *= factor }
        if seed == 4 {
          rows[0] = .nan
          rows[stride] = .infinity
          rows[2 * stride] = -.infinity
        }
        let groups = (d + 3) / 4
        let scale = max(factor / 40, 0x1p-120)
        let fineScale = scale / 8
        let fineStride = fineStride(bits, groups)
        let (zero, largest) = bits == 4 ? (128, 127.0) : (8, 7.0)
        expectSame {
          var coarse = [UInt8](repeating: 0xA5, count: groups * hs_nested_group_bytes(bits))
          let before = coarse
          var fine = [UInt8](repeating: 9, count: 9 * fineStride)
          var residuals = [Double](repeating: 0, count: 9)
          var fineResiduals = residuals
          var squares = residuals
          unsafe hs_nested_encode_f32(
            9, bits, groups, stride, rows, scale, 1 / scale, fineScale, 1 / fineScale, 50, &coarse,
            fineStride, &fine, &residuals, &fineResiduals, &squares)
          for row in 0..<Self.rowsPerTile where row < 50 || row > 58 {
            for l in 0..<(4 * groups) {
              #expect(code(bits, coarse, row: row, l) == code(bits, before, row: row, l))
            }
          }
          for row in 0..<9 where squares[row].isFinite {
            var sums = (0.0, 0.0)
            for l in 0..<(4 * groups) {
              let w = Double(rows[row * stride + l])
              let level = levels[code(bits, coarse, row: 50 + row, l)]
              let v = w / Double(scale)
              // Cuts between levels lie half a unit to the side where that is rounder.
              let nearest = levels.map { abs($0 - v) }.min()!
              #expect(abs(level - v) <= nearest + 1.01)
              let e = w - Double(scale) * level
              let k = Double(fineCode(bits, fine[(row * fineStride)...], l) - zero)
              #expect(
                abs(e / Double(fineScale) - k) < 0.501
                  || abs(k) == largest && abs(e) > (largest - 1) * Double(fineScale))
              sums.0 += e * e
              sums.1 += (e - Double(fineScale) * k) * (e - Double(fineScale) * k)
            }
            #expect(abs(sums.0 - residuals[row]) <= 1e-12 * sums.0)
            #expect(abs(sums.1 - fineResiduals[row]) <= 1e-9 * sums.0)
          }
          return coarse.map { UInt64($0) } + fine.map { UInt64($0) }
            + (residuals + fineResiduals + squares).map { $0.isNaN ? 1 : $0.bitPattern }
        }
      }
    }

    /// Random bytes, extreme ones among them.
    private func bytes(_ count: Int, seed: UInt64) -> [UInt8] {
      var generator = seed
      return (0..<count).map { _ in
        generator = generator &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        let byte = UInt8(truncatingIfNeeded: generator >> 56)
        return generator >> 40 & 15 == 0 ? 255 : byte
      }
    }

    /// A plane of a query with the padding that filters read.
    private func plane(_ groups: Int, seed: UInt64) -> [Int8] {
      let padding = Int(HS_NESTED_PADDING)
      return bytes(4 * groups, seed: seed).map { Int8(bitPattern: $0) }
        + [Int8](repeating: 0, count: (padding - 4 * groups % padding) % padding)
    }

    @Test(arguments: [4, 6] as [Int32], [1, 2, 4, 5, 8, 16, 40])
    func `coarse filters keep what the definition keeps`(bits: Int32, groups: Int) {
      let levels = Self.levels(bits)
      let (high, low) = (plane(groups, seed: 2), plane(groups, seed: 3))
      for m in [0, 1, 63, 64, 65, 400] {
        let tiles = (m + 63) / 64
        let size = groups * hs_nested_group_bytes(bits)
        let coarse = bytes(tiles * size, seed: 1)
        let marks = bytes(tiles * 64, seed: 5)
        let spread = 2_000_000 * Int(Double(groups).squareRoot())
        var thresholds = (0..<tiles).map { Int32(($0 * 791_999) % (2 * spread) - spread) }
        var margins = (0..<tiles).map { Float($0 * 37 % 11) * 300 }
        if tiles > 5 {
          thresholds[0] = .max
          thresholds[1] = .min
          thresholds[2] = .min + 5
          (thresholds[3], margins[3]) = (.max, .infinity)
          (thresholds[4], margins[4]) = (7, .nan)
        }
        for factor: Float in [0, 0.5, 20, 1e30] {
          expectSame {
            var rows = [Int32](repeating: -1, count: 64 * tiles + 16)
            var sums = rows
            let kept = unsafe hs_nested_coarse(
              m, tiles, bits, groups, coarse, marks, margins, factor, high, low, thresholds, 1000,
              &rows, &sums)
            for k in 0..<kept {
              let row = Int(rows[k]) - 1000
              let tile = Array(coarse[(row / 64 * size)..<((row / 64 + 1) * size)])
              let sum = (0..<(4 * groups)).reduce(0.0) { sum, l in
                let level = levels[code(bits, tile, row: row % 64, l)]
                return sum + (level + 127.5) * Double(256 * Int(high[l]) + Int(low[l]))
              }
              #expect(Double(sums[k]) == sum)
            }
            let skips = tiles > 5 && factor > 0
            #expect(!skips || rows[..<kept].contains { $0 - 1000 >= 192 && $0 - 1000 < 256 })
            return Array(rows[..<kept]) + Array(sums[..<kept])
          }
        }
      }
    }

    @Test(arguments: [4, 6] as [Int32], [1, 2, 4, 5, 8, 9, 16, 40])
    func `fine filters keep what the definition keeps`(bits: Int32, groups: Int) {
      let (high, low) = (plane(groups, seed: 2), plane(groups, seed: 3))
      let fineStride = fineStride(bits, groups)
      let fine = bytes(64 * 4 * fineStride + Int(HS_NESTED_PADDING), seed: 1)
      let marks = bytes(64 * 4, seed: 7)
      for count in [0, 1, 37, 130] {
        // Ascending rows of tiles 1...3.
        let rows = (0..<count).map { Int32(64 + $0 * 191 / max(1, count)) }
        let sums = (0..<count).map { Int32($0 * 7_919_993 % 4_000_000 - 2_000_000) }
        let tiles = (0..<16).map { [5, 2, 0.01, 0.003][$0 % 4] + Double($0) * 1e-4 }
        var query = hs_nested_query_t(
          norm: 1, slack: 0.01, scale: 0.7, coarse_offset: 12.5, fine_offset: 100)
        for (b, thresholds) in [
          (0, [0, 0, 0]), (100, [0, .min, 3]), (-.infinity, [0, 0, 0]), (.nan, [1, 2, 3]),
        ] as [(Double, [Int32])] {
          expectSame {
            var kept = rows + [Int32](repeating: 0, count: 16)
            let found = unsafe hs_nested_fine(
              count, &kept, sums, bits, groups, fineStride, fine, marks, high, low, &query, b, 1,
              3, tiles, thresholds)
            #expect(b.isFinite || found == count)
            let reported = Set(kept[..<found])
            for (k, row) in rows.enumerated() where b.isFinite {
              let f = (0..<(4 * groups)).reduce(0.0) {
                $0 + Double(fineCode(bits, fine[(Int(row) * fineStride)...], $1))
                  * Double(256 * Int(high[$1]) + Int(low[$1]))
              }
              let p = Array(tiles[(4 * (Int(row) / 64))...].prefix(4))
              let value = p[2] * 0.7 * (Double(sums[k]) - 12.5) + p[3] * 0.7 * (f - 100)
              let cutoff = b - p[1] * 0.01 - Double(marks[Int(row)]) * p[0]
              guard abs(value - cutoff) > 1e-6 else { continue }
              let isKept = value > cutoff || thresholds[Int(row) / 64 - 1] == .min
              #expect(reported.contains(row) == isKept)
            }
            return Array(kept[..<found])
          }
        }
      }
    }
  }
}
