// SPDX-License-Identifier: Apache-2.0

/// How training finds the materialized neurons that fire on a batch. The answer, and with it every
/// bit of the trained network, does not depend on it.
public enum LookupStrategy: String, Sendable, CaseIterable, Codable {
  /// Measures the others on the way and uses the cheapest.
  case automatic
  /// Every neuron against every row: `BruteForceIndex`.
  case dense
  /// `CertifiedTileIndex` over the weights.
  case tiles
  /// `PartitionTreeIndex` over the weights.
  case tree
  /// `CandidateLists` over the training rows.
  case candidateLists = "candidate-lists"
  /// A static index over the initial weights, asked at `b - rho`: `StaticIndexLookup`.
  case staticIndex = "static-index"
}
