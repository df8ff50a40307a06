// SPDX-License-Identifier: Apache-2.0
internal import HalfspaceLinalg

extension TrainingConfiguration {
  /// The lookup that is asked for, over the rows of `weights` and for the training rows `inputs`.
  func makeLookup(inputs: Matrix, weights: Matrix) -> any NeuronLookup {
    switch lookup {
    case .automatic:
      AutomaticLookup(
        inputs: inputs, weights: weights, threads: threads, expectedRows: epochs * inputs.rows)
    case .candidateLists:
      CandidateLists(inputs: inputs, weights: weights, threads: threads)
    case .staticIndex:
      StaticIndexLookup(weights: weights, margin: indexMargin.map { Float($0) }, threads: threads)
    case .dense, .tiles, .tree:
      IndexLookup(lookup, weights: weights, threads: threads)
    }
  }
}
