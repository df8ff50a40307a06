// SPDX-License-Identifier: Apache-2.0

/// What is measured: every row that has a target, and one-dimensional sweeps through them.
enum Sweep {
  private static let firings = [0.001, 0.01, 0.05]

  /// About a quarter of an hour.
  static func full(tables: [String]) -> [LookupCase] {
    let single = [1]
    var cases = trained(tables, batches: [1, 8, 64])
    // The product grid, and its rows when they have moved.
    for (m, d, batches) in [(20, 128, [1, 128]), (17, 784, single), (20, 16, single)] {
      cases.append(grid(m, d, firings, batches))
    }
    cases.append(grid(20, 128, [0.001, 0.01], single, drift: 0.05))
    // Independent rows: width, then dimension, then batches.
    cases.append(gaussian(20, 128, firings, single))
    for m in [14, 16, 18] {
      cases.append(gaussian(m, 128, [0.01], [1, 128]))
      cases.append(grid(m, 128, [0.01], single))
    }
    cases.append(
      LookupCase(
        distribution: .gaussian, m: 1 << 17, d: 128, firings: firings,
        batches: [1, 8, 32, 128, 512], moved: [0.01, 0.1]))
    cases.append(gaussian(17, 1024, firings, single))
    cases.append(gaussian(17, 512, firings, [1, 128]))
    for d in [32, 64, 256] { cases.append(gaussian(17, d, [0.01], [1, 128])) }
    for d in [2, 4, 8, 16] { cases.append(gaussian(20, d, firings, single)) }
    for d in [2, 4, 8, 16] { cases.append(gaussian(17, d, [0.01], [1, 128])) }
    cases.append(gaussian(14, 1024, [0.01], [1, 32]))
    // Structure that nobody asked for.
    for (distribution, d) in [(LookupCase.Distribution.lowRankInputs, 128), (.manifold, 64)] {
      cases.append(
        LookupCase(
          distribution: distribution, m: 1 << 17, d: d, firings: firings, batches: [1, 128]))
    }
    return cases
  }

  /// A minute or two: the main rows only.
  static func quick(tables: [String]) -> [LookupCase] {
    [
      grid(20, 128, [0.01], [1]), grid(18, 128, [0.01], [128]),
      gaussian(14, 128, [0.01], [1, 128]),
      LookupCase(
        distribution: .gaussian, m: 1 << 17, d: 128, firings: [0.001, 0.01], batches: [1, 128],
        moved: [0.01]),
      gaussian(20, 4, [0.01], [1]), gaussian(17, 16, [0.01], [1, 8]),
      LookupCase(
        distribution: .manifold, m: 1 << 17, d: 64, firings: [0.01], batches: [1]),
      LookupCase(
        distribution: .lowRankInputs, m: 1 << 17, d: 128, firings: [0.01], batches: [1]),
    ] + trained(tables.filter { $0 == "digits" }, batches: [1, 64])
  }

  /// What programs of others are measured on.
  static let peers: [LookupCase] = [
    gaussian(17, 128, [0.001, 0.01, 0.05], [1, 128]), gaussian(17, 512, [0.01], [1, 128]),
    gaussian(17, 4, [0.001, 0.01], [1, 128]), gaussian(17, 16, [0.01], [1, 128]),
  ]

  private static func gaussian(
    _ log: Int, _ d: Int, _ firings: [Double], _ batches: [Int]
  ) -> LookupCase {
    LookupCase(
      distribution: .gaussian, m: 1 << log, d: d, firings: firings, batches: batches)
  }

  private static func grid(
    _ log: Int, _ d: Int, _ firings: [Double], _ batches: [Int], drift: Float = 0
  ) -> LookupCase {
    LookupCase(
      distribution: .productGrid(drift: drift), m: 1 << log, d: d, firings: firings,
      batches: batches)
  }

  private static func trained(_ tables: [String], batches: [Int]) -> [LookupCase] {
    tables.map {
      LookupCase(
        distribution: .trained($0), m: 0, d: 0, firings: [], batches: batches,
        moved: [0.01, 0.1])
    }
  }
}
