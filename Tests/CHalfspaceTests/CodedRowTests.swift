// SPDX-License-Identifier: Apache-2.0
import CHalfspace
import Testing

extension Kernels {
  /// Rows that move while codes stand for them.
  @Suite struct CodedRowTests {
    private static let m = 200
    private static let tiles = (m + Int(HS_TILE_ROWS) - 1) / Int(HS_TILE_ROWS)

    /// Rows of d coordinates, padded with zeros; a few with what no code stands for.
    private func rows(_ d: Int, _ stride: Int, _ dice: inout Dice) -> Block<Float> {
      Block(
        (0..<Self.m).flatMap { r -> [Float] in
          var row = (0..<d).map { _ in dice.normal() }
          if r % 50 == 3 { row[r % d] = [.nan, .infinity, -.infinity, 1e30][r / 50] }
          return row + [Float](repeating: 0, count: stride - d)
        })
    }

    private func codeIndex(_ r: Int, _ l: Int, groups: Int) -> Int {
      let slot = (r / 64 * groups + l / 4) * 64 + r % 64
      return slot * 4 + l % 4
    }

    /// The canonical square of what the codes of a row leave out.
    private func error(
      _ r: Int, _ w: Block<Float>, _ stride: Int, groups: Int, scale: Float, _ codes: [UInt8]
    ) -> Float {
      let e = Block(
        (0..<stride).map { l -> Float in
          let k = l < 4 * groups ? Int(codes[codeIndex(r, l, groups: groups)]) - 128 : 0
          return w[r * stride + l].addingProduct(Float(k), -scale)
        })
      return unsafe hs_dot_f32(stride, e.start, e.start)
    }

    @Test(arguments: [1, 4, 13, 16, 17, 20, 32, 33, 70])
    func `codes that no longer stand for rows are found and renewed`(d: Int) {
      var dice = Dice(seed: 62)
      let stride = (d + 15) / 16 * 16
      let groups = (d + 3) / 4
      let w = rows(d, stride, &dice)
      let codes = (0..<(Self.tiles * 256 * groups)).map { _ in UInt8(dice.below(256)) }
      // The same rows the other way around, with names.
      let names = Block((0..<Int32(Self.m)).reversed())
      let reversed = Block(
        (0..<Self.m).flatMap { r in
          w.elements[(Self.m - 1 - r) * stride..<(Self.m - r) * stride]
        })
      for count in [0, 1, 15, 16, 17, 130, Self.m] {
        let ids = Block((0..<count).map { Int32($0 * Self.m / max(1, count)) })
        // Limits that some rows are within, others beyond, and one exactly at.
        let tiles = (0..<Self.tiles).map { t -> hs_coded_tile_t in
          let scale: Float = t == 1 ? 0x1p-7 : 0.03
          let at = error(64 * t, w, stride, groups: groups, scale: scale, codes)
          return hs_coded_tile_t(
            scale: scale, limit: t == 1 ? at : at * 1.2, reach: Float(t) * 2, room: 0.5,
            small: t == 3 ? 1000 : 0.6, renewals: t == 2 ? 3 : 1000)
        }
        let expected = ids.elements.filter { id in
          let tile = tiles[Int(id) / 64]
          let e = error(Int(id), w, stride, groups: groups, scale: tile.scale, codes)
          return !(e <= tile.limit)
        }
        expectSameBitsAtEveryLevel("\(d) columns, \(count) rows") {
          let beyond = Block(count, of: Int32(-1))
          let slacks = Block(Self.tiles * 64, of: Float(-7))
          let found = unsafe hs_codes_beyond_f32(
            count, ids.start, nil, stride, w.start, groups, codes, tiles, slacks.start,
            beyond.start)
          #expect(Array(beyond.elements.prefix(found)) == expected)
          checkSlacks(slacks, of: ids.elements, w, stride, groups, tiles, codes)
          let compared = Block(slacks.elements)
          let named = Block(count, of: Int32(-1))
          let foundByName = unsafe hs_codes_beyond_f32(
            count, ids.start, names.start, stride, reversed.start, groups, codes, tiles,
            slacks.start, named.start)
          #expect(foundByName == found && named.elements == beyond.elements)
          #expect(slacks.elements.map(\.bitPattern) == compared.elements.map(\.bitPattern))

          var (renewed, after) = (codes, tiles)
          // In the last tile one row's norm, or two rows', are above what is small, and fall below it.
          let large = expected.filter { $0 >= 192 }.prefix(count % 2 + 1)
          let norms = Block(
            (0..<Self.tiles * 64).map { large.contains(Int32($0)) ? 2000 : Float($0 % 7) })
          var bounds = [Double](repeating: 1, count: 4 * Self.tiles)
          let outgrown = Block(found, of: Int32(-1))
          let isNamed = count % 3 == 1
          let left = unsafe hs_renew_codes_f32(
            found, beyond.start, isNamed ? names.start : nil, stride,
            isNamed ? reversed.start : w.start, groups, &after, &renewed, norms.start,
            slacks.start, &bounds, outgrown.start)
          checkSlacks(slacks, of: expected, w, stride, groups, tiles, renewed)
          check(w, stride, groups, expected, renewed, norms, bounds)
          let grown = Array(outgrown.elements[..<left]).filter { $0 >= 192 }
          #expect(grown == Array(large.suffix(1)))
          var outcome = Outcome()
          outcome.add(beyond, first: found)
          outcome.add(outgrown, first: left)
          outcome.add(norms)
          outcome.add(compared)
          outcome.add(slacks)
          outcome.add(Block(renewed.map { Int32($0) }))
          outcome.add(Block(after.map(\.renewals)))
          outcome.add(Block(bounds.map { Float($0) }))
          return outcome
        }
      }
    }

