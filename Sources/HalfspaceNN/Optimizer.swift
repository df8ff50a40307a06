// SPDX-License-Identifier: Apache-2.0

/// How gradients become steps.
///
/// A row that fires on no row of the batch has gradient zero. SGD and AdaGrad leave such a row
/// untouched by definition, so touching only the fired rows is *exact*. Momentum and Adam would
/// move it on; they come in two forms: `lazy` touches the fired rows only (a silent row keeps its
/// state; Adam's bias correction counts the steps of the run), otherwise every materialized row is
/// updated in every step, which equals the dense optimizer over the whole network, because a
/// latent row has a zero state.
public enum Optimizer: Sendable, Equatable, Codable {
  /// Stochastic gradient descent: `w -= rate * g`.
  case sgd
  /// `s += g²; w -= rate * g / (sqrt(s) + epsilon)` (Duchi, Hazan, Singer, JMLR 2011).
  case adaGrad(epsilon: Float = 1e-8)
  /// `v = mu v + g; w -= rate * v`.
  case momentum(mu: Float = 0.9, lazy: Bool = false)
  /// Adam with bias correction (Kingma, Ba, arXiv 1412.6980).
  case adam(
    beta1: Float = 0.9, beta2: Float = 0.999, epsilon: Float = 1e-8, lazy: Bool = false)

  /// Whether a step touches the fired rows only.
  var touchesFiredRowsOnly: Bool {
    switch self {
    case .sgd, .adaGrad: true
    case .momentum(_, let lazy), .adam(_, _, _, let lazy): lazy
    }
  }

  /// Whether a weight with gradient zero stays where it is, as its state does: then a step on sparse
  /// rows touches their columns only.
  var restsAtZeroGradient: Bool {
    switch self {
    case .sgd, .adaGrad: true
    case .momentum, .adam: false
    }
  }

  /// Number of state values per weight.
  var stateCount: Int {
    switch self {
    case .sgd: 0
    case .adaGrad, .momentum: 1
    case .adam: 2
    }
  }

  func validate() throws(ConfigurationError) {
    switch self {
    case .sgd: return
    case .adaGrad(let epsilon):
      guard epsilon > 0, epsilon.isFinite else {
        throw .invalid("AdaGrad's epsilon \(epsilon) is not positive")
      }
    case .momentum(let mu, _):
      guard mu >= 0, mu < 1 else { throw .invalid("the momentum \(mu) is not in 0..<1") }
    case .adam(let beta1, let beta2, let epsilon, _):
      guard beta1 >= 0, beta1 < 1, beta2 >= 0, beta2 < 1, epsilon > 0, epsilon.isFinite else {
        throw .invalid("Adam's beta1 \(beta1), beta2 \(beta2), epsilon \(epsilon) make no sense")
      }
    }
  }
}

extension Optimizer {
  /// The name without parameters: "sgd", "adagrad", "momentum", "adam".
  public var name: String {
    switch self {
    case .sgd: "sgd"
    case .adaGrad: "adagrad"
    case .momentum: "momentum"
    case .adam: "adam"
    }
  }
}
