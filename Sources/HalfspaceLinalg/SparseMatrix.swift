// SPDX-License-Identifier: Apache-2.0

/// Rows of numbers most of which are zero: compressed sparse rows (CSR). Memory is 8 bytes per
/// number stored and 8 per row.
public struct SparseMatrix: Sendable, Equatable {
  /// Number of columns.
  public let columns: Int
  /// Row i has the entries `offsets[i]..<offsets[i + 1]`.
  public let offsets: [Int]
  /// The column of every entry, strictly ascending within a row.
  public let indices: [Int32]
  /// The value of every entry.
  public let values: [Float]

  /// Number of rows.
  public var rows: Int { offsets.count - 1 }
  /// Number of stored entries.
  public var count: Int { values.count }

  /// A matrix of its parts; traps unless they fit each other. O(entries).
  public init(columns: Int, offsets: [Int], indices: [Int32], values: [Float]) {
    precondition(
      offsets.first == 0 && offsets.last == values.count && indices.count == values.count,
      "\(offsets.last ?? -1) entries, \(indices.count) columns, \(values.count) values")
    for (start, end) in zip(offsets, offsets.dropFirst()) {
      precondition(start <= end && end <= values.count, "offsets \(start), \(end)")
      for entry in start..<end {
        precondition(
          indices[entry] >= 0 && Int(indices[entry]) < columns
            && (entry == start || indices[entry - 1] < indices[entry]),
          "column \(indices[entry]) of \(columns) at entry \(entry)")
      }
    }
    self.columns = columns
    self.offsets = offsets
    self.indices = indices
    self.values = values
  }

  /// The elements of a matrix that are not zero. O(rows * columns).
  public init(_ matrix: Matrix) {
    var offsets = [0]
    var indices: [Int32] = []
    var values: [Float] = []
    for row in 0..<matrix.rows {
      for (column, value) in matrix.rowArray(row).enumerated() where value != 0 {
        indices.append(Int32(column))
        values.append(value)
      }
      offsets.append(values.count)
    }
    self.init(columns: matrix.columns, offsets: offsets, indices: indices, values: values)
  }

  /// The entries of a row; traps outside.
  public func entries(ofRow row: Int) -> Range<Int> { offsets[row]..<offsets[row + 1] }

  /// Bytes of storage.
  public var byteCount: Int { 8 * offsets.count + 8 * values.count }

  /// Whether every entry is finite. O(entries).
  public var isFinite: Bool { values.allSatisfy(\.isFinite) }

  /// The given rows with their zeros, shape `[rows.count, columns]`: a mini-batch. O(rows *
  /// columns).
  public func dense(rows selection: some Collection<Int>) -> Matrix {
    let result = Matrix(rows: selection.count, columns: columns)
    copy(selection, to: result)
    return result
  }

  /// Writes the given rows with their zeros to the first rows of `block` `[>= rows, columns]`.
  /// O(rows * columns).
  public func copy(_ selection: some Collection<Int>, to block: Matrix) {
    precondition(
      block.columns == columns && selection.count <= block.rows,
      "\(selection.count) rows of \(columns) columns for [\(block.rows), \(block.columns)]")
    for (place, row) in selection.enumerated() {
      let target = unsafe block.row(place)
      unsafe target.update(repeating: 0, count: block.stride)
      for entry in entries(ofRow: row) { unsafe target[Int(indices[entry])] = values[entry] }
    }
  }

  /// The given rows in the given order. O(entries).
  public func gather(_ selection: some Collection<Int>) -> SparseMatrix {
    var offsets = [0]
    var indices: [Int32] = []
    var values: [Float] = []
    for row in selection {
      indices += self.indices[entries(ofRow: row)]
      values += self.values[entries(ofRow: row)]
      offsets.append(values.count)
    }
    return SparseMatrix(columns: columns, offsets: offsets, indices: indices, values: values)
  }
}
