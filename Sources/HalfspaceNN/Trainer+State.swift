// SPDX-License-Identifier: Apache-2.0
internal import HalfspaceLinalg
internal import HalfspaceReporting

extension Trainer {
  /// The state of the run, to be taken between two steps: a copy. O(M (d + C)), and O(n d) the first
  /// time, for the fingerprint of the data. Several processes take it together, and each gets all of
  /// it: the state does not tell how many there were.
  public func state() -> TrainerState {
    let data =
      knownData
      ?? DataFingerprint(
        inputs: inputs, targets: targets, weights: weights, offsets: offsets,
        validation: validation, validationOffsets: validationOffsets)
    knownData = data
    func layer(_ rows: Matrix, _ decay: Double, _ optimizer: LayerOptimizer?) -> TrainerState.Layer
    {
      TrainerState.Layer(
        rows: network.gathered(rows), decay: decay,
        optimizer: optimizer?.states.map { network.gathered($0) } ?? [],
        averageSum: optimizer?.averageSum.map { network.gathered($0) })
    }
    let sums = network.communicator.sum([firings, progress.firingsBefore])
    var progress = progress
    progress.firingsBefore = sums[1]
    return TrainerState(
      network: networkConfiguration, training: configuration, data: data,
      neurons: network.neurons, shards: network.shards,
      hidden: layer(network.weights, network.decay, hidden),
      output: layer(network.outputs, network.outputDecay, output), best: best,
      counts: .init(
        steps: stepCount, firings: sums[0], initialFirings: network.initialFirings,
        rowsSeen: network.rowsSeen, average: average, progress: progress, times: times),
      note: note)
  }

  /// Takes over what `makeNetwork` has left.
  func restore(_ state: TrainerState) {
    hidden = LayerOptimizer(
      optimizer: configuration.optimizer, restoring: held(of: state.hidden),
      packedSingleColumn: false)
    if output != nil {
      output = LayerOptimizer(
        optimizer: configuration.optimizer, restoring: held(of: state.output),
        packedSingleColumn: true)
    }
    average = state.counts.average
    stepCount = state.counts.steps
    progress = state.counts.progress
    note = state.note
    // Counts of all processes, which the first one takes over for all.
    firings = network.communicator.rank == 0 ? state.counts.firings : 0
    if network.communicator.rank > 0 { progress.firingsBefore = 0 }
    times = state.counts.times
    best = state.best.map { best in
      var best = best
      best.iterates.weights = best.iterates.weights.copy(packedSingleColumn: false)
      best.iterates.outputs = best.iterates.outputs.copy(packedSingleColumn: true)
      return best
    }
  }

  /// What this process stores of a layer.
  private func held(of layer: TrainerState.Layer) -> TrainerState.Layer {
    guard network.held.count < network.count else { return layer }
    var held = layer
    held.rows = network.held(of: layer.rows)
    held.optimizer = layer.optimizer.map { network.held(of: $0) }
    held.averageSum = layer.averageSum.map { network.held(of: $0) }
    return held
  }
}

extension TrainerState {
  /// The network as it was, over the given initial network.
  ///
  /// - Throws: `ConfigurationError.unusableState` when the parts do not fit each other.
  func makeNetwork(
    initial: InitialNetwork, threshold: Float, communicator: any Communicator,
    division: WorkDivision
  ) throws(ConfigurationError) -> MaterializedNetwork {
    try validate()
    let (d, c) = (hidden.rows.columns, output.rows.columns)
    guard d == initial.dimension, c == initial.outputCount else {
      throw .unusableState(
        "it has \(d) inputs and \(c) outputs, the network \(initial.dimension) and "
          + "\(initial.outputCount)")
    }
    let restored = MaterializedNetwork(
      initial: initial, threshold: threshold, neurons: neurons,
      weights: hidden.rows.copy(packedSingleColumn: false),
      outputs: output.rows, shards: shards, decay: hidden.decay, outputDecay: output.decay,
      outputScale: network.outputScale, communicator: communicator,
      // What would be cheaper is known from the static report, which is not made again.
      division: division == .batches ? .batches : .neurons)
    restored.initialFirings = counts.initialFirings
    restored.rowsSeen = counts.rowsSeen
    return restored
  }
}
