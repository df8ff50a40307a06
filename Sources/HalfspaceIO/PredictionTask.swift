// SPDX-License-Identifier: Apache-2.0

/// What is to be predicted.
public enum PredictionTask: String, Sendable, Codable, CaseIterable {
  /// One of several classes.
  case classification
  /// A number.
  case regression
  /// Any number of several labels. Never suggested: somebody says so, or the file does.
  case multiLabel = "multi-label"

  /// The task that `target` suggests.
  ///
  /// Texts are classes. Numbers are classes when all are whole and few: two of them; or at most 20,
  /// each 5 times on average; or at most 50, each 20 times on average. O(n).
  public static func suggested(for target: TableColumn) -> PredictionTask {
    guard case .numeric(let values) = target.storage else { return .classification }
    var different: Set<Double> = []
    var count = 0
    for value in values where !value.isNaN {
      guard value == value.rounded() else { return .regression }
      different.insert(value)
      guard different.count <= 50 else { return .regression }
      count += 1
    }
    let few =
      different.count <= 2 || (different.count <= 20 && 5 * different.count <= count)
      || 20 * different.count <= count
    return few ? .classification : .regression
  }
}
