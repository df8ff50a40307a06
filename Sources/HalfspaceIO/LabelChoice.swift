// SPDX-License-Identifier: Apache-2.0
internal import Foundation
public import HalfspaceLinalg

/// Which labels a row is given that may have any number of them.
public enum LabelChoice: Sendable, Equatable {
  /// Those with a probability above this.
  case above(probability: Double)
  /// The best so many; of equal scores the label with the smaller number comes first.
  case top(Int)

  /// Labels that are more probable than not.
  public static let probable = LabelChoice.above(probability: 0.5)

  /// The chosen labels of each row of scores `[n, L]` of the logistic loss: ascending where a
  /// probability decides, best first where the place does. O(n L), O(n L log L) for places.
  public func labels(scores: Matrix) -> [[Int32]] {
    switch self {
    case .above(let probability):
      // The score of a probability; its order is that of the probabilities.
      let least = log(probability / (1 - probability))
      return (0..<scores.rows).map { row in
        (0..<scores.columns).filter { Double(scores[row, $0]) > least }.map { Int32($0) }
      }
    case .top(let count):
      return (0..<scores.rows).map { row in
        let values = scores.rowArray(row)
        return values.indices.sorted { (values[$1], $0) < (values[$0], $1) }.prefix(count)
          .map { Int32($0) }
      }
    }
  }
}
