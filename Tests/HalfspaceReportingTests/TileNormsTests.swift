// SPDX-License-Identifier: Apache-2.0
import HalfspaceLinalg
import Testing

@testable import HalfspaceReporting

@Suite struct TileNormsTests {
  /// The norm of a row in Double.
  private func norm(_ matrix: Matrix, _ row: Int) -> Double {
    matrix.rowArray(row).reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
  }

  private func expectBounds(_ norms: TileNorms, _ matrix: Matrix) {
    for row in 0..<matrix.rows where matrix.rowArray(row).allSatisfy({ !$0.isNaN }) {
      #expect(Double(norms.bounds[row / TileNorms.tile]) >= norm(matrix, row))
    }
  }

  @Test func `bounds hold for rows of every magnitude, however they move`() {
    let matrix = Matrix(rows: 200, columns: 5)
    var generator = SeededGenerator(seed: 5)
    var norms = TileNorms(matrix)
    // Squares underflow below 1e-23 and overflow above 1e19: there, equal squares hide moves.
    let magnitudes: [Float] = [
      0, .leastNonzeroMagnitude, 1e-38, 1e-30, 1e-20, 1e-3, 1, 1e10, 1e18, 1e25, 3e38,
    ]
    for round in 0..<300 {
      let magnitude = magnitudes[(round / 9) % magnitudes.count]
      let moved = (0..<9).map { _ in Int32(generator.below(200)) }
      for row in moved {
        let sign: Float = generator.below(2) == 0 ? 1 : -1
        let part = Float(generator.below(1000)) / 1000
        matrix.setRow(Int(row), to: (0..<5).map { _ in sign * part * magnitude })
      }
      unsafe moved.withUnsafeBufferPointer { unsafe norms.update(rows: $0) }
      norms.refresh()
      expectBounds(norms, matrix)
    }
  }

  @Test func `bounds fall again when a tile has moved through`() {
    let matrix = Matrix(rows: 64, columns: 3)
    for row in 0..<64 { matrix.setRow(row, to: [100, 0, 0]) }
    var norms = TileNorms(matrix)
    #expect(norms.bounds[0] > 99)
    for row in 0..<64 { matrix.setRow(row, to: [0, 1, 0]) }
    let all = (0..<Int32(64)).map { $0 }
    unsafe all.withUnsafeBufferPointer { unsafe norms.update(rows: $0) }
    norms.refresh()
    #expect(norms.bounds[0] < 1.001)
    expectBounds(norms, matrix)
  }

  @Test func `rows with a NaN do not spoil the bounds of others`() {
    let matrix = Matrix(rows: 2, columns: 2)
    matrix.setRow(0, to: [.nan, 1])
    matrix.setRow(1, to: [3, 4])
    let norms = TileNorms(matrix)
    #expect(norms.bounds[0] >= 5)
    #expect(norms.bounds[0] < 5.001)
  }
}
