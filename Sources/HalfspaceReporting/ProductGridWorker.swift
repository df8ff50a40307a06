// SPDX-License-Identifier: Apache-2.0
internal import HalfspaceLinalg

/// Scratch of one task of a product-grid report.
///
/// - Note: `Sendable` is unchecked; a worker belongs to one task at a time.
@safe final class ProductGridWorker: @unchecked Sendable {
  let stage = ReportStage<Int64>()
  /// Where the pairs of queries go, while stages are merged.
  var positions: [Int] = []
  /// The queries of the block by coordinates, `[d, queries]`, and the same in the order of a
  /// group's permutation. Lines are not padded: the stride is the number of queries.
  private(set) var transposed = Matrix(rows: 0, columns: 0)
  private(set) var gathered = Matrix(rows: 0, columns: 0)
  /// Products of a group with its outer vectors `[queries, s0]`, `alpha` `[queries, s1]` and `beta`
  /// `[queries, s2]`.
  private(set) var outer = Matrix(rows: 0, columns: 0)
  private(set) var alpha = Matrix(rows: 0, columns: 0)
  private(set) var beta = Matrix(rows: 0, columns: 0)
  var cutoffs: [Float] = []
  /// Whether a query has a NaN, so that no row fires on it.
  var silent: [Bool] = []
  /// Outer vectors that reach the cutoff, and the largest `alpha`.
  @unsafe private(set) var reached = UnsafeMutableBufferPointer<Int32>.allocate(capacity: 0)
  let best = Matrix(rows: 1, columns: 1)
  /// Left vectors with an outer vector added, `[s1, d]`.
  private(set) var joined = Matrix(rows: 0, columns: 0)
  /// Candidates by local number.
  @unsafe private(set) var locals = UnsafeMutableBufferPointer<Int32>.allocate(capacity: 0)

  /// Candidates that are collected before they are decided, at least: few enough to stay in
  /// the first-level cache, enough to make a call worth it.
  private static let locals = 1 << 12

  deinit {
    unsafe locals.deallocate()
    unsafe reached.deallocate()
  }

  /// Makes room for a block of queries.
  func prepare(queries: Int, layout: ProductGrid.Layout, stride: Int) {
    if alpha.rows < queries {
      let dimension = layout.outerDimension + layout.leftDimension + layout.rightDimension
      transposed = Matrix(rows: 1, columns: dimension * queries)
      gathered = Matrix(rows: 1, columns: dimension * queries)
      if layout.isThreeWay { outer = Matrix(rows: queries, columns: layout.outerStride) }
      alpha = Matrix(rows: queries, columns: layout.leftStride)
      beta = Matrix(rows: queries, columns: layout.rightStride)
      cutoffs = .init(repeating: 0, count: queries)
      silent = .init(repeating: false, count: queries)
    }
    if layout.isThreeWay && joined.rows == 0 {
      joined = Matrix(rows: layout.leftCount, columns: stride)
      // The filter packs sixteen at a time.
      unsafe reached.deallocate()
      unsafe reached = .allocate(capacity: layout.outerStride + 16)
    }
    // The filter stops when a whole line might not fit.
    let needed = Self.locals + layout.rightCount
    if unsafe locals.count < needed {
      unsafe locals.deallocate()
      unsafe locals = .allocate(capacity: needed)
    }
  }
}
