// SPDX-License-Identifier: Apache-2.0
import HalfspaceLinalg
import Testing
import _HalfspaceTestSupport

@testable import HalfspaceIO

@Suite struct FeatureHashingTests {
  /// Rows with about a tenth of their elements.
  private func sparse(rows: Int, columns: Int) -> SparseMatrix {
    let matrix = TestData.gaussian(rows, columns, seed: 5)
    for r in 0..<rows {
      for c in 0..<columns where abs(matrix[r, c]) < 1.65 || r == 3 { matrix[r, c] = 0 }
    }
    return SparseMatrix(matrix)
  }

  @Test func `every column goes to one place with one sign, and sums meet there`() {
    let hashing = FeatureHashing(columns: 7, seed: 3)
    let matrix = sparse(rows: 20, columns: 60)
    let hashed = hashing.apply(to: matrix).dense(rows: 0..<20)
    let all = matrix.dense(rows: 0..<20)
    for row in 0..<20 {
      var expected = [Float](repeating: 0, count: 7)
      for column in 0..<60 {
        let place = hashing.place(of: Int32(column))
        expected[Int(place.column)] += (place.isNegative ? -1 : 1) * all[row, column]
      }
      #expect(hashed.rowArray(row) == expected)
    }
    let places = (0..<700).map { hashing.place(of: $0) }
    for column in 0..<7 { #expect((60...140).contains(places.count { $0.column == column })) }
    #expect((300...400).contains(places.count(where: \.isNegative)))
    #expect(FeatureHashing(columns: 7, seed: 4).apply(to: matrix) != hashing.apply(to: matrix))
  }

  @Test func `inner products are kept on average`() {
    let matrix = sparse(rows: 40, columns: 500)
    let exact = matrix.dense(rows: 0..<40)
    let hashed = FeatureHashing(columns: 256).apply(to: matrix).dense(rows: 0..<40)
    func product(_ m: Matrix, _ i: Int, _ j: Int) -> Double {
      zip(m.rowArray(i), m.rowArray(j)).reduce(0) { $0 + Double($1.0) * Double($1.1) }
    }
    var (error, size) = (0.0, 0.0)
    for i in 4..<40 {
      for j in 4..<40 {
        error += product(hashed, i, j) - product(exact, i, j)
        size += abs(product(exact, i, i))
      }
    }
    #expect(abs(error) < 0.05 * size)
  }

  @Test func `hashing some rows is hashing all and taking these`() {
    let matrix = sparse(rows: 20, columns: 60)
    let hashing = FeatureHashing(columns: 16)
    #expect(hashing.apply(to: matrix, rows: [7, 3]) == hashing.apply(to: matrix).gather([7, 3]))
  }

  @Test(arguments: [FeatureTransform.Scaling.maximum, .rootMeanSquare], [nil, 1.5])
  func `sparse rows are transformed as the rows with their zeros`(
    scaling: FeatureTransform.Scaling, constant: Double?
  ) throws {
    let matrix = sparse(rows: 30, columns: 90)
    let dense = matrix.dense(rows: 0..<30)
    let transform = try FeatureTransform(fitting: matrix, scaling: scaling, constant: constant)
    #expect(
      transform == (try FeatureTransform(fitting: dense, scaling: scaling, constant: constant)))
    let rows = try transform.apply(to: matrix)
    #expect(rows.dense(rows: 0..<30).isIdentical(to: try transform.apply(to: dense)))
    #expect(rows.count <= matrix.count + 30)
  }

  @Test func `columns are chosen so that weights go with the entries`() {
    let suggested = SparseEncoding.suggestedColumns
    #expect(suggested(5_000_000, 100_000, 32_768) == 1024)
    #expect(suggested(5_000, 100_000, 32_768) == 256)
    #expect(suggested(5_000, 200, 32_768) == nil)
    #expect(suggested(1 << 40, 100_000, 32_768) == 16_384)
  }
}
