// SPDX-License-Identifier: Apache-2.0

/// One network and what is asked of it.
struct LookupCase {
  /// Where the rows and the queries come from.
  enum Distribution: Equatable {
    /// Independent Gaussian rows, queries in random directions.
    case gaussian
    /// Rows of a product grid that have moved by `drift`, as vectors of that length.
    case productGrid(drift: Float)
    /// Rows on a closed surface of two dimensions.
    case manifold
    /// Gaussian rows; queries near a subspace of 16 dimensions.
    case lowRankInputs
    /// The rows that training has stored, and the rows of the table.
    case trained(String)

    /// The name in results.
    var name: String {
      switch self {
      case .gaussian: "gaussian"
      case .productGrid: "productGrid"
      case .manifold: "manifold"
      case .lowRankInputs: "lowRankInputs"
      case .trained: "trained"
      }
    }

    /// The name with its parameter.
    var label: String {
      switch self {
      case .productGrid(let drift) where drift > 0: "productGrid, drift \(drift)"
      case .trained(let table): "trained, \(table)"
      default: name
      }
    }
  }

  let distribution: Distribution
  /// Shape of the rows; of trained rows it is what training says.
  let m: Int
  let d: Int
  /// Shares of pairs that fire. Empty: the threshold the network was trained with.
  let firings: [Double]
  /// Queries asked at once.
  let batches: [Int]
  /// Shares of the rows that move between two asks, at the firing share in the middle.
  var moved: [Double] = []

  /// Queries to prepare.
  var queryCount: Int { max(64, batches.max() ?? 1) }
}
