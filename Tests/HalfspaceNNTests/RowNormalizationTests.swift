// SPDX-License-Identifier: Apache-2.0
import HalfspaceLinalg
import Testing
import _HalfspaceTestSupport

@testable import HalfspaceNN

@Suite struct RowNormalizationTests {
  @Test(arguments: [nil, 0.5, -2] as [Float?])
  func `the backward pass is a central difference in Double`(constant: Float?) {
    let rows = TestData.gaussian(5, 4, seed: 2)
    var normalization = RowNormalization(constant: constant)
    let outputs = normalization.forward(rows)
    #expect(outputs.columns == (constant == nil ? 4 : 5) && outputs.hasZeroPadding)
    let gradient = TestData.gaussian(5, outputs.columns, seed: 3)
    let found = normalization.backward(gradient)
    func value(_ row: [Double], _ k: Int) -> Double {
      let x = row + (constant.map { [Double($0)] } ?? [])
      let norm = x.reduce(0) { $0 + $1 * $1 }.squareRoot()
      return x.indices.reduce(0) { $0 + Double(gradient[k, $1]) * x[$1] / norm }
    }
    for k in 0..<5 {
      let row = rows.rowArray(k).map(Double.init)
      #expect(
        abs(
          value(row, k)
            - (0..<outputs.columns).reduce(0) {
              $0 + Double(gradient[k, $1] * outputs[k, $1])
            }) < 1e-5)
      for c in 0..<4 {
        var (above, below) = (row, row)
        above[c] += 1e-6
        below[c] -= 1e-6
        let difference = (value(above, k) - value(below, k)) / 2e-6
        #expect(abs(Double(found[k, c]) - difference) < 1e-5)
      }
    }
    #expect(normalization.apply(to: rows).isIdentical(to: outputs))
  }

  @Test func `a zero row without a constant stays zero`() {
    var normalization = RowNormalization()
    let zero = Matrix(rows: 2, columns: 3)
    #expect(normalization.forward(zero).isIdentical(to: zero))
    #expect(normalization.backward(TestData.gaussian(2, 3, seed: 1)).isIdentical(to: zero))
  }

  @Test func `huge and tiny rows get norm one`() {
    let rows = Matrix([[1e30, -1e30], [1e-38, 1e-38], [Float.leastNonzeroMagnitude, 0]])
    let outputs = RowNormalization().apply(to: rows)
    for k in 0..<3 {
      let norm = outputs.rowArray(k).reduce(0) { $0 + $1 * $1 }.squareRoot()
      #expect(abs(norm - 1) < 1e-6)
    }
  }
}
