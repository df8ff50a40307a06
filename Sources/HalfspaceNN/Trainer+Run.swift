// SPDX-License-Identifier: Apache-2.0
internal import HalfspaceLinalg

extension Trainer {
  /// Trains for the configured epochs. To be called once: a schedule that has fallen to zero stays
  /// there.
  ///
  /// - Parameter onEpoch: called after each epoch; may end the run. Of several processes, what that of
  ///   rank 0 says is done.
  /// - Returns: the reports of all epochs.
  /// - Throws: `TrainingError.diverged` when the loss is no longer finite.
  @discardableResult
  public func run(
    onEpoch: (EpochReport) -> TrainingAction = { _ in .proceed }
  ) throws(TrainingError) -> [EpochReport] {
    var reports: [EpochReport] = []
    best = nil
    for epoch in 0..<configuration.epochs {
      let report = try runEpoch(epoch)
      reports.append(report)
      if case .stop = agreed(onEpoch(report)) { break }
      if let patience = configuration.patience, let best, report.epoch - best.epoch >= patience {
        break
      }
    }
    return reports
  }

  private func runEpoch(_ epoch: Int) throws(TrainingError) -> EpochReport {
    var order = Array(0..<inputs.rows)
    if configuration.shuffles {
      // A generator per epoch: the order of an epoch does not depend on how it was reached.
      var generator = SeededGenerator(seed: configuration.seed, stream: UInt64(epoch))
      generator.shuffle(&order)
    }
    var loss = 0.0
    let firingsBefore = firings
    let size = min(configuration.batchSize, order.count)
    for start in stride(from: 0, to: order.count, by: size) {
      loss += takeStep(order[start..<min(start + size, order.count)])
    }
    guard loss.isFinite else {
      throw .diverged(epoch: epoch + 1, learningRate: configuration.learningRate)
    }
    var report = EpochReport(
      epoch: epoch + 1, epochs: configuration.epochs, loss: loss / Double(order.count),
      learningRate: learningRate(step: max(0, stepCount - 1)),
      firingsPerRow: Double(network.communicator.sum([firings - firingsBefore])[0])
        / Double(order.count),
      materialized: network.count, times: times)
    if let validation {
      let clock = ContinuousClock.now
      let current = predictorOfLastIterates()
      let result = configuration.loss.measure(
        sharedScores(of: current, for: validation.inputs),
        against: validation.targets)
      report.validationLoss = result.loss
      report.validationAccuracy = result.accuracy
      if configuration.patience != nil, result.loss < best?.loss ?? .infinity {
        best = (result.loss, epoch + 1, current)
      }
      times.validation += clock.secondsToNow
      report.times = times
    }
    return report
  }

  /// What rank 0 wants to be done.
  private func agreed(_ action: TrainingAction) -> TrainingAction {
    network.communicator.agreed(action == .stop ? 1 : 0) == 1 ? .stop : .proceed
  }

  /// The scores of all rows, of which each process computes a share.
  private func sharedScores(of predictor: Predictor, for inputs: Matrix) -> Matrix {
    let communicator = network.communicator
    guard communicator.size > 1 else {
      return predictor.scores(for: inputs, threads: configuration.threads)
    }
    let shares = (0..<communicator.size).map { communicator.share(of: inputs.rows, rank: $0) }
    let scores = predictor.scores(
      for: inputs.gather(shares[communicator.rank]), threads: configuration.threads)
    return communicator.gather(rows: scores, counts: shares.map(\.count))
  }

  func learningRate(step: Int) -> Double {
    configuration.learningRate
      * configuration.schedule.factor(
        step: step, steps: configuration.epochs * stepsPerEpoch, stepsPerEpoch: stepsPerEpoch)
  }

  // MARK: Results

  /// The trained network: with early stopping as it was at the best epoch, otherwise as it
  /// stands, averaged over the iterates where that is asked for. A copy, O(M (d + C)); several
  /// processes call it together, and each gets all of it.
  public func predictor() -> Predictor { best?.predictor ?? predictorOfLastIterates() }

  private func predictorOfLastIterates() -> Predictor {
    var weights = (rows: network.weights, decay: network.decay)
    var outputs = (rows: network.outputs, decay: network.outputDecay)
    if let average, average.count > 0, let sum = hidden.averageSum {
      weights = IterateAverage.average(
        weights.rows, sum: sum, decaySum: average.decaySum, count: average.count)
      if let sum = output?.averageSum {
        outputs = IterateAverage.average(
          outputs.rows, sum: sum, decaySum: average.outputDecaySum, count: average.count)
      }
    }
    return network.predictor(
      weights: network.gathered(weights.rows), decay: weights.decay,
      outputs: network.gathered(outputs.rows), outputDecay: outputs.decay)
  }
}
