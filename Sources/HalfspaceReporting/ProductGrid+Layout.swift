// SPDX-License-Identifier: Apache-2.0
internal import HalfspaceLinalg

extension ProductGrid {
  /// The numbers of groups, halves and vectors that a grid of a given shape has.
  struct Layout: Sendable {
    /// Groups that hold at least one row.
    let groups: Int
    let rowsPerGroup: Int
    /// `s1` and `s2`: vectors per side and group.
    let leftCount: Int
    let rightCount: Int
    /// `h1` and `h2`: coordinates per side.
    let leftDimension: Int
    let rightDimension: Int

    init(count: Int, dimension: Int, groups wanted: Int) {
      rowsPerGroup = Self.divide(count, by: wanted)
      groups = Self.divide(count, by: rowsPerGroup)
      rightCount = Self.squareRootRoundedUp(rowsPerGroup)
      leftCount = Self.divide(rowsPerGroup, by: rightCount)
      leftDimension = dimension / 2
      rightDimension = dimension - leftDimension
    }

    /// `s1` and `s2` padded: floats of one line of the tables.
    var leftStride: Int { Matrix.paddedStride(leftCount) }
    var rightStride: Int { Matrix.paddedStride(rightCount) }
    var tableFloats: Int { leftDimension * leftStride + rightDimension * rightStride }

    private static func divide(_ number: Int, by divisor: Int) -> Int {
      (number + divisor - 1) / divisor
    }

    private static func squareRootRoundedUp(_ number: Int) -> Int {
      var root = Int(Double(number).squareRoot())
      while root * root < number { root += 1 }
      while (root - 1) * (root - 1) >= number { root -= 1 }
      return root
    }
  }

  /// Bytes that a grid of this shape will hold, its `memoryBytes`; the parameters are those of
  /// the initializer. At most `Int.max`. O(1).
  public static func memoryBytes(count: Int, dimension: Int, groups: Int? = nil) -> Int {
    precondition(count > 0 && dimension > 0, "grid of shape [\(count), \(dimension)]")
    let layout = Layout(
      count: count, dimension: dimension, groups: groups ?? defaultGroupCount(count: count))
    let vectors = layout.leftCount + layout.rightCount
    // Four bytes each: the floats of the vectors and of the tables, the permutation.
    let numbers =
      Double(vectors) * Double(Matrix.paddedStride(dimension))
      + Double(Matrix.paddedStride(layout.tableFloats)) + Double(dimension)
    let bytes = 4 * Double(layout.groups) * numbers
    return bytes < 0x1p63 ? Int(bytes) : Int.max
  }

  /// The number of groups used for `count` rows when none is given: 64, with these exceptions.
  ///
  /// Below 2^14 rows a group would have fewer than 256 of them, and asking many tiny groups would
  /// cost as much as a scan: there is a group per 256 rows. Above 2^32 rows the 64 groups would
  /// need more than 2^20 half-vectors: groups give way, down to 4, until 2^20 are enough.
  /// `s1 * G`, the number of vectors that a side averages over, still grows throughout.
  public static func defaultGroupCount(count: Int) -> Int {
    if count < 1 << 14 { return max(1, count / 256) }
    if count > 1 << 32 { return max(4, Int((0x1p38 / Double(count)).rounded())) }
    return 64
  }
}
