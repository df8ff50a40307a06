// SPDX-License-Identifier: Apache-2.0
public import HalfspaceLinalg

extension Matrix {
  /// The largest `|self - other|` over all elements; infinite for different shapes and where
  /// only one is NaN. O(rows * columns).
  public func largestDifference(from other: Matrix) -> Float {
    guard rows == other.rows, columns == other.columns else { return .infinity }
    var largest: Float = 0
    for r in 0..<rows {
      for (a, b) in zip(rowArray(r), other.rowArray(r)) where a.bitPattern != b.bitPattern {
        largest = (a - b).isNaN ? .infinity : max(largest, abs(a - b))
      }
    }
    return largest
  }

  /// The largest `|element|`. O(rows * columns).
  public var largestMagnitude: Float {
    (0..<rows).reduce(0) { max($0, rowArray($1).reduce(0) { max($0, abs($1)) }) }
  }

  /// Whether the padding behind every row is +0. O(rows * 16).
  public var hasZeroPadding: Bool {
    (0..<rows).allSatisfy { r in
      (columns..<max(columns, stride)).allSatisfy {
        unsafe pointer[r * stride + $0].bitPattern == 0
      }
    }
  }
}
