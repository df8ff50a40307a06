// SPDX-License-Identifier: Apache-2.0
public import HalfspaceLinalg
public import HalfspaceNN

/// A plan for given rows: what their targets need is estimated from a sample of them.
///
/// ```swift
/// let planned = try PlanForData(
///   inputs: x, targets: .values(labels), loss: .hinge, epsilon: 0.2)
/// print(planned.norm.value, planned.plan.width)
/// ```
///
/// With a threshold that depends on the width, the norm depends on the width and the width on the
/// norm: the threshold is found by repetition, on a small sample first.
public struct PlanForData: Sendable {
  /// The plan.
  public let plan: ConvergencePlan
  /// The norm that the targets need, in the space of the kernel at `kernelThreshold`.
  public let norm: NormEstimate
  /// The threshold of the kernel in which the norm was estimated; within 0.01 of the plan's.
  public let kernelThreshold: Double
  /// The loss.
  public let loss: Loss
  /// Mean loss on the sample of the function that the norm belongs to. The mean loss of the planned
  /// run, measured before each step, is expected to stay below this plus `epsilon`.
  public let fittedLoss: Double
  /// Mean loss on each row of the sample of the function fitted to the others: the same for rows that
  /// are seen once.
  public let leaveOneOutLoss: Double

  /// What to plan for.
  public struct Request: Sendable {
    /// Excess of the loss.
    public var epsilon: Double
    /// The rule for the threshold.
    public var threshold: Threshold = .paper
    /// How the regularization of the norm is chosen.
    public var regularization = NormEstimator.Regularization.crossValidation
    /// The output scale.
    public var outputScale = ConvergencePlan.OutputScale.planned
    /// Rows to estimate from; of more, as many are drawn.
    public var sampleLimit = 2000
    /// Seed of the sample.
    public var seed: UInt64 = 1
    /// Threads; the plan does not depend on them.
    public var threads = 1

    /// A request for an excess of `epsilon`, everything else as usual.
    public init(epsilon: Double) { self.epsilon = epsilon }
  }

  /// Plans for unit rows `inputs` `[n, d]` with one target each: real values, or 0/1 for the
  /// logistic and hinge losses.
  ///
  /// - Throws: `PlanError`, `NormError`, `ConfigurationError` when loss and targets do not fit,
  ///   `FactorizationError`.
  /// - Complexity: O(s² d + s³) for a sample of s rows, a few times; O(n d² + d³).
  public init(
    inputs: Matrix, targets: Targets, loss: Loss, request: Request
  ) throws {
    precondition(
      inputs.rows == targets.count, "\(targets.count) targets for \(inputs.rows) rows")
    guard inputs.rows > 1 else { throw PlanError.invalid("\(inputs.rows) rows are too few") }
    guard request.sampleLimit > 1 else {
      throw PlanError.invalid("a sample of \(request.sampleLimit) rows is too small")
    }
    guard inputs.isFinite else { throw PlanError.invalid("an input is not a finite number") }
    let lipschitz = try ConvergencePlan.slope(of: loss)
    guard case .values(let values) = targets, values.columns == 1 else {
      throw PlanError.invalid("the targets are not one number per row")
    }
    let concentration = try ConvergencePlan.concentration(of: inputs)
    func plan(_ norm: Double) throws(PlanError) -> ConvergencePlan {
      try ConvergencePlan(
        norm: norm, epsilon: request.epsilon, dimension: inputs.columns, lipschitz: lipschitz,
        concentration: min(1, concentration), threshold: request.threshold,
        outputScale: request.outputScale)
    }
    let sample = Sample(
      inputs, values, loss, limit: request.sampleLimit, seed: request.seed)
    let small = Sample(
      sample.inputs, sample.values, loss, limit: Self.firstSample, seed: request.seed)

    // Any norm gives a threshold to begin with. A larger sample needs a larger norm: by how much
    // corrects the search on the small one.
    var b = try plan(4).threshold
    var growth = 1.0
    var fit = try small.estimate(at: b, request)
    var planned = try plan(fit.norm.value)
    for _ in 0..<Self.repetitions {
      for _ in 0..<Self.repetitions {
        let last = b
        b = try plan(growth * small.estimate(at: b, request).norm.value).threshold
        if abs(b - last) < 0.25 * Self.tolerance { break }
      }
      fit = try sample.estimate(at: b, request)
      planned = try plan(fit.norm.value)
      if abs(planned.threshold - b) < Self.tolerance { break }
      growth = try fit.norm.value / small.estimate(at: b, request).norm.value
    }
    self.plan = planned
    norm = fit.norm
    kernelThreshold = b
    self.loss = loss
    fittedLoss = sample.loss(of: fit.fitted, loss)
    leaveOneOutLoss = sample.loss(of: fit.leaveOneOut, loss)
  }

  private static let firstSample = 400
  private static let repetitions = 12
  private static let tolerance = 0.01
}

/// Rows to estimate from.
private struct Sample {
  let inputs: Matrix
  /// `[s, 1]`, as the trainer takes them.
  let values: Matrix
  /// What a regression is to meet: -1 and 1 for classes.
  let targets: [Double]

  init(_ inputs: Matrix, _ values: Matrix, _ loss: Loss, limit: Int, seed: UInt64) {
    if inputs.rows > limit {
      var order = Array(0..<inputs.rows)
      var generator = SeededGenerator(seed: seed, stream: 0x706C_616E)
      generator.shuffle(&order)
      let chosen = order.prefix(limit).sorted()
      self.inputs = inputs.gather(chosen)
      self.values = values.gather(chosen)
    } else {
      self.inputs = inputs
      self.values = values
    }
    let isClass = loss == .hinge || loss == .logistic
    var targets: [Double] = []
    for r in 0..<self.values.rows {
      let value = Double(self.values[r, 0])
      targets.append(isClass ? 2 * value - 1 : value)
    }
    self.targets = targets
  }

  func estimate(at threshold: Double, _ request: PlanForData.Request) throws -> NormEstimator.Fit {
    let gram = ShiftedReLUKernel(threshold: threshold).gramMatrix(
      of: inputs, threads: request.threads)
    return try NormEstimator(gram: gram).fit(targets, regularization: request.regularization)
  }

  func loss(of scores: [Double], _ loss: Loss) -> Double {
    let matrix = Matrix(rows: scores.count, columns: 1, packedSingleColumn: true)
    for (r, score) in scores.enumerated() { matrix[r, 0] = Float(score) }
    return loss.measure(matrix, against: .values(values)).loss
  }
}
