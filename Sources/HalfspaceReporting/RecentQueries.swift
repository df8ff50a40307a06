// SPDX-License-Identifier: Apache-2.0
internal import HalfspaceLinalg

/// Copies of the last queries that were asked, to calibrate with.
struct RecentQueries {
  /// Queries kept.
  static let capacity = 256
  private let ring: Matrix
  private var next = 0
  /// Queries held.
  private(set) var count = 0

  init(dimension: Int) { ring = Matrix(rows: Self.capacity, columns: dimension) }

  var byteCount: Int { ring.byteCount }

  /// Keeps queries `rows`; of many, some. O(d) each.
  mutating func append(_ queries: Matrix, _ rows: Range<Int>) {
    // Once full, one of each batch keeps the sample fresh at little cost.
    let kept = min(rows.count, count < Self.capacity ? Self.capacity : 1)
    for k in 0..<kept {
      let row = rows.lowerBound + k * rows.count / kept
      unsafe ring.row(next).update(from: queries.row(row), count: ring.stride)
      next = (next + 1) % Self.capacity
      count = min(count + 1, Self.capacity)
    }
  }

  /// The queries held, repeated if they are fewer than needed for a batch.
  func sample(atLeast needed: Int) -> Matrix {
    let size = max(needed, min(count, AutomaticIndex.Watch.enoughQueries))
    return ring.gather((0..<size).map { $0 % max(1, count) })
  }
}
