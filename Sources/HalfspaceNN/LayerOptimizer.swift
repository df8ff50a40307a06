// SPDX-License-Identifier: Apache-2.0
internal import CHalfspace
internal import Foundation
internal import HalfspaceLinalg

/// The optimizer's state for one weight matrix, and its running average.
///
/// State rows belong to weight rows; a row that joins later starts with a zero state, as it would
/// have had all along.
struct LayerOptimizer {
  let optimizer: Optimizer
  /// First and second state matrix, of the parameters' shape; empty where not needed.
  private(set) var states: [Matrix]
  /// `sum_t S_(t-1) * step_t`, see `IterateAverage`; nil while not averaging.
  var averageSum: Matrix?

  init(optimizer: Optimizer, parameters: Matrix) {
    self.optimizer = optimizer
    states = (0..<optimizer.stateCount).map { _ in parameters.emptyTwin() }
  }

  /// The state that a layer of a checkpoint has; its matrices are copied.
  init(optimizer: Optimizer, restoring layer: TrainerState.Layer, packedSingleColumn: Bool) {
    self.optimizer = optimizer
    states = layer.optimizer.map { $0.copy(packedSingleColumn: packedSingleColumn) }
    averageSum = layer.averageSum?.copy(packedSingleColumn: packedSingleColumn)
  }

  /// Whether a step is `w -= rate * g` and nothing else.
  var isPlainSGD: Bool {
    if case .sgd = optimizer { averageSum == nil } else { false }
  }

  mutating func grow(toRows rows: Int) {
    states = states.map { $0.growing(toRows: rows) }
    averageSum = averageSum?.growing(toRows: rows)
  }

  /// The numbers a step needs beside the gradient. All rows of a step share them.
  struct Step {
    /// What the step is multiplied by before it is added: `-rate / decay`.
    var alpha: Float
    /// `alpha * S_(t-1)` for the average; ignored while not averaging.
    var averageAlpha: Float
    /// Number of this step, from 1 (Adam's bias correction).
    var number: Int
  }

  /// Turns `count` gradient rows (compact, consumed) into steps for rows `ids` and adds them.
  @unsafe func apply(
    _ step: Step, count: Int, ids: UnsafePointer<Int32>, gradient: UnsafeMutablePointer<Float>,
    parameters: Matrix
  ) {
    let stride = parameters.stride
    switch optimizer {
    case .sgd: break
    case .adaGrad(let epsilon):
      unsafe hs_adagrad_rows_f32(count, ids, stride, epsilon, gradient, states[0].pointer)
    case .momentum(let mu, _):
      unsafe hs_momentum_rows_f32(count, ids, stride, mu, gradient, states[0].pointer)
    case .adam(let beta1, let beta2, let epsilon, _):
      let scale1 = 1 / (1 - pow(Double(beta1), Double(step.number)))
      let scale2 = 1 / (1 - pow(Double(beta2), Double(step.number)))
      unsafe hs_adam_rows_f32(
        count, ids, stride, beta1, beta2, Float(scale1), Float(scale2), epsilon, gradient,
        states[0].pointer, states[1].pointer)
    }
    unsafe hs_add_rows_f32(count, ids, stride, step.alpha, gradient, parameters.pointer)
    if let averageSum {
      unsafe hs_add_rows_f32(count, ids, stride, step.averageAlpha, gradient, averageSum.pointer)
    }
  }
}
