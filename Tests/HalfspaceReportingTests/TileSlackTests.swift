// SPDX-License-Identifier: Apache-2.0
import CHalfspace
import HalfspaceLinalg
import Testing

@testable import HalfspaceReporting

/// Short rows that move while their codes stay, as far as their slack allows.
@Suite struct TileSlackTests {
  /// How far a row is from what its codes stand for.
  private func error(_ row: Int, _ index: CertifiedTileIndex) -> Double {
    let codes = index.codes
    let (tile, slot) = row.quotientAndRemainder(dividingBy: TileCodes.rowsPerTile)
    let scale = unsafe Double(codes.rooms[tile].scale)
    var square = 0.0
    for l in 0..<codes.columns {
      let at = tile * codes.tileByteCount + (l / 4 * TileCodes.rowsPerTile + slot) * 4 + l % 4
      let number = unsafe Double(Int(codes.codes[at]) - 128)
      let e = Double(index.weights[row, l]) - scale * number
      square += e * e
    }
    return square.squareRoot()
  }

  /// Moves some rows, by lengths of any size. Returns which, and upper bounds of how far.
  private func moveSome(
    of weights: Matrix, _ lengths: [Float], _ generator: inout SeededGenerator
  ) -> (rows: [Int32], distances: [Float]) {
    let rows = (0..<weights.rows).filter { _ in generator.below(3) == 0 }
    let distances = rows.map { row in
      let length = lengths[generator.below(lengths.count)]
      return move(row, of: weights, by: length, &generator)
    }
    return (rows.map(Int32.init), distances)
  }

  @Test(arguments: [1, 6, 17, 32])
  func `codes are within their bounds, and slacks within what is left of them`(d: Int) {
    let weights = gaussian(200, d, seed: 5)
    weights.setRow(9, to: [Float](repeating: 0, count: d))
    weights.setRow(150, to: [Float](repeating: 1e-30, count: d))
    let queries = gaussian(10, d, seed: 6, scale: 1 / Float(d).squareRoot())
    var index = CertifiedTileIndex(weights)
    var other = CertifiedTileIndex(weights)
    var generator = SeededGenerator(seed: 8)
    var report = FiringReport()
    var otherReport = FiringReport()
    var kept = 0
    for step in 0..<80 {
      let before = (0..<200).map { unsafe index.codes.slacks[$0] }
      let (rows, distances) = moveSome(of: weights, [1e-4, 0.004, 0.004, 0.02, 0.3], &generator)
      // Now and then it is not known how far.
      tell(&index, rows, step % 7 == 6 ? nil : distances)
      tell(&other, rows)
      for row in 0..<200 {
        let error = error(row, index)
        let bound = unsafe index.codes.bounds[4 * (row / TileCodes.rowsPerTile)]
        #expect(error <= bound)
        let slack = unsafe Double(index.codes.slacks[row])
        #expect(slack < 0 || error + slack <= bound)
      }
      for (row, distance) in zip(rows, distances) {
        let left = before[Int(row)] - distance
        if unsafe left >= 0 && abs(index.codes.slacks[Int(row)] - left) <= 1e-6 * before[Int(row)] {
          kept += 1
        }
      }
      index.report(queries: queries, above: 1.5, into: &report)
      other.report(queries: queries, above: 1.5, into: &otherReport)
      #expect(Oracle(report) == Oracle(otherReport))
      #expect(
        Oracle(report) == Oracle(weights: weights, queries: queries, rows: 0..<10, above: 1.5))
    }
    // Small steps are only noted.
    #expect(kept > 500)
  }

  @Test func `rows near infinity are compared whenever they move`() {
    let largest = Float.greatestFiniteMagnitude
    let weights = gaussian(70, 5, seed: 5)
    for row in 64..<70 { weights.setRow(row, to: [Float](repeating: largest, count: 5)) }
    let queries = Matrix(rows: 1, columns: 5)
    queries.setRow(0, to: [1e-38, 0, 0, 0, 0])
    var index = CertifiedTileIndex(weights, nonFinite: .decided)
    var report = FiringReport()
    tell(&index, [0], [0])
    for row in 64..<70 {
      // By the rounding of a step of which hardly anything is known.
      weights[row, 0] = .infinity
      tell(&index, [Int32(row)], [1])
      index.report(queries: queries, above: 100, into: &report)
      #expect(report.count == row - 63)
    }
  }
}
