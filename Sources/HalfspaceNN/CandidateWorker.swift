// SPDX-License-Identifier: Apache-2.0
internal import HalfspaceLinalg
internal import HalfspaceReporting

/// Scratch of one task of a report from candidate lists.
///
/// - Note: `Sendable` is unchecked; a worker belongs to one task at a time.
@safe final class CandidateWorker: @unchecked Sendable {
  /// The pairs of one task among several.
  var pairs = FiringReport()
  /// Pairs decided since the counter was read.
  var checked = 0
  /// The movers' rows, and their products with rows of the batch.
  private(set) var gathered = Matrix(rows: 0, columns: 0)
  private(set) var products = Matrix(rows: 0, columns: 0)
  /// Candidates that are decided neuron by neuron.
  var block = CandidateBlock()
  private var first = FiringReport()
  private var second = FiringReport()
  /// Room for what fires of a list, and of the movers.
  @unsafe private(set) var listed:
    (
      neurons: UnsafeMutablePointer<Int32>, values: UnsafeMutablePointer<Float>
    )
  @unsafe private(set) var moving:
    (
      neurons: UnsafeMutablePointer<Int32>, values: UnsafeMutablePointer<Float>
    )
  private var capacity = 16

  init() {
    unsafe listed = first.reserve(capacity)
    unsafe moving = second.reserve(capacity)
  }

  var byteCount: Int { gathered.byteCount + products.byteCount + block.byteCount + 16 * capacity }

  func prepare(listed: Int, moving: Int) {
    let needed = max(listed, moving)
    guard needed > capacity else { return }
    capacity = needed + needed / 4
    unsafe self.listed = first.reserve(capacity)
    unsafe self.moving = second.reserve(capacity)
  }

  func prepareProducts(rows: Int, movers: Int, like weights: Matrix) {
    if gathered.rows < movers || gathered.columns != weights.columns {
      gathered = Matrix(rows: movers + movers / 4, columns: weights.columns)
    }
    if products.rows < rows || products.columns < movers {
      products = Matrix(
        rows: max(rows, products.rows), columns: max(products.columns, movers + movers / 4))
    }
  }
}
