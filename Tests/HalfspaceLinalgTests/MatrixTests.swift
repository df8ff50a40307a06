// SPDX-License-Identifier: Apache-2.0
import HalfspaceLinalg
import Testing
import _HalfspaceTestSupport

@Suite struct MatrixTests {
  @Test(arguments: [(0, 0), (1, 16), (15, 16), (16, 16), (17, 32), (32, 32), (785, 800)])
  func `rows are padded to sixteen floats`(_ columns: Int, _ stride: Int) {
    #expect(Matrix.paddedStride(columns) == stride)
    #expect(Matrix(rows: 2, columns: columns).stride == stride)
  }

  @Test(arguments: [(0, 3), (3, 0), (1, 1), (5, 16), (7, 33)])
  func `a new matrix is zero, padding included, and aligned`(_ rows: Int, _ columns: Int) {
    let matrix = Matrix(rows: rows, columns: columns)
    #expect(matrix.rows == rows && matrix.columns == columns)
    #expect(unsafe UInt(bitPattern: matrix.pointer) % 64 == 0)
    #expect((0..<rows * matrix.stride).allSatisfy { unsafe matrix.pointer[$0].bitPattern == 0 })
    #expect(matrix.byteCount == 4 * rows * matrix.stride)
  }

  @Test func `a single column can be packed`() {
    let packed = Matrix(rows: 5, columns: 1, packedSingleColumn: true)
    #expect(packed.stride == 1)
    #expect(packed.byteCount == 20)
    #expect(Matrix(rows: 5, columns: 1, packedSingleColumn: false).stride == 16)
    #expect(Matrix(rows: 5, columns: 2, packedSingleColumn: true).stride == 16)
    packed[3, 0] = 7
    #expect(unsafe packed.row(3).pointee == 7)
    #expect(packed.copy().stride == 1)
    #expect(packed.gather([3, 0]).stride == 1)
    #expect(packed.growing(toRows: 8).stride == 1)
    #expect(packed.emptyTwin().stride == 1)
  }

  @Test func `elements are where they were put`() {
    let matrix = Matrix(rows: 6, columns: 19)
    for r in 0..<6 {
      for c in 0..<19 {
        let value = Float(100 * r + c)
        matrix[r, c] = value
        #expect(matrix[r, c] == value)
        #expect(unsafe matrix.row(r)[c] == value)
        #expect(unsafe matrix.pointer[r * 32 + c] == value)
      }
      #expect(matrix.rowArray(r) == (0..<19).map { Float(100 * r + $0) })
    }
    #expect(matrix.hasZeroPadding)
  }

  @Test func `nested arrays become rows`() {
    let matrix = Matrix([[1, 2, 3], [4, 5, 6]])
    #expect(matrix.rows == 2 && matrix.columns == 3)
    #expect(matrix.rowArray(1) == [4, 5, 6])
    matrix.setRow(0, to: [7, 8, 9])
    #expect(matrix.rowArray(0) == [7, 8, 9])
    #expect(matrix.rowArray(1) == [4, 5, 6])
    let empty = Matrix([])
    #expect(empty.rows == 0 && empty.columns == 0)
  }

  @Test func `assigning shares, copying does not`() {
    let matrix = Matrix([[1, 2]])
    let shared = matrix
    let copied = matrix.copy()
    matrix[0, 0] = 5
    #expect(shared[0, 0] == 5)
    #expect(copied[0, 0] == 1)
    #expect(!copied.isIdentical(to: matrix))
  }

