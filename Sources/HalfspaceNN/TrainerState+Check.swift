// SPDX-License-Identifier: Apache-2.0
internal import HalfspaceLinalg

extension TrainerState {
  /// The most offsets of shards that a network has.
  private static let shardLimit = MaterializedNetwork.mostShards + 1
  /// Counts beyond this are no counts; sums with them might overflow.
  private static let countLimit = 1 << 60

  /// Checks that the parts fit each other and the settings. O(M).
  ///
  /// - Throws: `ConfigurationError.unusableState` with what does not fit.
  public func validate() throws(ConfigurationError) {
    let m = neurons.count
    guard m > 0, neurons.allSatisfy({ $0 >= 0 && $0 < network.width }),
      Set(neurons).count == m
    else {
      throw .unusableState("its \(m) neurons are not those of a network of \(network.width)")
    }
    guard (2...Self.shardLimit).contains(shards.count), shards.first == 0, shards.last == m,
      zip(shards, shards.dropFirst()).allSatisfy(<=)
    else { throw .unusableState("its shards do not cut \(m) neurons") }
    let isAveraging = counts.average != nil
    let states = training.optimizer.stateCount
    try Self.check(hidden, "first layer", rows: m, states: states, averages: isAveraging)
    try Self.check(
      output, "output weights", rows: m, states: network.trainsOutputs ? states : 0,
      averages: network.trainsOutputs && isAveraging)
    try checkCounts()
    try checkBest()
  }

  private static func check(
    _ layer: Layer, _ name: String, rows: Int, states: Int, averages: Bool
  ) throws(ConfigurationError) {
    let columns = layer.rows.columns
    guard layer.rows.rows == rows, columns > 0 else {
      throw .unusableState(
        "its \(name) is [\(layer.rows.rows), \(columns)] for \(rows) neurons")
    }
    guard layer.optimizer.count == states, (layer.averageSum != nil) == averages else {
      throw .unusableState("its \(name) lacks what the optimizer or the average needs")
    }
    for matrix in layer.optimizer + [layer.averageSum].compactMap({ $0 }) {
      guard matrix.rows == rows, matrix.columns == columns else {
        throw .unusableState(
          "a matrix of the \(name) is [\(matrix.rows), \(matrix.columns)], not "
            + "[\(rows), \(columns)]")
      }
    }
    try check(decay: layer.decay)
  }

  private static func check(decay: Double) throws(ConfigurationError) {
    guard decay > 0, decay <= 1 else {
      throw .unusableState("what weight decay has left is \(decay)")
    }
  }

  private func checkCounts() throws(ConfigurationError) {
    let progress = counts.progress
    let numbers = [
      counts.steps, counts.firings, counts.initialFirings, counts.rowsSeen, progress.rowsDone,
      progress.firingsBefore, counts.average?.count ?? 0,
    ]
    guard numbers.allSatisfy({ (0...Self.countLimit).contains($0) }),
      progress.firingsBefore <= counts.firings, progress.rowsDone <= data.inputs.rows,
      progress.reports.count <= training.epochs,
      counts.average.map({ training.averagingStart != nil && $0.isPossible }) ?? true
    else { throw .unusableState("its counts contradict each other") }
  }

  private func checkBest() throws(ConfigurationError) {
    guard let best else { return }
    let (weights, outputs) = (best.iterates.weights, best.iterates.outputs)
    // The rows of the last shard may have come later.
    guard training.patience != nil, (1...neurons.count).contains(weights.rows),
      weights.rows >= shards[shards.count - 2], weights.columns == hidden.rows.columns,
      outputs.rows == weights.rows, outputs.columns == output.rows.columns,
      best.epoch >= 1, best.epoch <= counts.progress.reports.count
    else { throw .unusableState("its best weights do not fit the network") }
    try Self.check(decay: best.iterates.decay)
    try Self.check(decay: best.iterates.outputDecay)
  }

  /// Checks that this state is one of the run with the given settings and data.
  ///
  /// - Throws: `ConfigurationError.otherRun` with what differs.
  func requireSameRun(
    network: NetworkConfiguration, training: TrainingConfiguration, data: DataFingerprint
  ) throws(ConfigurationError) {
    var stored = self.training
    // The result does not depend on these.
    stored.lookup = training.lookup
    stored.threads = training.threads
    try Self.requireEqual(self.network, network)
    try Self.requireEqual(stored, training)
    try Self.requireEqual(self.data, data)
  }

  /// Names the first property that differs.
  private static func requireEqual<Value: Equatable>(
    _ stored: Value, _ given: Value
  ) throws(ConfigurationError) {
    guard stored != given else { return }
    for (old, new) in zip(Mirror(reflecting: stored).children, Mirror(reflecting: given).children)
    where String(reflecting: old.value) != String(reflecting: new.value) {
      throw .otherRun(
        what: old.label ?? "", saved: Self.text(old.value), given: Self.text(new.value))
    }
    throw .otherRun(what: "settings", saved: "\(stored)", given: "\(given)")
  }

  /// A value as a person reads it.
  private static func text(_ value: Any) -> String {
    let mirror = Mirror(reflecting: value)
    if mirror.displayStyle == .optional {
      return mirror.children.first.map { text($0.value) } ?? "none"
    }
    if let part = value as? DataFingerprint.Part {
      return "[\(part.rows), \(part.columns)] with checksum \(String(part.checksum, radix: 16))"
    }
    return "\(value)"
  }
}
