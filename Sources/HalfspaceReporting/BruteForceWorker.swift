// SPDX-License-Identifier: Apache-2.0
internal import HalfspaceLinalg

/// Scratch of one task of a brute-force report.
///
/// - Note: `Sendable` is unchecked; a worker belongs to one task at a time.
@safe final class BruteForceWorker: @unchecked Sendable {
  let stage = ReportStage<Int32>()
  /// `[queries, rows]` of a block.
  private(set) var products = Matrix(rows: 0, columns: 0)
  /// Candidates gathered for each query of a chunk: `counts[q]` of them.
  var counts: [Int] = []
  @unsafe private var slots = UnsafeMutablePointer<Int32>.allocate(capacity: 0)
  private var slotCapacity = 0

  /// Candidates of one query that are gathered before they must be decided, besides a block.
  private static let gathered = 1024

  deinit { unsafe slots.deallocate() }

  /// Bytes held, without the pairs.
  var byteCount: Int {
    products.byteCount + counts.count * (8 + slotCapacity * MemoryLayout<Int32>.stride)
  }

  /// Makes room for products of this shape and their candidates.
  func prepare(queries: Int, rows: Int) {
    guard products.rows < queries || products.columns < rows else { return }
    products = Matrix(rows: max(queries, products.rows), columns: max(rows, products.columns))
    counts = .init(repeating: 0, count: products.rows)
    slotCapacity = products.columns + Self.gathered
    unsafe slots.deallocate()
    unsafe slots = .allocate(capacity: products.rows * slotCapacity)
  }

  /// Candidates that still fit in a query's slot.
  func room(_ slot: Int) -> Int { slotCapacity - counts[slot] }

  /// The candidates gathered for a query, and where the next one goes.
  @unsafe func candidates(_ slot: Int) -> UnsafeMutablePointer<Int32> {
    unsafe slots + slot * slotCapacity
  }
  @unsafe func end(_ slot: Int) -> UnsafeMutablePointer<Int32> {
    unsafe slots + slot * slotCapacity + counts[slot]
  }
}
