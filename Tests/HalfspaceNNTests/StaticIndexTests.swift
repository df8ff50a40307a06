// SPDX-License-Identifier: Apache-2.0
import HalfspaceLinalg
import HalfspaceReporting
import Testing
import _HalfspaceTestSupport

@testable import HalfspaceNN

/// What a static index vouches for, besides being exact as every strategy is
/// (`LookupStrategyTests`, `TrajectoryTests`).
@Suite struct StaticIndexTests {
  private static let inputs = TestData.unitRows(300, 6, seed: 21)

  /// Asks for all inputs, twenty at a time; `move` is called in between.
  private func ask(
    _ lookup: CheckedLookup, above threshold: Float, _ move: (Int) -> [Int32] = { _ in [] }
  ) {
    var report = FiringReport()
    for batch in 0..<15 {
      let rows = Array(20 * batch..<20 * (batch + 1))
      lookup.report(
        LookupBatch(inputs: Self.inputs.gather(rows), count: 20, numbers: rows[...]),
        above: threshold, into: &report)
      let moved = move(batch)
      unsafe moved.withUnsafeBufferPointer { unsafe lookup.update(rows: $0, displacements: nil) }
    }
  }

  /// Moves every row away from `start` to a distance of at most `distance`.
  private func scatter(
    _ weights: Matrix, from start: Matrix, distance: Float, seed: Int
  ) -> [Int32] {
    let steps = TestData.unitRows(weights.rows, weights.columns, seed: UInt64(100 + seed))
    for r in 0..<weights.rows {
      for c in 0..<weights.columns { weights[r, c] = start[r, c] + distance * steps[r, c] }
    }
    return (0..<Int32(weights.rows)).map { $0 }
  }

  private func lookup(_ weights: Matrix, margin: Float?) -> CheckedLookup {
    CheckedLookup(
      StaticIndexLookup(weights: weights, margin: margin, threads: 1), weights: weights)
  }

  @Test(arguments: [Float(0.05), 0.2])
  func `within the margin one index is enough and looks at as many as predicted`(
    _ margin: Float
  ) throws {
    let weights = TestData.gaussian(6000, 6, seed: 22)
    let start = weights.copy()
    let lookup = lookup(weights, margin: margin)
    ask(lookup, above: 1.5) { scatter(weights, from: start, distance: 0.99 * margin, seed: $0) }
    #expect(lookup.mismatches == 0)
    let certificate = try #require(lookup.statistics.certificate)
    #expect(certificate.holds && certificate.violations == 0 && certificate.rebuilds == 0)
    #expect(abs(certificate.largestDisplacement / Double(0.99 * margin) - 1) < 1e-4)
    // Scattered rows are no longer N(0, 1) in length, by a little.
    #expect(abs(certificate.overReport / certificate.predictedOverReport - 1) < 0.06)
    #expect(certificate.firings == lookup.work.reported)
    // In six dimensions half of this many rows are decided, besides the candidates.
    #expect(lookup.work.innerProducts < 6000 * 300 * 7 / 10)
  }

  @Test func `a row beyond the margin is counted, found, and in the end indexed where it is`()
    throws
  {
    let weights = TestData.gaussian(500, 6, seed: 23)
    let start = weights.copy()
    let lookup = lookup(weights, margin: 0.1)
    ask(lookup, above: 1.5) { batch in
      guard batch == 2 else { return [] }
      // From where it fires on nothing to where it fires on much.
      for r in [7, 400] { weights.setRow(r, to: [4, 0, 0, 0, 0, 0]) }
      return [7, 400]
    }
    var certificate = try #require(lookup.statistics.certificate)
    #expect(lookup.mismatches == 0)
    #expect(!certificate.holds && certificate.violations == 2 && certificate.rebuilds == 0)
    let distance = [7, 400].map { r in
      start.rowArray(r).enumerated().reduce(0.0) {
        let difference = Double($1.element) - ($1.offset == 0 ? 4 : 0)
        return $0 + difference * difference
      }.squareRoot()
    }
    #expect(abs(certificate.largestDisplacement / distance.max()! - 1) < 1e-5)
    // Two outsiders cost as much as a new index after 8 * 500 / 2 queries.
    for _ in 0..<7 { ask(lookup, above: 1.5) }
    certificate = try #require(lookup.statistics.certificate)
    #expect(certificate.rebuilds == 1 && certificate.violations == 2)
    #expect(lookup.mismatches == 0)
  }

  @Test(arguments: [Float(1e-30), 1e-7, 1e6])
  func `margins that are of no use cost time only`(_ margin: Float) throws {
    let weights = TestData.gaussian(500, 6, seed: 24)
    let start = weights.copy()
    let lookup = lookup(weights, margin: margin)
    ask(lookup, above: 1) { scatter(weights, from: start, distance: 0.01, seed: $0) }
    #expect(lookup.mismatches == 0)
    let certificate = try #require(lookup.statistics.certificate)
    #expect(certificate.candidates >= certificate.firings)
    if margin == 1e6 { #expect(certificate.overReport > 5 && certificate.holds) }
  }

  @Test func `queries of every length are asked at a threshold of their own`() throws {
    let inputs = TestData.unitRows(60, 6, seed: 25)
    for r in 0..<60 {
      let length: Float = [1, 0, 1e-20, 0.3, 5, 1e13, 1e37][r % 7]
      inputs.setRow(r, to: inputs.rowArray(r).map { $0 * length })
    }
    let weights = TestData.gaussian(700, 6, seed: 26)
    let start = weights.copy()
    let lookup = lookup(weights, margin: 0.05)
    var report = FiringReport()
    for round in 0..<5 {
      lookup.report(
        LookupBatch(inputs: inputs, count: 60, numbers: nil), above: 0.7, into: &report)
      let moved = scatter(weights, from: start, distance: 0.04, seed: round)
      unsafe moved.withUnsafeBufferPointer { unsafe lookup.update(rows: $0, displacements: nil) }
    }
    #expect(lookup.mismatches == 0)
    #expect(try #require(lookup.statistics.certificate).holds)
  }

  @Test func `without a margin one is chosen that costs about two candidates for a firing`() throws
  {
    let weights = TestData.gaussian(4000, 6, seed: 27)
    let lookup = lookup(weights, margin: nil)
    ask(lookup, above: 2)
    let certificate = try #require(lookup.statistics.certificate)
    #expect(abs(certificate.margin - 0.5 * 0.6931) < 1e-3)
    #expect(certificate.overReport > 1.7 && certificate.overReport < 2.6)
  }

  @Test func `a trainer gives the certificate of its run`() throws {
    let problem = Problem.values(1, rows: 200, dimension: 5)
    func trainer(_ lookup: LookupStrategy) throws -> Trainer {
      try problem.trainer(
        NetworkConfiguration(
          width: 2000, threshold: .value(1.2), rows: .gaussian, outputs: .symmetricPairs(.signs),
          trainsOutputs: false, outputScale: 4),
        TrainingConfiguration(
          loss: .squared, epochs: 3, batchSize: 8, learningRate: 0.02, lookup: lookup,
          indexMargin: 0.1))
    }
    let still = try trainer(.staticIndex)
    let dense = try trainer(.dense)
    let check = still.checkLookups()
    try still.run()
    try dense.run()
    #expect(check.mismatches == 0 && check.reports == still.stepCount)
    #expect(still.network.isIdentical(to: dense.network))
    let certificate = try #require(still.lookupSummary.statistics.certificate)
    #expect(certificate.holds && certificate.largestDisplacement > 0)
    #expect(dense.lookupSummary.statistics.certificate == nil)
  }
}
