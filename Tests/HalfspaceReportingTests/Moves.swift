// SPDX-License-Identifier: Apache-2.0
import HalfspaceLinalg
import HalfspaceReporting

/// Moves a row of `weights` by `step` times a random vector. Returns an upper bound of how far.
func move(
  _ row: Int, of weights: Matrix, by step: Float, _ generator: inout SeededGenerator
) -> Float {
  var square = 0.0
  for c in 0..<weights.columns {
    let before = weights[row, c]
    weights[row, c] += step * (Float(generator.below(2001)) / 1000 - 1)
    let change = Double(weights[row, c]) - Double(before)
    square += change * change
  }
  return Float(square.squareRoot() * (1 + 1e-9)).nextUp
}

/// Tells an index which rows have moved, and how far at most where that is known.
func tell(_ index: inout some HalfSpaceIndex, _ rows: [Int32], _ distances: [Float]? = nil) {
  unsafe rows.withUnsafeBufferPointer { rows in
    guard let distances else { return unsafe index.update(rows: rows) }
    unsafe distances.withUnsafeBufferPointer {
      unsafe index.update(rows: rows, displacements: $0)
    }
  }
}
