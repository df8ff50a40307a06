// SPDX-License-Identifier: Apache-2.0
public import HalfspaceLinalg

/// What a network is to predict, one entry per row of the inputs.
public enum Targets: Sendable {
  /// Class numbers `0..<count`.
  case classes([Int32], count: Int)
  /// Real values `[n, outputs]`: regression targets, or 0/1 for the logistic and hinge losses.
  case values(Matrix)
  /// Labels of every row, any number of different ones, in `0..<count`.
  case labelSets([[Int32]], count: Int)

  /// Number of rows.
  public var count: Int {
    switch self {
    case .classes(let classes, _): classes.count
    case .values(let matrix): matrix.rows
    case .labelSets(let sets, _): sets.count
    }
  }

  /// The targets of the given rows, in the given order.
  public func gather(_ rows: some Collection<Int>) -> Targets {
    switch self {
    case .classes(let classes, let count): .classes(rows.map { classes[$0] }, count: count)
    case .values(let matrix): .values(matrix.gather(rows))
    case .labelSets(let sets, let count): .labelSets(rows.map { sets[$0] }, count: count)
    }
  }
}

extension Targets {
  /// The real values, if these are real values.
  var matrix: Matrix? {
    if case .values(let matrix) = self { matrix } else { nil }
  }
}
