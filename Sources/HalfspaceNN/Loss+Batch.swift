// SPDX-License-Identifier: Apache-2.0
public import HalfspaceLinalg

extension Loss {
  /// Mean loss of `scores` `[n, C]` against n targets, and its gradient with respect to the scores:
  /// where `backward` of a model begins. O(n C).
  ///
  /// - Throws: `ConfigurationError` when loss, targets and scores do not fit each other.
  public func meanAndGradient(
    of scores: Matrix, for targets: Targets
  ) throws(ConfigurationError) -> (loss: Double, gradient: Matrix) {
    guard try outputCount(for: targets) == scores.columns, scores.rows == targets.count,
      scores.rows > 0
    else {
      throw .invalid(
        "\(targets.count) targets do not fit scores [\(scores.rows), \(scores.columns)]")
    }
    let gradient = scores.emptyTwin()
    var workspace = LossWorkspace(batch: scores.rows)
    let total = evaluate(
      batch: scores.rows, scores: scores, targets: targets,
      targetRows: (0..<scores.rows).map { $0 }[...], factor: 1 / Float(scores.rows),
      gradient: gradient, workspace: &workspace)
    return (total / Double(scores.rows), gradient)
  }
}
