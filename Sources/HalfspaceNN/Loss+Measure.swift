// SPDX-License-Identifier: Apache-2.0
public import HalfspaceLinalg

extension Loss {
  /// Mean loss of `scores` `[n, C]` against n targets and, for classes, the share of rows whose
  /// largest score is the right one. O(n C).
  public func measure(
    _ scores: Matrix, against targets: Targets
  ) -> (loss: Double, accuracy: Double?) {
    precondition(
      scores.rows == targets.count && scores.rows > 0,
      "\(targets.count) targets for scores [\(scores.rows), \(scores.columns)]")
    var workspace = LossWorkspace(batch: scores.rows)
    let total = evaluate(
      batch: scores.rows, scores: scores, targets: targets,
      targetRows: (0..<scores.rows).map { $0 }[...], factor: 1, gradient: scores.emptyTwin(),
      workspace: &workspace)
    guard case .classes(let classes, _) = targets else {
      return (total / Double(scores.rows), nil)
    }
    let right = classes.indices.count { scores.indexOfLargest(inRow: $0) == Int(classes[$0]) }
    return (total / Double(scores.rows), Double(right) / Double(scores.rows))
  }
}

extension Matrix {
  /// Column of the largest element of a row, the first of equals. O(columns).
  public func indexOfLargest(inRow row: Int) -> Int {
    precondition(row >= 0 && row < rows, "row \(row) is outside [\(rows), \(columns)]")
    let elements = unsafe self.row(row)
    var best = 0
    for column in 1..<max(1, columns) where unsafe elements[column] > elements[best] {
      best = column
    }
    return best
  }
}
