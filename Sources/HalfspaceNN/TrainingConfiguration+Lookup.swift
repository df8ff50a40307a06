// SPDX-License-Identifier: Apache-2.0
internal import HalfspaceLinalg

extension TrainingConfiguration {
  /// Whether batches of sparse rows are needed with their zeros, by an index that knows nothing else.
  var needsBatchWithZeros: Bool {
    switch lookup {
    case .automatic, .dense: false
    case .candidateLists, .tiles, .tree, .staticIndex: true
    }
  }

  /// The lookup that is asked for, over the rows of `weights` and for the training rows `inputs`.
  ///
  /// - Throws: `ConfigurationError` for candidate lists over rows that are not in memory as a matrix.
  func makeLookup(
    inputs: InputRows, weights: Matrix
  ) throws(ConfigurationError) -> any NeuronLookup {
    if case .sparse = inputs, !needsBatchWithZeros {
      return SparseLookup(weights: weights, threads: threads)
    }
    switch lookup {
    case .automatic:
      return AutomaticLookup(
        inputs: inputs, weights: weights, threads: threads, expectedRows: epochs * inputs.rows)
    case .candidateLists:
      guard let inputs = inputs.inMemory else {
        throw .invalid(
          "candidate lists are for rows in memory, neither sparse nor streamed; use another lookup")
      }
      return CandidateLists(inputs: inputs, weights: weights, threads: threads)
    case .staticIndex:
      return StaticIndexLookup(
        weights: weights, margin: indexMargin.map { Float($0) }, threads: threads)
    case .dense, .tiles, .tree:
      return IndexLookup(lookup, weights: weights, threads: threads)
    }
  }
}
