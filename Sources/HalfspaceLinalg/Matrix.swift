// SPDX-License-Identifier: Apache-2.0

/// A row-major matrix of `Float` whose rows are padded to 16 floats and 64-byte aligned.
///
/// Row `i` of a matrix of shape `[rows, columns]` occupies `stride` floats from
/// `pointer + i * stride`, `stride` being `columns` rounded up to a multiple of 16. The padding
/// is zero and stays zero: kernels read whole strides, so that inner products over padded
/// rows need no tail. `Matrix(rows:columns:packedSingleColumn:)` makes the exception that
/// kernels allow: one column with stride 1.
///
/// A matrix is a *buffer with reference semantics*: assigning it shares the storage, `copy()`
/// duplicates it. A network and the index over its weights see the same rows.
///
/// - Note: `Sendable` is unchecked. Concurrent reads are safe; whoever writes must be the only
///   one using the rows written, as the parallel loops of this package are by construction.
@safe public final class Matrix: @unchecked Sendable {
  /// Number of floats rows are padded to.
  public static let lanes = 16

  /// Number of rows.
  public let rows: Int
  /// Number of meaningful columns.
  public let columns: Int
  /// Floats from one row to the next.
  public let stride: Int
  /// The storage, `rows * stride` floats, 64-byte aligned.
  @unsafe public let pointer: UnsafeMutablePointer<Float>

  private init(rows: Int, columns: Int, stride: Int) {
    precondition(rows >= 0 && columns >= 0, "shape [\(rows), \(columns)] is negative")
    let (count, overflow) = rows.multipliedReportingOverflow(by: stride)
    precondition(!overflow, "shape [\(rows), \(columns)] does not fit the address space")
    self.rows = rows
    self.columns = columns
    self.stride = stride
    let raw = unsafe AlignedMemory.allocate(byteCount: count * MemoryLayout<Float>.stride)
    unsafe pointer = raw.bindMemory(to: Float.self, capacity: count)
    unsafe pointer.initialize(repeating: 0, count: count)
  }

  /// Creates a zero matrix of shape `[rows, columns]` with padded rows.
  public convenience init(rows: Int, columns: Int) {
    self.init(rows: rows, columns: columns, stride: Self.paddedStride(columns))
  }

  /// Creates a zero matrix of shape `[rows, columns]` whose rows are padded, except that a single
  /// column is stored with stride 1 (the layout of one-output networks).
  public convenience init(rows: Int, columns: Int, packedSingleColumn: Bool) {
    let packed = packedSingleColumn && columns == 1
    self.init(rows: rows, columns: columns, stride: packed ? 1 : Self.paddedStride(columns))
  }

  /// Creates a matrix of shape `[rows.count, columns]` from nested arrays of equal length.
  public convenience init(_ elements: [[Float]]) {
    let columns = elements.first?.count ?? 0
    self.init(rows: elements.count, columns: columns)
    for (i, row) in elements.enumerated() {
      precondition(row.count == columns, "row \(i) has \(row.count) columns, row 0 has \(columns)")
      for (j, value) in row.enumerated() { self[i, j] = value }
    }
  }

  deinit { unsafe pointer.deallocate() }

  /// `columns` rounded up to a multiple of 16.
  public static func paddedStride(_ columns: Int) -> Int { (columns + lanes - 1) / lanes * lanes }

  /// The element in `row` and `column`.
  public subscript(row: Int, column: Int) -> Float {
    get {
      precondition(contains(row, column), "[\(row), \(column)] is outside [\(rows), \(columns)]")
      return unsafe pointer[row * stride + column]
    }
    set {
      precondition(contains(row, column), "[\(row), \(column)] is outside [\(rows), \(columns)]")
      unsafe pointer[row * stride + column] = newValue
    }
  }

  private func contains(_ row: Int, _ column: Int) -> Bool {
    row >= 0 && row < rows && column >= 0 && column < columns
  }

  /// Pointer to the first float of `row`; traps outside `0..<rows` (`rows` itself is allowed, as
  /// an end).
  @unsafe public func row(_ row: Int) -> UnsafeMutablePointer<Float> {
    precondition(row >= 0 && row <= rows, "row \(row) is outside [\(rows), \(columns)]")
    return unsafe pointer + row * stride
  }

  /// The meaningful columns of `row` as an array.
  public func rowArray(_ row: Int) -> [Float] {
    precondition(row >= 0 && row < rows, "row \(row) is outside [\(rows), \(columns)]")
    return unsafe Array(UnsafeBufferPointer(start: pointer + row * stride, count: columns))
  }

  /// Overwrites `row` with `values`; traps unless `values.count == columns`.
  public func setRow(_ row: Int, to values: some Collection<Float>) {
    precondition(
      values.count == columns, "row of \(values.count) floats for shape [\(rows), \(columns)]")
    precondition(row >= 0 && row < rows, "row \(row) is outside [\(rows), \(columns)]")
    // At once where the values lie one after another.
    let target = unsafe UnsafeMutableBufferPointer(start: pointer + row * stride, count: columns)
    _ = unsafe target.update(fromContentsOf: values)
  }