  @Test func `gathering takes rows in the given order, with repeats`() {
    let matrix = TestData.gaussian(5, 17, seed: 2)
    let gathered = matrix.gather([4, 0, 4])
    #expect(gathered.rows == 3 && gathered.columns == 17)
    for (k, r) in [4, 0, 4].enumerated() { #expect(gathered.rowArray(k) == matrix.rowArray(r)) }
    #expect(gathered.hasZeroPadding)
    #expect(matrix.gather([]).rows == 0)
    let order = [9, 3, 2, 1]
    #expect(matrix.gather(order[1...]).rowArray(0) == matrix.rowArray(3))
  }

  @Test func `growing keeps the rows and adds zero ones`() {
    let matrix = TestData.gaussian(3, 20, seed: 3)
    let grown = matrix.growing(toRows: 5)
    #expect(grown.gather(0..<3).isIdentical(to: matrix))
    #expect(grown.gather(3..<5).isIdentical(to: Matrix(rows: 2, columns: 20)))
    #expect(grown.hasZeroPadding)
    #expect(matrix.growing(toRows: 3).isIdentical(to: matrix))
    grown[0, 0] += 1
    #expect(!grown.gather(0..<3).isIdentical(to: matrix), "storage of its own")
  }

  @Test func `clearing leaves zeros`() {
    let matrix = TestData.gaussian(4, 5, seed: 4)
    matrix.clear()
    #expect(matrix.isIdentical(to: Matrix(rows: 4, columns: 5)))
    let twin = TestData.gaussian(4, 5, seed: 4).emptyTwin()
    #expect(twin.isIdentical(to: matrix))
  }

  @Test func `identity is of bits and shapes`() {
    let matrix = Matrix([[0, 1], [2, .nan]])
    #expect(matrix.isIdentical(to: matrix.copy()), "NaN included")
    let negative = matrix.copy()
    negative[0, 0] = -0.0
    #expect(!matrix.isIdentical(to: negative))
    #expect(!matrix.isIdentical(to: Matrix([[0, 1]])))
    #expect(!matrix.isIdentical(to: Matrix([[0, 1, 0], [2, .nan, 0]])))
    let padded = Matrix(rows: 2, columns: 1)
    #expect(padded.isIdentical(to: Matrix(rows: 2, columns: 1, packedSingleColumn: true)))
  }

  @Test(arguments: [Float.nan, .infinity, -.infinity])
  func `a matrix knows whether it is finite`(_ value: Float) {
    let matrix = TestData.gaussian(3, 18, seed: 5)
    #expect(matrix.isFinite)
    matrix[2, 17] = value
    #expect(!matrix.isFinite)
    #expect(Matrix(rows: 0, columns: 4).isFinite)
  }

  @Test(arguments: [1, 5, 16, 33, 5000])
  func `the first number that is not finite is found`(columns: Int) {
    let matrix = Matrix(rows: 40, columns: columns, packedSingleColumn: true)
    for r in 0..<40 { matrix[r, r % columns] = .greatestFiniteMagnitude }
    #expect(matrix.firstNonFinite(inRows: 0..<40) == nil)
    for (row, number) in [(31, Float.infinity), (30, -.infinity), (7, .nan)] {
      let column = (row * 7) % columns
      matrix[row, column] = number
      for range in [0..<40, row..<40, row..<(row + 1)] {
        let place = matrix.firstNonFinite(inRows: range)
        #expect(place?.row == row && place?.column == column)
      }
      #expect(matrix.firstNonFinite(inRows: 0..<row) == nil)
    }
    #expect(matrix.firstNonFinite(inRows: 8..<30) == nil && !matrix.isFinite)
  }

  // MARK: Preconditions

  @Test func `reading outside traps`() async {
    await #expect(processExitsWith: .failure) { _ = Matrix(rows: 2, columns: 3)[2, 0] }
    await #expect(processExitsWith: .failure) { _ = Matrix(rows: 2, columns: 3)[0, 3] }
    await #expect(processExitsWith: .failure) { _ = Matrix(rows: 2, columns: 3)[-1, 0] }
    await #expect(processExitsWith: .failure) { _ = Matrix(rows: 2, columns: 3).rowArray(2) }
    await #expect(processExitsWith: .failure) { _ = unsafe Matrix(rows: 2, columns: 3).row(3) }
  }

  @Test func `writing outside traps`() async {
    await #expect(processExitsWith: .failure) { Matrix(rows: 2, columns: 3)[0, 3] = 1 }
    await #expect(processExitsWith: .failure) { Matrix(rows: 2, columns: 3).setRow(0, to: [1]) }
    await #expect(processExitsWith: .failure) {
      Matrix(rows: 2, columns: 3).setRow(2, to: [1, 2, 3])
    }
  }

  @Test func `gathering rows that are not there traps`() async {
    await #expect(processExitsWith: .failure) { _ = Matrix(rows: 2, columns: 3).gather([2]) }
    await #expect(processExitsWith: .failure) { _ = Matrix(rows: 2, columns: 3).gather([-1]) }
  }

  @Test func `shapes that make no sense trap`() async {
    await #expect(processExitsWith: .failure) { _ = Matrix(rows: -1, columns: 3) }
    await #expect(processExitsWith: .failure) { _ = Matrix(rows: 1, columns: -16) }
    await #expect(processExitsWith: .failure) { _ = Matrix(rows: .max / 8, columns: 16) }
    await #expect(processExitsWith: .failure) { _ = Matrix([[1, 2], [3]]) }
    await #expect(processExitsWith: .failure) {
      _ = Matrix(rows: 2, columns: 3).growing(toRows: 1)
    }
  }
}
