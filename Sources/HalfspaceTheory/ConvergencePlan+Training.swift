// SPDX-License-Identifier: Apache-2.0
public import HalfspaceLinalg
public import HalfspaceNN
internal import HalfspaceReporting

// The plan as the settings of a trainer.
extension ConvergencePlan {
  /// The planned network: symmetric pairs with fixed signs over independent Gaussian rows, of which
  /// only the first layer is trained.
  public func network(
    rows: NetworkConfiguration.Rows = .gaussian, seed: UInt64 = 1
  ) -> NetworkConfiguration {
    NetworkConfiguration(
      width: width, threshold: .value(Float(threshold)), rows: rows,
      outputs: .symmetricPairs(.signs), trainsOutputs: false, seed: seed,
      outputScale: outputScale)
  }

  /// The planned run on `rows` training rows: plain SGD at a constant rate, whose result is the
  /// average of all iterates.
  ///
  /// As many passes are made over the rows as it takes to make the planned number of steps. The
  /// guarantee is for rows that are each seen once; with several passes it speaks of the loss on
  /// the training rows. The neurons that fire are found by a static index over the initial rows with
  /// the planned margin; `Trainer.lookupSummary` has the certificate.
  ///
  /// - Throws: `PlanError` when the loss has no bounded slope or a larger one than planned.
  public func training(
    loss: Loss, rows: Int, batchSize: Int = 1, seed: UInt64 = 1, threads: Int = 1
  ) throws(PlanError) -> TrainingConfiguration {
    precondition(rows > 0 && batchSize > 0, "batches of \(batchSize) out of \(rows) rows")
    let slope = try Self.slope(of: loss)
    guard slope <= lipschitz * (1 + 1e-12) else {
      throw .lossTooSteep(name: loss.name, slope: slope, planned: lipschitz)
    }
    return TrainingConfiguration(
      loss: loss, epochs: epochs(rows: rows, batchSize: batchSize), batchSize: batchSize,
      learningRate: learningRate, schedule: .constant, optimizer: .sgd, averagingStart: 0,
      seed: seed, lookup: .staticIndex, indexMargin: indexMargin, threads: threads)
  }

  /// Passes over `rows` rows in batches of `batchSize` that make at least the planned steps.
  public func epochs(rows: Int, batchSize: Int = 1) -> Int {
    precondition(rows > 0 && batchSize > 0, "batches of \(batchSize) out of \(rows) rows")
    let stepsPerEpoch = (rows - 1) / batchSize + 1
    return (steps - 1) / stepsPerEpoch + 1
  }

  /// The largest slope of a loss of one output.
  ///
  /// - Throws: `PlanError.unsuitableLoss` when there is none, or the loss takes several outputs.
  public static func slope(of loss: Loss) throws(PlanError) -> Double {
    switch loss {
    case .absolute, .logistic, .hinge: return 1
    case .huber(let delta): return Double(delta)
    default: throw .unsuitableLoss(loss.name)
    }
  }

  /// The largest eigenvalue of the mean of `x xᵀ` over the rows of `inputs` `[n, d]`: the
  /// `concentration` of a plan for such inputs. O(n d² + d³).
  public static func concentration(of inputs: Matrix) throws(FactorizationError) -> Double {
    precondition(inputs.rows > 0, "inputs [\(inputs.rows), \(inputs.columns)]")
    let moments = inputs.product(with: inputs, transposed: true)
    var matrix = DoubleMatrix(rows: inputs.columns, columns: inputs.columns)
    for i in 0..<inputs.columns {
      for j in 0..<inputs.columns { matrix[i, j] = Double(moments[i, j]) / Double(inputs.rows) }
    }
    return try GramSpectrum(of: matrix).largest
  }
}
