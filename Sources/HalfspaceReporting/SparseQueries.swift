// SPDX-License-Identifier: Apache-2.0
package import CHalfspace
package import HalfspaceLinalg

/// Some rows of a sparse matrix, gathered for the kernels: the sparse counterpart of a batch.
///
/// Buffers are kept: nothing is allocated once they have seen their largest batch.
///
/// - Note: `Sendable` is unchecked; whoever gathers must be the only one using the queries.
@safe package final class SparseQueries: @unchecked Sendable {
  /// Number of columns.
  package let columns: Int
  /// Floats of a row with its zeros.
  package let stride: Int
  /// Number of rows gathered.
  package private(set) var count = 0
  /// Number of their entries.
  package private(set) var entryCount = 0

  @unsafe private var rows = unsafe hs_sparse_rows_t()
  private var rowCapacity = 0
  private var entryCapacity = 0
  private var marks: [UInt8]

  /// Room for rows of `columns` columns.
  package init(columns: Int) {
    self.columns = columns
    stride = Matrix.paddedStride(columns)
    marks = .init(repeating: 0, count: stride / Matrix.lanes)
    unsafe rows.blocks = .allocate(capacity: max(1, marks.count))
    reserve(rows: 1, entries: 1)
  }

  deinit {
    release()
    unsafe rows.blocks.deallocate()
  }

  private func release() {
    unsafe rows.offsets?.deallocate()
    unsafe rows.lanes?.deallocate()
    unsafe rows.columns?.deallocate()
    unsafe rows.values?.deallocate()
    unsafe rows.slots?.deallocate()
    unsafe rows.into?.deallocate()
    unsafe rows.from?.deallocate()
  }

  private func reserve(rows wantedRows: Int, entries wantedEntries: Int) {
    guard wantedRows > rowCapacity || wantedEntries > entryCapacity else { return }
    release()
    rowCapacity = max(wantedRows, rowCapacity)
    entryCapacity = max(wantedEntries + wantedEntries / 4, entryCapacity)
    unsafe rows.offsets = .allocate(capacity: rowCapacity + 1)
    unsafe rows.lanes = .allocate(capacity: rowCapacity)
    unsafe rows.columns = .allocate(capacity: entryCapacity)
    unsafe rows.values = .allocate(capacity: entryCapacity)
    unsafe rows.slots = .allocate(capacity: entryCapacity)
    unsafe rows.into = .allocate(capacity: entryCapacity)
    unsafe rows.from = .allocate(capacity: entryCapacity)
  }

  /// Gathers the given rows of `matrix`. O(entries + columns / 16).
  package func gather(_ numbers: ArraySlice<Int>, of matrix: SparseMatrix) {
    precondition(matrix.columns == columns, "\(matrix.columns) columns, expected \(columns)")
    var entries = 0
    for row in numbers { entries += matrix.entries(ofRow: row).count }
    reserve(rows: numbers.count, entries: entries)
    count = numbers.count
    entryCount = entries
    unsafe numbers.withUnsafeBufferPointer { numbers in
      unsafe hs_gather_rows_f32(
        numbers.count, numbers.baseAddress, matrix.offsets, matrix.indices, matrix.values, stride,
        &marks, &rows)
    }
  }

  /// Calls `body` with the rows as kernels take them.
  package func withRows<Result>(_ body: (UnsafePointer<hs_sparse_rows_t>) -> Result) -> Result {
    unsafe withUnsafePointer(to: rows) { unsafe body($0) }
  }

  /// Bytes held.
  package var byteCount: Int { rowCapacity * 12 + entryCapacity * 11 + marks.count * 5 }
}
