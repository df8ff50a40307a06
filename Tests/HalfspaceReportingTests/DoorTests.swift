// SPDX-License-Identifier: Apache-2.0
import HalfspaceLinalg
import HalfspaceReporting
import Testing

/// Indexes over rows of numbers, asked queries of numbers: NaN and infinity are refused.
@Suite struct DoorTests {
  /// Rows of which one is not finite.
  private static func rows(with number: Float) -> Matrix {
    let rows = gaussian(200, 20, seed: 1)
    rows[150, 19] = number
    return rows
  }

  private static func ask(_ index: any HalfSpaceIndex, _ number: Float) {
    var index = index
    var report = FiringReport()
    index.report(queries: rows(with: number), rows: 149..<151, above: 1, into: &report)
  }

  private static func move(_ index: any HalfSpaceIndex, by distance: Float? = nil) {
    var index = index
    unsafe [Int32(3), 150].withUnsafeBufferPointer { rows in
      guard let distance else { return unsafe index.update(rows: rows) }
      unsafe [0.1, distance].withUnsafeBufferPointer {
        unsafe index.update(rows: rows, displacements: $0)
      }
    }
  }

  /// An index over rows of which one has become infinite since.
  private static func spoiled<Index>(_ make: (Matrix) -> Index) -> Index {
    let weights = rows(with: 0)
    let index = make(weights)
    weights[150, 2] = .infinity
    return index
  }

  @Test func `no index is made over rows that are not finite`() async {
    await #expect(processExitsWith: .failure) { _ = BruteForceIndex(DoorTests.rows(with: .nan)) }
    await #expect(processExitsWith: .failure) {
      _ = CertifiedTileIndex(DoorTests.rows(with: .infinity))
    }
    await #expect(processExitsWith: .failure) {
      _ = PartitionTreeIndex(DoorTests.rows(with: -.infinity))
    }
    await #expect(processExitsWith: .failure) { _ = NestedTileIndex(DoorTests.rows(with: .nan)) }
    await #expect(processExitsWith: .failure) { _ = AutomaticIndex(DoorTests.rows(with: .nan)) }
    await #expect(processExitsWith: .failure) { _ = FrozenIndex(DoorTests.rows(with: .nan)) }
  }

  @Test func `no row moves out of the finite numbers`() async {
    await #expect(processExitsWith: .failure) {
      DoorTests.move(DoorTests.spoiled { BruteForceIndex($0) })
    }
    await #expect(processExitsWith: .failure) {
      DoorTests.move(DoorTests.spoiled { CertifiedTileIndex($0) }, by: .infinity)
    }
    await #expect(processExitsWith: .failure) {
      DoorTests.move(DoorTests.spoiled { PartitionTreeIndex($0) })
    }
    await #expect(processExitsWith: .failure) {
      DoorTests.move(DoorTests.spoiled { AutomaticIndex($0) }, by: .nan)
    }
    await #expect(processExitsWith: .failure) {
      DoorTests.move(DoorTests.spoiled { NestedTileIndex($0) }, by: .infinity)
    }
  }

  @Test func `no query is asked that is not finite`() async {
    await #expect(processExitsWith: .failure) {
      DoorTests.ask(BruteForceIndex(DoorTests.rows(with: 0)), .nan)
    }
    await #expect(processExitsWith: .failure) {
      DoorTests.ask(CertifiedTileIndex(DoorTests.rows(with: 0)), .infinity)
    }
    await #expect(processExitsWith: .failure) {
      DoorTests.ask(PartitionTreeIndex(DoorTests.rows(with: 0)), -.infinity)
    }
    await #expect(processExitsWith: .failure) {
      DoorTests.ask(AutomaticIndex(DoorTests.rows(with: 0)), .nan)
    }
    await #expect(processExitsWith: .failure) {
      DoorTests.ask(NestedTileIndex(DoorTests.rows(with: 0)), .infinity)
    }
    await #expect(processExitsWith: .failure) {
      var report = FiringReport()
      FrozenIndex(DoorTests.rows(with: 0)).report(
        queries: DoorTests.rows(with: .nan), rows: 150..<151, above: 1, into: &report)
    }
  }

  private static func ask(_ weights: any InitialWeights, _ number: Float, _ rows: Range<Int>) {
    var report = InitialReport()
    var work = IndexStatistics()
    weights.report(
      queries: DoorTests.rows(with: number), rows: rows, above: 1, threads: 1, into: &report,
      statistics: &work)
  }

  @Test func `initial rows are asked no query that is not finite`() async {
    await #expect(processExitsWith: .failure) {
      DoorTests.ask(ProductGrid(count: 900, dimension: 20, seed: 1, parts: 2), .nan, 150..<151)
    }
    await #expect(processExitsWith: .failure) {
      let grid = ProductGrid(count: 900, dimension: 20, seed: 1, parts: 3)
      DoorTests.ask(grid, .infinity, 100..<200)
    }
    await #expect(processExitsWith: .failure) {
      let rows = IndependentGaussian(count: 900, dimension: 20, seed: 1)
      DoorTests.ask(rows, -.infinity, 149..<151)
    }
    // Not asked, not looked at; large numbers are numbers.
    DoorTests.ask(ProductGrid(count: 900, dimension: 20, seed: 1), .nan, 0..<150)
    DoorTests.ask(IndependentGaussian(count: 900, dimension: 20, seed: 1), .nan, 151..<200)
    DoorTests.ask(
      ProductGrid(count: 900, dimension: 20, seed: 1), .greatestFiniteMagnitude, 150..<151)
  }

  @Test func `numbers of any size come in, and what is not asked or told need not be finite`() {
    let weights = DoorTests.rows(with: .greatestFiniteMagnitude)
    let queries = DoorTests.rows(with: .nan)
    for index in [
      BruteForceIndex(weights), CertifiedTileIndex(weights), PartitionTreeIndex(weights),
      NestedTileIndex(weights), AutomaticIndex(weights),
    ] as [any HalfSpaceIndex] {
      var index = index
      DoorTests.move(index)
      DoorTests.move(index, by: 0.5)
      DoorTests.move(index, by: .infinity)
      var report = FiringReport()
      index.report(queries: queries, rows: 151..<160, above: 1, into: &report)
      #expect(
        Oracle(report) == Oracle(weights: weights, queries: queries, rows: 151..<160, above: 1))
    }
  }
}
