// SPDX-License-Identifier: Apache-2.0
internal import Foundation
internal import HalfspaceLinalg
internal import HalfspaceReporting

// What a plan leads one to expect.
extension ConvergencePlan {
  /// `m = 2 q`.
  public var width: Int { 2 * halfWidth }

  /// `Q(b)`: the probability that a neuron fires on an input, at initialization.
  public var firingProbability: Double { GaussianTail.probability(above: threshold) }

  /// `m Q(b)`: neurons expected to fire on an input, at initialization.
  public var expectedFiring: Double { Double(width) * firingProbability }

  /// `eta / B²`: the learning rate of a `Trainer`.
  public var learningRate: Double { stepSize / (outputScale * outputScale) }

  /// `B / sqrt(m)`: the factor on sums over neurons.
  public var scale: Double { outputScale / Double(width).squareRoot() }

  /// How far rows move in the whole run.
  public var drift: DriftForecast {
    DriftForecast(
      norm: norm, width: width, threshold: threshold, outputScale: outputScale,
      concentration: concentration)
  }

  /// `(1 + sqrt 2) M / (B sqrt m)`: the root mean square over neurons of how far a row moves in the
  /// whole run, at most, in expectation and in the linearized network.
  public var driftBound: Double { drift.rootMeanSquare }

  /// `rho`: the displacement that no single row is expected to exceed, the drift bound times what the
  /// row that fires most often moves more than the mean (`DriftForecast`). An index over the initial
  /// rows, asked at `b - rho`, then misses no neuron that fires on a unit input.
  public var indexMargin: Double { drift.largest }

  /// `Q(b - rho) / Q(b)`: candidates of that index for each neuron that fires.
  public var overReport: Double {
    GaussianTail.probability(above: threshold - indexMargin) / firingProbability
  }

  /// `L M sqrt(lambda / q) + M² / (2 eta t) + eta L² Q(b) / 2`: the bound of the expected excess
  /// loss of the average of the first `steps` iterates, in the linearized network.
  public func excessBound(afterSteps steps: Int) -> Double {
    precondition(steps > 0, "\(steps) steps")
    let approximation = lipschitz * norm * (concentration / Double(halfWidth)).squareRoot()
    let distance = norm * norm / (2 * stepSize * Double(steps))
    return approximation + distance + stepSize * lipschitz * lipschitz * firingProbability / 2
  }

  /// Multiply-adds of a whole run, by how the neurons that fire are found. Every way also pays for
  /// moving the rows that fire, `m Q(b) d` per sample.
  public struct Cost: Sendable, Equatable {
    /// All neurons, by products with every row: `m d` per sample.
    public var dense: Double
    /// Given for nothing, `m Q(b) d` per sample for their values: what no exact method can beat.
    public var oracle: Double
    /// Lists of candidates within the margin of each of `rows` training rows: `m d` per row once,
    /// then `m Q(b - rho) d` per sample.
    public var candidateLists: Double
    /// A product grid asked once per training row and candidates kept as above: `2 sqrt(q G) d / 2`
    /// multiplications and `q / 16` comparisons per row.
    public var productGrid: Double

    /// How many times less than a dense run the cheaper of the two lookups costs.
    public var saving: Double { dense / min(candidateLists, productGrid) }
  }

  /// The cost of the planned steps on batches of `batchSize` out of `rows` training rows; nil: every
  /// row is seen once.
  public func cost(batchSize: Int = 1, rows: Int? = nil) -> Cost {
    precondition(batchSize > 0, "batches of \(batchSize)")
    let samples = Double(steps) * Double(batchSize)
    let rows = rows.map(Double.init) ?? samples
    let (m, q, d) = (Double(width), Double(halfWidth), Double(dimension))
    let fired = expectedFiring * d
    let candidates = min(m, expectedFiring * overReport) * d
    let groups = Double(ProductGrid.defaultGroupCount(count: halfWidth))
    let grid = (q * groups).squareRoot() * d + q / 16 + candidates
    return Cost(
      dense: samples * (m * d + fired), oracle: samples * 2 * fired,
      candidateLists: rows * m * d + samples * (candidates + fired),
      productGrid: rows * grid + samples * (candidates + fired))
  }
}
