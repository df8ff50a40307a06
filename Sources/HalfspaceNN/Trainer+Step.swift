// SPDX-License-Identifier: Apache-2.0
internal import CHalfspace
public import HalfspaceLinalg
internal import HalfspaceReporting

extension Trainer {
  /// Takes one step on the given training rows (at most a batch) and returns the sum of their
  /// losses before it.
  ///
  /// `run(onEpoch:)` is a loop over this; call it directly to choose the batches yourself. When
  /// streamed rows can no longer be read, no step is taken and the loss is NaN; `run` then throws
  /// `TrainingError.unreadable`.
  ///
  /// - Parameter next: the rows of the next step, if they are known: they are brought near meanwhile. Nothing else
  ///   depends on them.
  @discardableResult
  public func takeStep(_ rows: ArraySlice<Int>, followedBy next: ArraySlice<Int> = []) -> Double {
    precondition(
      !rows.isEmpty && rows.count <= batchRows, "\(rows.count) rows for batches of \(batchRows)")
    guard readFailure == nil else { return .nan }
    if let sparse, case .sparse(let matrix) = inputs { sparse.gather(rows, of: matrix) }
    if let matrix {
      InputRows.copy(rows, of: matrix, to: batch)
    } else if batch.rows > 0 {
      do throws(RowReadError) {
        try inputs.copy(rows, to: batch)
      } catch {
        readFailure = error
        return .nan
      }
    }
    if !next.isEmpty { fetch(next) }
    return takeStep(
      LookupBatch(inputs: batch, count: rows.count, numbers: rows, sparse: sparse), targets)
  }

  /// Bytes of rows that stay in the caches beside a step's own.
  private static let mostFetchedBytes = 1 << 16

  /// Brings rows near, with what else is kept for each of them: they may be anywhere in memory.
  private func fetch(_ rows: ArraySlice<Int>) {
    guard let matrix, rows.count * matrix.stride <= Self.mostFetchedBytes / 4 else { return }
    unsafe rows.withUnsafeBufferPointer { rows in
      let bytes = matrix.stride * MemoryLayout<Float>.stride
      unsafe hs_prefetch_rows(rows.count, rows.baseAddress, bytes, matrix.pointer)
      guard case .classes(let classes, _) = targets else { return }
      unsafe classes.withUnsafeBytes { classes in
        unsafe hs_prefetch_rows(
          rows.count, rows.baseAddress, MemoryLayout<Int32>.stride, classes.baseAddress)
      }
      unsafe moves.fetchNorms(rows)
    }
  }

  /// Takes one step on rows never seen before: makes their static report, lets the neurons that
  /// fire join, and trains on them. `inputs` is `[at most a batch, d]`, finite.
  ///
  /// - Returns: the sum of the losses before the step.
  @discardableResult
  public func takeStep(
    onNew inputs: Matrix, targets: Targets
  ) throws(ConfigurationError) -> Double {
    guard try configuration.loss.outputCount(for: targets) == outputCount else {
      throw .invalid("the targets do not have the \(outputCount) outputs of the network")
    }
    try Self.check(.dense(inputs), targets)
    precondition(
      inputs.rows <= batchRows && inputs.columns == network.dimension,
      "inputs [\(inputs.rows), \(inputs.columns)] for batches of [\(batchRows), "
        + "\(network.dimension)]")
    precondition(offsets == nil, "new rows have no offsets")
    let clock = Stopwatch.now
    let before = network.held.count
    network.materialize(
      firingOn: inputs, rows: 0..<inputs.rows, threads: configuration.threads)
    if network.held.count > before {
      hidden.grow(toRows: network.held.count)
      output?.grow(toRows: network.held.count)
      lookup.grow(to: network.weights)
    }
    dividedBatch?.grow(network)
    times.report += clock.secondsToNow
    sparse?.gather(Array(0..<inputs.rows)[...], of: SparseMatrix(inputs))
    return takeStep(
      LookupBatch(inputs: inputs, count: inputs.rows, numbers: nil, sparse: sparse), targets)
  }

  private func takeStep(_ batch: LookupBatch, _ targets: Targets) -> Double {
    // Of several processes, all wait for the slowest, which no clock of one of them tells.
    let turn = isShared ? .together : threadChoice.begin()
    let loss =
      turn == .alone
      ? onThisThreadAlone { takeParts(batch, targets) } : takeParts(batch, targets)
    threadChoice.end()
    return loss
  }

  /// The parts of a step: lookup, forward, loss, backward, upkeep. Returns the sum of the losses before it.
  private func takeParts(_ batch: LookupBatch, _ targets: Targets) -> Double {
    let rows = batch.count
    let targetRows = batch.numbers ?? (0..<rows).map { $0 }[...]
    var timer = timer
    defer { self.timer = timer }
    timer.start(all: isShared)
    let found = lookUp(batch)
    // What is found in parts goes on to the forward pass at once.
    let summed = found == .parts ? step.parts.secondsAfter : 0
    times.lookup += timer.lap(without: summed)

    let exchanged = isShared ? traffic.seconds : 0
    var scoring = forward(rows: rows, found)
    if let offsets {
      scoring?.run(0..<rows)
      scoring = nil
      scores.add(offsets, rows: targetRows)
    }
    times.forward +=
      timer.lap() + timer.scaled(summed) - (isShared ? traffic.seconds - exchanged : 0)

    // d loss / d w = scale * outputDecay * <a, g> x, and the same factor for a when trained
    // (both layers then share one decay); the mean over the batch goes in here too.
    let factor = Double(network.scale) * network.outputDecay / Double(rows)
    let loss = configuration.loss.evaluate(
      batch: rows, scores: scores, targets: targets, targetRows: targetRows,
      weights: batch.numbers == nil ? nil : weights,
      factor: Float(factor), gradient: gradient, workspace: &lossWorkspace,
      threads: configuration.threads, scoring: scoring)
    times.loss += timer.lap()

    backward(batch)
    times.backward += timer.lap()

    tellMoves(on: batch)
    times.maintenance += timer.lap()
    if isShared { times.exchange += traffic.seconds - exchanged }
    return loss
  }

