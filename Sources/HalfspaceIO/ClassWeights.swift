// SPDX-License-Identifier: Apache-2.0
internal import HalfspaceNN

/// How often the rows of each class count in training.
public enum ClassWeights: Sendable, Equatable {
  /// Every class counts as much as any other: n / (C n_c) for a class of n_c of n rows and C
  /// classes, as scikit-learn's `balanced`.
  case balanced
  /// Weights by label; classes that are not named count once.
  case given([String: Double])

  /// The weight of each class.
  ///
  /// - Parameters:
  ///   - classes: the classes of the training rows.
  ///   - labels: the labels, by class number.
  /// - Throws: `ConfigurationError` for a label that is none and for weights that make no sense.
  func weights(of classes: [Int32], labels: [String]) throws(ConfigurationError) -> [Double] {
    switch self {
    case .balanced:
      var counts = [Int](repeating: 0, count: labels.count)
      for label in classes { counts[Int(label)] += 1 }
      return counts.map { count in
        count == 0 ? 1 : Double(classes.count) / Double(labels.count * count)
      }
    case .given(let weights):
      for (label, weight) in weights.sorted(by: { $0.key < $1.key }) {
        guard labels.contains(label) else {
          throw .invalid(
            "there is no class \"\(label)\" to weigh, only \(labels.joined(separator: ", "))")
        }
        guard weight >= 0, weight.isFinite else {
          throw .invalid("the weight \(weight) of class \"\(label)\" is not a number of at least 0")
        }
      }
      return labels.map { weights[$0] ?? 1 }
    }
  }
}
