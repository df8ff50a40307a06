// SPDX-License-Identifier: Apache-2.0

/// What processes that train one network divide among them. No bit of the result depends on it.
public enum WorkDivision: String, Sendable, CaseIterable, Codable {
  /// What `DivisionCost` says is cheaper.
  case automatic
  /// The stored neurons: each process holds some shards and sees every row of the batch. What travels
  /// are sums of shards, `batch * outputs` floats for each, and never a weight.
  case neurons
  /// The rows of the batch: each process holds all neurons and finds those that fire on its rows.
  /// Pairs that fire travel to the process that moves the neuron, and the rows of weights that have
  /// moved to all. Not for optimizers that move every row in every step.
  case batches
}
