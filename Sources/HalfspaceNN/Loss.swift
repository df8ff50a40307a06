// SPDX-License-Identifier: Apache-2.0
internal import HalfspaceLinalg

/// A loss on the outputs `f` of a network and the targets `y` of a row.
public enum Loss: Sendable, Equatable, Codable {
  /// `sum_c (f_c - y_c)² / 2`.
  case squared
  /// `sum_c |f_c - y_c|`; 1-Lipschitz in each output.
  case absolute
  /// Squared within `delta` of the target, linear beyond: `sum_c`
  /// `e² / 2` for `|e| <= delta`, else `delta (|e| - delta / 2)`.
  case huber(delta: Float)
  /// Logistic loss of one output against a target in {0, 1}: `ln(1 + exp(-(2y - 1) f))`.
  case logistic
  /// Hinge loss of one output against a target in {0, 1}: `max(0, 1 - (2y - 1) f)`.
  case hinge
  /// `-ln softmax(f)_y` for a class `y`.
  case softmaxCrossEntropy
  /// Sum over outputs of logistic losses: sets of labels, targets `[n, outputs]` in {0, 1}, or
  /// classes, each against the rest.
  case oneVersusRestLogistic

  /// Number of outputs the loss needs for these targets.
  ///
  /// - Throws: `ConfigurationError` when loss and targets do not fit each other.
  func outputCount(for targets: Targets) throws(ConfigurationError) -> Int {
    switch (self, targets) {
    case (.softmaxCrossEntropy, .classes(let classes, let count)),
      (.oneVersusRestLogistic, .classes(let classes, let count)):
      guard count >= 2 else { throw .invalid("\(count) classes, at least 2 are needed") }
      if let row = classes.firstIndex(where: { $0 < 0 || $0 >= count }) {
        throw .invalid("the class \(classes[row]) of row \(row) is outside 0..<\(count)")
      }
      return count
    case (.logistic, .values(let values)), (.hinge, .values(let values)):
      guard values.columns == 1 else {
        throw .invalid("the \(self) loss takes 1 target column, got \(values.columns)")
      }
      try requireLabels(values)
      return 1
    case (.oneVersusRestLogistic, .values(let values)):
      try requireLabels(values)
      return values.columns
    case (.oneVersusRestLogistic, .labelSets(let sets, let count)):
      guard count >= 1 else { throw .invalid("there are no labels") }
      for (row, labels) in sets.enumerated() {
        guard labels.allSatisfy({ $0 >= 0 && $0 < count }), Set(labels).count == labels.count else {
          throw .invalid(
            "the labels \(labels) of row \(row) are not different ones in 0..<\(count)")
        }
      }
      return count
    case (.squared, .values(let values)), (.absolute, .values(let values)):
      return values.columns
    case (.huber(let delta), .values(let values)):
      guard delta > 0, delta.isFinite else {
        throw .invalid("the Huber width \(delta) is not positive")
      }
      return values.columns
    default:
      throw .invalid("the \(self) loss does not fit these targets")
    }
  }

  private func requireLabels(_ values: Matrix) throws(ConfigurationError) {
    for row in 0..<values.rows {
      for column in 0..<values.columns where values[row, column] != 0 && values[row, column] != 1 {
        throw .invalid(
          "the target \(values[row, column]) of row \(row) is neither 0 nor 1, as the "
            + "\(self) loss needs")
      }
    }
  }
}

extension Loss {
  /// The name without parameters, as people write it: "squared", "softmax", "one-versus-rest".
  public var name: String {
    switch self {
    case .squared: "squared"
    case .absolute: "absolute"
    case .huber: "huber"
    case .logistic: "logistic"
    case .hinge: "hinge"
    case .softmaxCrossEntropy: "softmax"
    case .oneVersusRestLogistic: "one-versus-rest"
    }
  }
}
