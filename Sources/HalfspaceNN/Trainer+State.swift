// SPDX-License-Identifier: Apache-2.0
internal import HalfspaceLinalg
internal import HalfspaceReporting

extension Trainer {
  /// The state of the run, to be taken between two steps: a copy. O(M (d + C)), and O(n d) the first
  /// time, for the fingerprint of the data.
  public func state() -> TrainerState {
    let data =
      knownData ?? DataFingerprint(inputs: inputs, targets: targets, validation: validation)
    knownData = data
    func layer(_ rows: Matrix, _ decay: Double, _ optimizer: LayerOptimizer?) -> TrainerState.Layer
    {
      TrainerState.Layer(
        rows: rows.copy(), decay: decay, optimizer: optimizer?.states.map { $0.copy() } ?? [],
        averageSum: optimizer?.averageSum?.copy())
    }
    return TrainerState(
      network: networkConfiguration, training: configuration, data: data,
      neurons: network.neurons, shards: network.shards,
      hidden: layer(network.weights, network.decay, hidden),
      output: layer(network.outputs, network.outputDecay, output), best: best,
      counts: .init(
        steps: stepCount, firings: firings, initialFirings: network.initialFirings,
        rowsSeen: network.rowsSeen, average: average, progress: progress, times: times))
  }

  /// Takes over what `makeNetwork` has left.
  func restore(_ state: TrainerState) {
    hidden = LayerOptimizer(
      optimizer: configuration.optimizer, restoring: state.hidden, packedSingleColumn: false)
    if output != nil {
      output = LayerOptimizer(
        optimizer: configuration.optimizer, restoring: state.output, packedSingleColumn: true)
    }
    average = state.counts.average
    stepCount = state.counts.steps
    firings = state.counts.firings
    progress = state.counts.progress
    times = state.counts.times
    best = state.best.map { best in
      var best = best
      best.iterates.weights = best.iterates.weights.copy(packedSingleColumn: false)
      best.iterates.outputs = best.iterates.outputs.copy(packedSingleColumn: true)
      return best
    }
  }
}

extension TrainerState {
  /// The network as it was, over the given initial network.
  ///
  /// - Throws: `ConfigurationError.unusableState` when the parts do not fit each other.
  func makeNetwork(
    initial: InitialNetwork, threshold: Float
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
      outputScale: network.outputScale)
    restored.initialFirings = counts.initialFirings
    restored.rowsSeen = counts.rowsSeen
    return restored
  }
}