    /// Slacks of these rows are what their definition says; others have not been touched.
    private func checkSlacks(
      _ slacks: Block<Float>, of ids: [Int32], _ w: Block<Float>, _ stride: Int, _ groups: Int,
      _ tiles: [hs_coded_tile_t], _ codes: [UInt8]
    ) {
      for id in ids {
        let (r, tile) = (Int(id), tiles[Int(id) / 64])
        let e = error(r, w, stride, groups: groups, scale: tile.scale, codes)
        let slack = tile.reach.addingProduct(e.squareRoot(), -(1 + 0x1p-18))
        #expect(slacks[r] == slack || slacks[r].isNaN && slack.isNaN)
      }
    }

    @Test func `slack that moves use up is found`() {
      let largest = Float.greatestFiniteMagnitude
      let numbers: [Float] = [
        0, 1, 0x1p-149, 3 * 0x1p-130, 0.3, 1.5, largest, -1, .infinity, -.infinity, .nan,
      ]
      var (slacks, moves, rows): ([Float], [Float], [Int32]) = ([], [], [])
      for slack in numbers {
        for move in numbers + [slack.nextUp, slack.nextDown, slack] {
          // A row is listed by its number, not by its place.
          rows.append(Int32(2 * slacks.count + 1))
          slacks.append(slack)
          moves.append(move)
        }
      }
      let room = Block(slacks.flatMap { [-5, $0] })
      let spent = Block(rows.count, of: Int32(-1))
      let found = unsafe hs_spend_slack_f32(
        rows.count, rows, moves, room.start, spent.start)
      var expected: [Int32] = []
      for (k, row) in rows.enumerated() {
        let left = room[Int(row)]
        #expect(room[Int(row) - 1] == -5)
        if !(left >= 0) || !(moves[k] >= 0) {
          expected.append(row)
          // Nothing is listed that has as much as a thousandth left.
          if slacks[k].isFinite && moves[k] >= 0 { #expect(!(moves[k] < 0.999 * slacks[k])) }
        } else if slacks[k].isFinite {
          // Differences are exact in Double, or near enough to tell.
          #expect(Double(left) <= Double(slacks[k]) - Double(moves[k]))
          #expect(Double(left) >= (Double(slacks[k]) - Double(moves[k])) * (1 - 1e-6))
        }
      }
      #expect(Array(spent.elements.prefix(found)) == expected)
    }

    /// Renewed codes are those of the encoder, and bounds hold.
    private func check(
      _ w: Block<Float>, _ stride: Int, _ groups: Int, _ ids: [Int32], _ codes: [UInt8],
      _ norms: Block<Float>, _ bounds: [Double]
    ) {
      for id in ids {
        let (r, tile) = (Int(id), Int(id) / 64)
        let scale: Float = tile == 1 ? 0x1p-7 : 0.03
        var own = [UInt8](repeating: 0, count: 256 * groups)
        var (residual, square) = (0.0, 0.0)
        unsafe hs_tile_encode_f32(
          1, groups, stride, w.start + r * stride, scale, 1 / scale, r % 64, &own, &residual,
          &square)
        for l in 0..<(4 * groups) {
          let at = (l / 4 * 64 + r % 64) * 4 + l % 4
          #expect(codes[codeIndex(r, l, groups: groups)] == own[at])
        }
        guard square.isFinite else { continue }
        #expect(Double(norms[r]) >= square.squareRoot() + 0.5)
        #expect(bounds[4 * tile + 1] >= Double(norms[r]) + bounds[4 * tile])
      }
    }
  }
}