  /// Where what fires has been found: in `report`, or neuron by neuron in `step`, as a whole or in parts.
  private enum Found { case report, pairs, parts }

  /// Finds the neurons that fire. Those found in parts have been summed, shard by shard.
  private func lookUp(_ batch: LookupBatch) -> Found {
    let threshold = network.effectiveThreshold
    if !isShared {
      let parts = step.parts
      // One row is never divided.
      let isDivisible = batch.count > 1
      if isDivisible { parts.places = network.shards }
      let passes =
        isDivisible && threadsToHave(configuration.threads) > 1 ? passes(rows: batch.count) : nil
      let isGrouped = lookup.report(batch, above: threshold, byNeuron: parts) { part in
        if parts.count > 1 { passes?.sum(part: part) }
      }
      if isGrouped {
        step.takeOverParts()
        firings += step.pairCount
        return step.isDivided ? .parts : .pairs
      }
    }
    if isShared, let share = dividedBatch?.share(of: batch) {
      lookup.report(share, above: threshold, into: &report)
    } else {
      lookup.report(batch, above: threshold, into: &report)
    }
    firings += report.count
    return .report
  }

  private func passes(rows: Int) -> SparseStep.ShardPasses {
    step.forwardOfShards(
      queries: rows, outputs: network.outputs, shards: network.shards,
      factor: network.outputFactor, scores: scores)
  }

  /// The scores of the batch, from what was found, or what is left of their computation; afterwards `step` has the
  /// pairs whose neurons are moved here.
  private func forward(rows: Int, _ found: Found) -> Loss.Scoring? {
    switch found {
    case .report: forwardReport(rows: rows)
    case .pairs:
      step.forward(
        queries: rows, outputs: network.outputs, shards: network.shards,
        factor: network.outputFactor, scores: scores)
    case .parts:
      let passes = passes(rows: rows)
      return Loss.Scoring(work: passes.workOfScores) { passes.score($0) }
    }
    return nil
  }

  private func forwardReport(rows: Int) {
    let stored = network.weights.rows
    guard isShared else {
      step.load(report, neurons: stored)
      step.forward(
        report, outputs: network.outputs, shards: network.shards, factor: network.outputFactor,
        scores: scores)
      return
    }
    guard dividedBatch == nil else {
      dividedBatch?.forward(step, report, network: network, rows: rows, scores: scores)
      dividedBatch?.exchangePairs(report, rows: rows, into: &ownedReport)
      step.load(ownedReport, neurons: stored)
      return
    }
    step.load(report, neurons: stored)
    sharedForward?.run(step, report, network: network, scores: scores)
  }

  private func backward(_ batch: LookupBatch) {
    let rate = learningRate(step: stepCount)
    startAveragingIfDue()
    let shrink = 1 - rate * configuration.weightDecay
    network.decay *= shrink
    if trainsOutputs { network.outputDecay *= shrink }
    func stepParameters(_ decay: Double, _ decaySum: Double) -> LayerOptimizer.Step {
      let alpha = -rate / decay
      return .init(
        alpha: Float(alpha), averageAlpha: Float(alpha * decaySum), number: stepCount + 1)
    }
    defer {
      average?.add(decay: network.decay, outputDecay: network.outputDecay)
      stepCount += 1
    }
    let (hiddenStep, outputStep) = (
      stepParameters(network.decay, average?.decaySum ?? 0),
      stepParameters(network.outputDecay, average?.outputDecaySum ?? 0)
    )
    // Steps of few pairs would take time to pass the layers' states along.
    if case .sgd = configuration.optimizer, average == nil, batch.sparse == nil {
      let asksForBounds = dividedBatch == nil && lookup.wantsDisplacements
      step.descend(
        gradient: gradient, inputs: batch.inputs, weights: network.weights,
        outputs: network.outputs, alpha: hiddenStep.alpha,
        outputAlpha: trainsOutputs ? outputStep.alpha : nil,
        bounding: asksForBounds
          ? moves.terms(for: batch, alpha: hiddenStep.alpha, weights: network.weights) : nil)
      moves.add(step.largestMove)
      return
    }
    step.backward(
      gradient: gradient,
      layers: .init(
        inputs: batch.inputs,
        sparse: configuration.optimizer.restsAtZeroGradient ? batch.sparse : nil,
        weights: network.weights, outputs: network.outputs, hidden: hidden, output: output),
      hiddenStep: hiddenStep, outputStep: outputStep,
      allNeurons: !configuration.optimizer.touchesFiredRowsOnly)
    moves.add(nil)
  }

  private func startAveragingIfDue() {
    guard average == nil, let start = configuration.averagingStart,
      Double(stepCount) >= start * Double(configuration.epochs * stepsPerEpoch)
    else { return }
    average = IterateAverage()
    hidden.averageSum = network.weights.emptyTwin()
    output?.averageSum = network.outputs.emptyTwin()
  }
}
