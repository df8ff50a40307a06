// SPDX-License-Identifier: Apache-2.0
internal import HalfspaceLinalg

extension ProductGrid {
  /// The numbers of groups, parts and vectors that a grid of a given shape has.
  ///
  /// A grid of two parts is one of three whose outer part has no coordinate and one vector.
  struct Layout: Sendable {
    /// Groups that hold at least one row.
    let groups: Int
    let rowsPerGroup: Int
    /// `s0`, `s1` and `s2`: vectors per part and group.
    let outerCount: Int
    let leftCount: Int
    let rightCount: Int
    /// `h0`, `h1` and `h2`: coordinates per part.
    let outerDimension: Int
    let leftDimension: Int
    let rightDimension: Int

    init(count: Int, dimension: Int, groups wanted: Int, parts: Int = 2) {
      rowsPerGroup = Self.divide(count, by: wanted)
      groups = Self.divide(count, by: rowsPerGroup)
      if parts == 3 {
        rightCount = Self.rootRoundedUp(rowsPerGroup, degree: 3)
        let lines = Self.divide(rowsPerGroup, by: rightCount)
        leftCount = Self.rootRoundedUp(lines, degree: 2)
        outerCount = Self.divide(lines, by: leftCount)
        outerDimension = dimension / 3
      } else {
        rightCount = Self.rootRoundedUp(rowsPerGroup, degree: 2)
        leftCount = Self.divide(rowsPerGroup, by: rightCount)
        outerCount = 1
        outerDimension = 0
      }
      leftDimension = (dimension - outerDimension) / 2
      rightDimension = dimension - outerDimension - leftDimension
    }

    /// Parts that have coordinates of their own.
    var isThreeWay: Bool { outerDimension > 0 }
    /// Vectors of a group.
    var vectorCount: Int { (isThreeWay ? outerCount : 0) + leftCount + rightCount }
    /// Rows of a group that share their outer vector.
    var rowsPerOuter: Int { leftCount * rightCount }

    /// `s0`, `s1` and `s2` padded: floats of one line of the tables.
    var outerStride: Int { Matrix.paddedStride(outerCount) }
    var leftStride: Int { Matrix.paddedStride(leftCount) }
    var rightStride: Int { Matrix.paddedStride(rightCount) }
    /// Where the tables of the left and the right part of a group begin.
    var leftTable: Int { outerDimension * outerStride }
    var rightTable: Int { leftTable + leftDimension * leftStride }
    var tableFloats: Int { rightTable + rightDimension * rightStride }

    private static func divide(_ number: Int, by divisor: Int) -> Int {
      (number + divisor - 1) / divisor
    }

    /// The least positive integer whose power reaches `number`, bit by bit.
    private static func rootRoundedUp(_ number: Int, degree: Int) -> Int {
      var below = 0
      for bit in (0..<63 / degree).reversed() {
        let next = below | 1 << bit
        if (1..<degree).reduce(next, { power, _ in power * next }) < number { below = next }
      }
      return below + 1
    }
  }

  /// Bytes that a grid of this shape will hold, its `memoryBytes`; the parameters are those of
  /// the initializer. At most `Int.max`. O(1).
  public static func memoryBytes(
    count: Int, dimension: Int, groups: Int? = nil, parts: Int? = nil
  ) -> Int {
    let layout = Layout(
      checkedCount: count, dimension: dimension, groups: groups, parts: parts)
    // Four bytes each: the floats of the vectors and of the tables, the permutation.
    let numbers =
      Double(layout.vectorCount) * Double(Matrix.paddedStride(dimension))
      + Double(Matrix.paddedStride(layout.tableFloats)) + Double(dimension)
    let bytes = 4 * Double(layout.groups) * numbers
    return bytes < 0x1p63 ? Int(bytes) : Int.max
  }
}

extension ProductGrid.Layout {
  /// The layout of a grid of this shape, with defaults for what is nil. Traps on shapes that make
  /// no sense.
  init(checkedCount count: Int, dimension: Int, groups: Int?, parts: Int?) {
    precondition(count > 0 && dimension > 0, "grid of shape [\(count), \(dimension)]")
    let parts = parts ?? ProductGrid.defaultPartCount(count: count, dimension: dimension)
    precondition(
      parts == 2 || (parts == 3 && dimension >= 3), "\(parts) parts of \(dimension) coordinates")
    let groups = groups ?? ProductGrid.defaultGroupCount(count: count, parts: parts)
    precondition(
      groups > 0 && groups <= RandomStream.largestGroupCount,
      "\(groups) groups is outside 1...\(RandomStream.largestGroupCount)")
    self.init(count: count, dimension: dimension, groups: groups, parts: parts)
  }
}
