// SPDX-License-Identifier: Apache-2.0
internal import HalfspaceLinalg

extension Trainer {
  /// Trains for the configured epochs, from where the run is: called again after it was stopped, it
  /// goes on; once it is finished, it does nothing.
  ///
  /// - Parameters:
  ///   - onEpoch: called after each epoch; may end the run. Of several processes, what that of
  ///     rank 0 says is done, here and for `onStep`. After a report of an epoch in which too few neurons
  ///     fired (`TrainingConfiguration.firingFloor`), the next is of epoch 1 again.
  ///   - onStep: called after each step; may end the run, between any two steps.
  /// - Returns: the reports of all epochs finished, also those before a stop.
  /// - Throws: `TrainingError.diverged` when the loss is no longer finite, `.unreadable` when streamed
  ///   rows cannot be read any more.
  @discardableResult
  public func run(
    onEpoch: (EpochReport) -> TrainingAction = { _ in .proceed },
    onStep: () -> TrainingAction = { .proceed }
  ) throws(TrainingError) -> [EpochReport] {
    while !isFinished {
      let action = takeSteps(onStep)
      if let readFailure { throw .unreadable(readFailure) }
      // A stop at the last step of an epoch is one after the epoch.
      guard progress.rowsDone == inputs.rows else { break }
      if !progress.loss.isFinite, mayBeginAgain {
        beginAgain()
        continue
      }
      let least = leastFirings
      let report = try endEpoch()
      // Before anybody sees it: what is saved now is where the run goes on.
      if report.firingsPerRow < least { beginAgain() }
      if case .stop = agreed(onEpoch(report)) { break }
      if case .stop = action { break }
    }
    return progress.reports
  }

  /// Whether all epochs are done, or early stopping has ended the run.
  public var isFinished: Bool {
    if let patience = configuration.patience, let best,
      progress.reports.count - best.epoch >= patience
    {
      return true
    }
    return progress.reports.count >= configuration.epochs
  }

  /// Neurons that fired on a training row in the last epoch finished, on average; until there is one,
  /// in the epoch under way. Several processes ask for it together.
  public var firingsPerRow: Double {
    progress.reports.last?.firingsPerRow
      ?? Double(network.communicator.sum([firings - progress.firingsBefore])[0])
      / Double(max(1, progress.rowsDone))
  }

  /// Epochs done, with the part of the one under way.
  public var epochsDone: Double {
    Double(progress.reports.count) + Double(progress.rowsDone) / Double(inputs.rows)
  }

  /// Takes the steps that are left of the epoch under way, or as many as are wanted.
  private func takeSteps(_ onStep: () -> TrainingAction) -> TrainingAction {
    var order = Array(0..<inputs.rows)
    if configuration.shuffles {
      // A generator per epoch: the order of an epoch does not depend on how it was reached.
      var generator = SeededGenerator(
        seed: configuration.seed, stream: UInt64(progress.reports.count))
      generator.shuffle(&order)
    }
    if progress.rowsDone == 0 { progress.firingsBefore = firings }
    let size = min(configuration.batchSize, order.count)
    while progress.rowsDone < order.count {
      let end = min(progress.rowsDone + size, order.count)
      let next = end..<min(end + size, order.count)
      let loss = takeStep(order[progress.rowsDone..<end], followedBy: order[next])
      // A step whose rows could not be read was not taken.
      guard readFailure == nil else { return .stop }
      progress.loss += loss
      progress.rowsDone = end
      if case .stop = agreed(onStep()) { return .stop }
    }
    return .proceed
  }

  /// Measures the epoch under way, all of whose steps are taken, and begins the next.
  private func endEpoch() throws(TrainingError) -> EpochReport {
    let epoch = progress.reports.count + 1
    guard progress.loss.isFinite else {
      throw .diverged(epoch: epoch, learningRate: baseLearningRate)
    }
    let rows = Double(inputs.rows)
    var report = EpochReport(
      epoch: epoch, epochs: configuration.epochs, loss: progress.loss / rows,
      learningRate: learningRate(step: max(0, stepCount - 1)),
      firingsPerRow: Double(network.communicator.sum([firings - progress.firingsBefore])[0]) / rows,
      materialized: network.count, times: times)
    if let validation {
      let clock = Stopwatch.now
      let current = iterates()
      let scores: Matrix
      do throws(RowReadError) {
        scores = try sharedScores(of: network.predictor(of: current), for: validation.inputs)
      } catch {
        throw .unreadable(error)
      }
      if let validationOffsets { scores.add(validationOffsets, rows: 0..<scores.rows) }
      let result = configuration.loss.measure(scores, against: validation.targets)
      report.validationLoss = result.loss
      report.validationAccuracy = result.accuracy
      if configuration.patience != nil, result.loss < best?.loss ?? .infinity {
        best = BestIterates(loss: result.loss, epoch: epoch, iterates: current)
      }
      times.validation += clock.secondsToNow
      report.times = times
    }
    progress.reports.append(report)
    progress.rowsDone = 0
    progress.loss = 0
    return report
  }

  /// What rank 0 wants to be done.
  private func agreed(_ action: TrainingAction) -> TrainingAction {
    network.communicator.agreed(action == .stop ? 1 : 0) == 1 ? .stop : .proceed
  }

  /// The scores of all rows, of which each process computes a share.
  private func sharedScores(
    of predictor: Predictor, for inputs: InputRows
  ) throws(RowReadError) -> Matrix {
    let communicator = network.communicator
    guard communicator.size > 1 else {
      return try predictor.scores(for: inputs, threads: configuration.threads)
    }
    let shares = (0..<communicator.size).map { communicator.share(of: inputs.rows, rank: $0) }
    let scores = try predictor.scores(
      for: inputs.gather(Array(shares[communicator.rank])), threads: configuration.threads)
    return communicator.gather(rows: scores, counts: shares.map(\.count))
  }

  func learningRate(step: Int) -> Double {
    baseLearningRate
      * configuration.schedule.factor(
        step: step, steps: configuration.epochs * stepsPerEpoch, stepsPerEpoch: stepsPerEpoch)
  }

  // MARK: Results

  /// The trained network: with early stopping as it was at the best epoch, otherwise as it
  /// stands, averaged over the iterates where that is asked for. A copy, O(M (d + C)); several
  /// processes call it together, and each gets all of it.
  public func predictor() -> Predictor { network.predictor(of: best?.iterates ?? iterates()) }

  /// A copy of the weights as they stand, or their average.
  private func iterates() -> Iterates {
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
    return Iterates(
      weights: network.gathered(weights.rows), decay: weights.decay,
      outputs: network.gathered(outputs.rows), outputDecay: outputs.decay)
  }
}