  /// A duplicate with storage of its own. O(rows * stride).
  public func copy() -> Matrix {
    let other = Matrix(rows: rows, columns: columns, stride: stride)
    unsafe other.pointer.update(from: pointer, count: rows * stride)
    return other
  }

  /// A duplicate laid out as a new matrix is, whatever the layout of this one. O(rows * columns).
  public func copy(packedSingleColumn: Bool) -> Matrix {
    let other = Matrix(rows: rows, columns: columns, packedSingleColumn: packedSingleColumn)
    for r in 0..<rows { unsafe other.row(r).update(from: row(r), count: columns) }
    return other
  }

  /// A new matrix holding the given rows in the given order. O(count * stride).
  public func gather(_ selection: some Collection<Int>) -> Matrix {
    let other = Matrix(rows: selection.count, columns: columns, stride: stride)
    for (k, r) in selection.enumerated() {
      precondition(r >= 0 && r < rows, "row \(r) is outside [\(rows), \(columns)]")
      unsafe other.row(k).update(from: row(r), count: stride)
    }
    return other
  }

  /// Sets every element to zero. O(rows * stride).
  public func clear() { unsafe pointer.update(repeating: 0, count: rows * stride) }

  /// Bytes of storage.
  public var byteCount: Int { rows * stride * MemoryLayout<Float>.stride }

  /// Whether every element is finite. O(rows * columns).
  public var isFinite: Bool { firstNonFinite(inRows: 0..<rows) == nil }

  /// The first element of these rows that is NaN or infinite; nil where there is none.
  /// O(rows * columns), as fast as they can be read.
  public func firstNonFinite(inRows range: Range<Int>) -> (row: Int, column: Int)? {
    precondition(
      range.lowerBound >= 0 && range.upperBound <= rows, "rows \(range) of [\(rows), \(columns)]")
    typealias Lanes = SIMD16<Float>
    // Some rows at a time. The padding is zero, so whole strides may be read.
    let step = max(1, (1 << 12) / max(1, stride))
    for first in Swift.stride(from: range.lowerBound, to: range.upperBound, by: step) {
      let end = min(range.upperBound, first + step)
      let numbers = unsafe UnsafeRawPointer(row(first))
      let count = (end - first) * stride
      var zeros = Lanes.zero
      var sum: Float = 0
      for i in Swift.stride(from: 0, to: count - Lanes.scalarCount + 1, by: Lanes.scalarCount) {
        // Zero times a number is zero, but for those that are looked for.
        zeros +=
          unsafe numbers.loadUnaligned(
            fromByteOffset: i * MemoryLayout<Float>.stride, as: Lanes.self) * 0
      }
      for i in count / Lanes.scalarCount * Lanes.scalarCount..<count {
        sum +=
          unsafe numbers.load(
            fromByteOffset: i * MemoryLayout<Float>.stride, as: Float.self) * 0
      }
      if zeros.sum() + sum == 0 { continue }
      for r in first..<end {
        for c in 0..<columns where !self[r, c].isFinite { return (r, c) }
      }
    }
    return nil
  }

  /// Whether both matrices have the same shape and the same bits in every element.
  public func isIdentical(to other: Matrix) -> Bool {
    guard rows == other.rows, columns == other.columns else { return false }
    for r in 0..<rows {
      for c in 0..<columns
      where unsafe pointer[r * stride + c].bitPattern
        != other.pointer[r * other.stride + c].bitPattern
      { return false }
    }
    return true
  }
}

extension Matrix {
  /// A matrix with these rows first and zero rows behind, `rows >= self.rows` in all.
  /// O(rows * stride).
  public func growing(toRows rows: Int) -> Matrix {
    precondition(rows >= self.rows, "growing [\(self.rows), \(columns)] to \(rows) rows")
    let other = Matrix(rows: rows, columns: columns, stride: stride)
    unsafe other.pointer.update(from: pointer, count: self.rows * stride)
    return other
  }
}

extension Matrix {
  /// A zero matrix of the same shape and stride.
  public func emptyTwin() -> Matrix { Matrix(rows: rows, columns: columns, stride: stride) }
}

extension Matrix {
  /// The transpose, `[columns, rows]`. O(rows * columns).
  public func transposed(packedSingleColumn: Bool = false) -> Matrix {
    let other = Matrix(rows: columns, columns: rows, packedSingleColumn: packedSingleColumn)
    for r in 0..<rows {
      for c in 0..<columns { unsafe other.pointer[c * other.stride + r] = pointer[r * stride + c] }
    }
    return other
  }
}

extension Matrix {
  /// Adds the given rows of `other`, which has as many columns, to the first rows of this matrix.
  /// O(rows * columns).
  public func add(_ other: Matrix, rows: some Sequence<Int>) {
    precondition(
      other.columns == columns,
      "rows of [\(other.rows), \(other.columns)] to those of [\(self.rows), \(columns)]")
    for (k, row) in rows.enumerated() {
      for column in 0..<columns { self[k, column] += other[row, column] }
    }
  }
}
