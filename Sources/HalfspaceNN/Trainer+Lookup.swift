// SPDX-License-Identifier: Apache-2.0
internal import HalfspaceLinalg
internal import HalfspaceReporting

extension Trainer {
  /// How the neurons that fired were found, since the strategy in use was taken. O(M d).
  public var lookupSummary: LookupSummary {
    LookupSummary(strategy: lookup.strategy, work: lookup.work, statistics: lookup.statistics)
  }

  /// Finds the neurons that fire by another strategy from the next step on. No bit of the network
  /// depends on it.
  ///
  /// - Complexity: what its structures cost over M stored rows, O(M d); candidate lists are made by
  ///   the next step, O(n M d).
  /// - Throws: `ConfigurationError` for a strategy that the kind of input rows does not allow.
  public func useLookup(_ strategy: LookupStrategy) throws(ConfigurationError) {
    var settings = configuration
    settings.lookup = strategy
    guard batch.rows == batchRows || !settings.needsBatchWithZeros else {
      throw .invalid("this trainer holds sparse rows without their zeros, which indexes need")
    }
    lookup = try settings.makeLookup(inputs: inputs, weights: network.weights)
  }

  /// Tells the lookup what the step on `batch` has moved.
  func tellMoves(on batch: LookupBatch) {
    guard !isShared || dividedBatch == nil else {
      let moved =
        unsafe dividedBatch?.exchangeRows(
          step.activeNeurons, weights: network.weights, outputs: network.outputs) ?? []
      unsafe moved.withUnsafeBufferPointer { unsafe lookup.update(rows: $0, displacements: nil) }
      return
    }
    guard configuration.optimizer.touchesFiredRowsOnly else {
      let stored = network.held.count
      if allNeurons.count != stored { allNeurons = (0..<Int32(stored)).map { $0 } }
      unsafe allNeurons.withUnsafeBufferPointer {
        unsafe lookup.update(rows: $0, displacements: nil)
      }
      return
    }
    unsafe lookup.update(rows: step.activeNeurons, displacements: step.moveBounds)
  }
}
