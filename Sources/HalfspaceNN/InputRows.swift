// SPDX-License-Identifier: Apache-2.0
public import HalfspaceLinalg

/// The transformed rows that a network is trained on or asked about: in memory, sparse, or read as
/// they are needed.
///
/// All three are rows of numbers, and nothing that is computed from them depends on which of the
/// three they are: a sparse row gives the bits of the row with its zeros.
public enum InputRows: Sendable {
  /// A matrix `[n, d]`.
  case dense(Matrix)
  /// Compressed sparse rows, which stay sparse.
  case sparse(SparseMatrix)
  /// Rows that are read batch by batch, such as those of a file larger than the memory.
  case streamed(any RowSource)

  /// Number of rows, `n`.
  public var rows: Int {
    switch self {
    case .dense(let matrix): matrix.rows
    case .sparse(let matrix): matrix.rows
    case .streamed(let source): source.rows
    }
  }

  /// Number of coordinates, `d`.
  public var columns: Int {
    switch self {
    case .dense(let matrix): matrix.columns
    case .sparse(let matrix): matrix.columns
    case .streamed(let source): source.columns
    }
  }

  /// The matrix, if there is one.
  var inMemory: Matrix? {
    if case .dense(let matrix) = self { matrix } else { nil }
  }

  /// Writes the given rows to the first rows of `block` `[>= rows, d]`. O(rows * d).
  ///
  /// - Throws: `RowReadError` when rows cannot be read.
  public func copy(_ rows: ArraySlice<Int>, to block: Matrix) throws(RowReadError) {
    func check(_ columns: Int) { Self.check(rows.count, columns: columns, fitIn: block) }
    switch self {
    case .dense(let matrix): Self.copy(rows, of: matrix, to: block)
    case .sparse(let matrix):
      check(matrix.columns)
      matrix.copy(rows, to: block)
    case .streamed(let source):
      check(source.columns)
      try source.copy(rows, to: block)
    }
  }

  private static func check(_ count: Int, columns: Int, fitIn block: Matrix) {
    precondition(
      count <= block.rows && block.columns == columns,
      "\(count) rows of \(columns) for [\(block.rows), \(block.columns)]")
  }

  /// The same for rows of a matrix.
  static func copy(_ rows: ArraySlice<Int>, of matrix: Matrix, to block: Matrix) {
    check(rows.count, columns: matrix.columns, fitIn: block)
    var to = unsafe block.pointer
    for row in rows {
      precondition(row >= 0 && row < matrix.rows, "row \(row) of \(matrix.rows)")
      unsafe to.update(from: matrix.row(row), count: matrix.stride)
      unsafe to += block.stride
    }
  }

  /// All rows as a matrix, which is shared where there is one. O(n d).
  ///
  /// - Throws: `RowReadError` when rows cannot be read.
  public func matrix() throws(RowReadError) -> Matrix {
    if let inMemory { return inMemory }
    let result = Matrix(rows: rows, columns: columns)
    try copy(Array(0..<rows)[...], to: result)
    return result
  }

  /// The given rows in the given order; those of a source stay where they are. O(rows * d).
  public func gather(_ rows: [Int]) -> InputRows {
    switch self {
    case .dense(let matrix): .dense(matrix.gather(rows))
    case .sparse(let matrix): .sparse(matrix.gather(rows))
    case .streamed(let source): .streamed(SelectedRows(source: source, selection: rows))
    }
  }

  /// The first row with an element that is no finite number; nil for streamed rows, which are checked
  /// as they are read. O(elements).
  var firstNotFinite: Int? {
    switch self {
    case .dense(let matrix):
      guard !matrix.isFinite else { return nil }
      return (0..<matrix.rows).first { !matrix.rowArray($0).allSatisfy(\.isFinite) }
    case .sparse(let matrix):
      guard !matrix.isFinite else { return nil }
      return (0..<matrix.rows).first { row in
        !matrix.entries(ofRow: row).allSatisfy { matrix.values[$0].isFinite }
      }
    case .streamed: return nil
    }
  }

  /// Rows that are worked on at a time where all of them pass by: some megabytes.
  var blockRows: Int {
    min(2048, max(16, (16 << 20) / (4 * Matrix.paddedStride(columns))))
  }

  /// Calls `body` with the rows, block by block: a matrix, which of its rows, and the number of the
  /// first.
  func forEachBlock(
    _ body: (_ block: Matrix, _ rows: Range<Int>, _ first: Int) -> Void
  ) throws(RowReadError) {
    if let inMemory {
      body(inMemory, 0..<rows, 0)
      return
    }
    let block = Matrix(rows: min(rows, blockRows), columns: columns)
    for start in stride(from: 0, to: rows, by: block.rows) {
      let numbers = Array(start..<min(start + block.rows, rows))
      try copy(numbers[...], to: block)
      body(block, 0..<numbers.count, start)
    }
  }
}

/// Rows that are read as they are needed. Reading the same row twice gives the same numbers.
public protocol RowSource: Sendable {
  /// Number of rows.
  var rows: Int { get }
  /// Number of coordinates.
  var columns: Int { get }
  /// Writes the given rows, finite, to the first rows of `block` `[>= rows, columns]`, whose padding
  /// stays zero. May be called from several threads at a time.
  ///
  /// - Throws: `RowReadError` when they cannot be read, or are not finite.
  func copy(_ rows: ArraySlice<Int>, to block: Matrix) throws(RowReadError)
}

/// Rows that cannot be read.
public struct RowReadError: Error, CustomStringConvertible, Equatable {
  /// What is wrong, in one sentence.
  public let description: String

  /// An error with this sentence.
  public init(_ description: String) { self.description = description }
}

/// Some rows of a source, in some order.
struct SelectedRows: RowSource {
  let source: any RowSource
  let selection: [Int]

  var rows: Int { selection.count }
  var columns: Int { source.columns }

  func copy(_ rows: ArraySlice<Int>, to block: Matrix) throws(RowReadError) {
    try source.copy(rows.map { selection[$0] }[...], to: block)
  }
}
