// SPDX-License-Identifier: Apache-2.0
import Foundation
import Halfspace

/// Made-up rows and queries, functions of their seeds.
enum Drawing {
  /// Independent N(0, 1) numbers.
  static func gaussian(_ rows: Int, _ columns: Int, seed: UInt64) -> Matrix {
    assembled(IndependentGaussian(count: rows, dimension: columns, seed: seed))
  }

  /// All rows of initial weights.
  static func assembled(_ weights: some InitialWeights) -> Matrix {
    let matrix = Matrix(rows: weights.count, columns: weights.dimension)
    parallelFor(weights.count, grain: 64, threads: ThreadCount.available) { range in
      for r in range { unsafe weights.copyRow(r, to: matrix.row(r)) }
    }
    return matrix
  }

  /// Random directions.
  static func directions(_ rows: Int, _ columns: Int, seed: UInt64) -> Matrix {
    let matrix = gaussian(rows, columns, seed: seed)
    for r in 0..<rows { scale(row: r, of: matrix, toNorm: 1) }
    return matrix
  }

  /// Directions near a random subspace of `rank` dimensions, with falling variances: what is left
  /// out has a length of 0.05.
  static func lowRank(_ rows: Int, _ columns: Int, rank: Int, seed: UInt64) -> Matrix {
    let basis = directions(rank, columns, seed: seed ^ 0xBA515)
    let factors = gaussian(rows, rank, seed: seed)
    let noise = directions(rows, columns, seed: seed ^ 0x0153)
    let matrix = Matrix(rows: rows, columns: columns)
    for r in 0..<rows {
      for k in 0..<rank {
        let factor = factors[r, k] / Float(1 + 0.5 * Double(k)).squareRoot()
        for c in 0..<columns { matrix[r, c] += factor * basis[k, c] }
      }
      scale(row: r, of: matrix, toNorm: 1)
      for c in 0..<columns { matrix[r, c] += 0.05 * noise[r, c] }
      scale(row: r, of: matrix, toNorm: 1)
    }
    return matrix
  }

  /// Points of a closed surface of two dimensions: every coordinate is a wave over a torus.
  static func surface(_ rows: Int, _ columns: Int, seed: UInt64) -> Matrix {
    var generator = SeededGenerator(seed: seed)
    func uniform() -> Double { Double(generator.below(1 << 30)) * (2 * Double.pi / 0x1p30) }
    let waves = (0..<columns).map { _ in
      (Double(generator.below(3) - 1), Double(generator.below(3) - 1), uniform())
    }
    let matrix = Matrix(rows: rows, columns: columns)
    for r in 0..<rows {
      let (u, v) = (uniform(), uniform())
      for (c, wave) in waves.enumerated() {
        unsafe matrix.row(r)[c] = Float(2.0.squareRoot() * cos(wave.0 * u + wave.1 * v + wave.2))
      }
    }
    return matrix
  }

  /// Moves every row by a vector of length `drift` in a direction of its own.
  static func move(_ matrix: Matrix, by drift: Float, seed: UInt64) {
    let d = matrix.columns
    let source = IndependentGaussian(count: max(1, matrix.rows), dimension: d, seed: seed)
    parallelFor(matrix.rows, grain: 64, threads: ThreadCount.available) { range in
      let step = Matrix(rows: 1, columns: d)
      for r in range {
        unsafe source.copyRow(r, to: step.pointer)
        scale(row: 0, of: step, toNorm: drift)
        for c in 0..<d { unsafe matrix.row(r)[c] += step.pointer[c] }
      }
    }
  }

  private static func scale(row: Int, of matrix: Matrix, toNorm norm: Float) {
    let x = unsafe matrix.row(row)
    var square: Float = 0
    for c in 0..<matrix.columns { unsafe square += x[c] * x[c] }
    let factor = norm / square.squareRoot()
    for c in 0..<matrix.columns { unsafe x[c] *= factor }
  }
}
