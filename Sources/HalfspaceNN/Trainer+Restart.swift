// SPDX-License-Identifier: Apache-2.0

/// Beginning again, more slowly.
///
/// A rate that is too high does not make a shifted-ReLU network diverge, it silences it: a step that goes
/// too far moves a neuron out of reach of all rows, where its gradient is zero for good. The more rows
/// share a neuron, the lower the rate at which that begins, so it happens to few features first. Epochs
/// tell: in a run that goes well about as many neurons fire as at the start, or more.
extension Trainer {
  /// How often a run begins again at most.
  public static let mostRestarts = 4
  /// What each time is left of the learning rate.
  private static let slowdown = 1.0 / 3

  /// The base learning rate as it is now: that of the configuration, or less if the run has begun again.
  public var baseLearningRate: Double {
    (0..<progress.restarts).reduce(configuration.learningRate) { rate, _ in rate * Self.slowdown }
  }

  /// Whether the run begins again when it goes too fast, in the epoch that `progress` is at. Rates fall:
  /// what has not happened in the first quarter of the epochs is not worth losing the rest for.
  var mayBeginAgain: Bool {
    configuration.firingFloor != nil && progress.restarts < Self.mostRestarts
      && 4 * progress.reports.count < configuration.epochs
  }

  /// Firings a row below which an epoch makes the run begin again; 0 where it will not.
  var leastFirings: Double {
    guard let floor = configuration.firingFloor, mayBeginAgain else { return 0 }
    return floor * Double(network.initialFirings) / Double(max(1, network.rowsSeen))
  }

  /// Takes everything back to where the run began, but for the rate.
  func beginAgain() {
    let clock = Stopwatch.now
    var beginning = RunProgress()
    beginning.restarts = progress.restarts + 1
    progress = beginning
    (stepCount, firings, average, best) = (0, 0, nil, nil)
    network.takeBack(threads: configuration.threads)
    hidden = LayerOptimizer(optimizer: configuration.optimizer, parameters: network.weights)
    output =
      trainsOutputs
      ? LayerOptimizer(optimizer: configuration.optimizer, parameters: network.outputs) : nil
    moves = MoveBounds(inputs: inputs, batch: batchRows)
    do {
      lookup = try configuration.makeLookup(inputs: inputs, weights: network.weights)
    } catch {
      preconditionFailure("the lookup was made before, and now \(error)")
    }
    times.maintenance += clock.secondsToNow
  }
}
