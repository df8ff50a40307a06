// SPDX-License-Identifier: Apache-2.0
import HalfspaceLinalg
import Testing

@testable import HalfspaceReporting

@Suite struct AutomaticIndexTests {
  typealias Structure = AutomaticIndex.Structure

  private func ask(_ index: AutomaticIndex, _ queries: Matrix, _ rows: Range<Int>) -> Oracle {
    var report = FiringReport()
    index.report(queries: queries, rows: rows, above: 1.5, into: &report)
    return Oracle(report)
  }

  @Test func `the first batch of each class calibrates, reports are exact`() {
    let weights = gaussian(3000, 12, seed: 1)
    let queries = gaussian(80, 12, seed: 2, scale: 0.3)
    let index = AutomaticIndex(weights, sampleQueries: gaussian(100, 12, seed: 3, scale: 0.3))
    #expect(index.choice(forBatchesOf: 1) == nil && index.calibrations == 0)
    for (calibrations, rows) in [(1, 0..<1), (1, 5..<7), (2, 3..<12), (3, 0..<80), (3, 4..<5)] {
      let expected = Oracle(weights: weights, queries: queries, rows: rows, above: 1.5)
      #expect(ask(index, queries, rows) == expected)
      #expect(index.calibrations == calibrations)
      let choice = index.choice(forBatchesOf: rows.count)
      #expect(choice?.batchClass == .init(of: rows.count))
      #expect((choice?.secondsPerQuery ?? 0) > 0)
    }
    #expect(index.calibrationSeconds > 0 && index.buildSeconds > 0)
  }

  @Test func `a choice made with few queries is made again when there are more`() {
    let weights = gaussian(1000, 8, seed: 1)
    let queries = gaussian(40, 8, seed: 2, scale: 0.4)
    let index = AutomaticIndex(weights)
    for q in 0..<15 { _ = ask(index, queries, q..<(q + 1)) }
    #expect(index.calibrations == 1)
    for q in 15..<40 { _ = ask(index, queries, q..<(q + 1)) }
    #expect(index.calibrations == 2)
  }

  @Test func `batches more than twice as large are calibrated with`() {
    let queries = gaussian(500, 12, seed: 2, scale: 0.3)
    let index = AutomaticIndex(gaussian(3000, 12, seed: 1))
    for (calibrations, size) in [(1, 20), (1, 40), (2, 41), (2, 80), (3, 128), (3, 500), (3, 20)] {
      _ = ask(index, queries, 0..<size)
      #expect(index.calibrations == calibrations)
    }
  }

  @Test(arguments: [Structure.scan, .certifiedTiles, .partitionTree, .orderedTiles, .nestedTiles])
  func `a structure that nobody asks hears of moves when somebody does`(structure: Structure) {
    let weights = gaussian(2000, 12, seed: 1)
    let queries = gaussian(30, 12, seed: 2, scale: 0.3)
    let index = structure.makeIndex(weights, threads: 1)
    let held = AutomaticIndex.Held(index, buildSeconds: 1)
    #expect(held.isInUse && held.byteCount == 0)
    var generator = SeededGenerator(seed: 3)
    for _ in 1...3 {
      held.noteIdleness(seconds: 0.25)
      #expect(!held.isInUse && held.idleSeconds == 0.25)
      // Some rows move twice, by little and by much, with and without distances.
      for call in 0..<8 {
        let rows = Array(Set((0..<200).map { _ in Int32(generator.below(2000)) })).sorted()
        let step: Float = call % 3 == 0 ? 1 : 0.01
        for row in rows {
          weights[Int(row), generator.below(12)] += generator.below(2) == 0 ? step : -step
        }
        let distances = [Float](repeating: step * 1.001 + 1e-5, count: rows.count)
        unsafe rows.withUnsafeBufferPointer { rows in
          unsafe distances.withUnsafeBufferPointer { distances in
            unsafe held.keep(
              AutomaticIndex.Moved(rows: rows, displacements: call % 2 == 0 ? distances : nil))
          }
        }
        #expect(held.byteCount > 0)
      }
      #expect(!held.isFull)
      held.catchUp()
      held.noteUse()
      #expect(held.isInUse && held.idleSeconds == 0 && !held.isFull)
      var report = FiringReport()
      var asked: any ForkableIndex = held.index
      asked.report(queries: queries, rows: 0..<30, above: 1.5, into: &report)
      let expected = Oracle(weights: weights, queries: queries, rows: 0..<30, above: 1.5)
      #expect(Oracle(report) == expected && !expected.neurons.joined().isEmpty)
    }
  }

  @Test func `candidates that become many or few, and rows that begin to move, are noticed`() {
    let weights = gaussian(1000, 8, seed: 1)
    let queries = gaussian(64, 8, seed: 2, scale: 0.35)
    let index = AutomaticIndex(weights, sampleQueries: queries)
    var report = FiringReport()
    func ask(_ times: Int, above threshold: Float, moving: [Int32] = []) {
      for _ in 0..<times {
        unsafe moving.withUnsafeBufferPointer { unsafe index.update(rows: $0) }
        index.report(
          queries: queries, rows: 0..<queries.rows, above: threshold, into: &report)
      }
    }
    ask(5, above: 1)
    #expect(index.calibrations == 1)
    #expect((index.choice(forBatchesOf: 64)?.candidateRate ?? 0) > 0.1)
    ask(5, above: 3)
    #expect(index.calibrations == 2)
    #expect((index.choice(forBatchesOf: 64)?.candidateRate ?? 1) < 0.1)
    ask(40, above: 3, moving: (0..<1000).map { Int32($0) })
    #expect(index.calibrations >= 3)
    let choice = index.choice(forBatchesOf: 64)
    #expect((choice?.movedPerQuery ?? 0) > 8 && (choice?.movedPerQuery ?? 99) < 32)
  }

  @Test func `losers are dropped, work is that of the answers`() {
    let weights = gaussian(2000, 16, seed: 1)
    let queries = gaussian(32, 16, seed: 2, scale: 0.25)
    let index = AutomaticIndex(weights, sampleQueries: queries)
    var report = FiringReport()
    index.report(queries: queries, rows: 0..<32, above: 1.5, into: &report)
    let work = index.statistics
    #expect(work.queries == 32 && work.reported == report.count)
    // One structure, not all: a tree alone takes more than 83 bytes a row.
    let most = Structure.allCases.map {
      var alone = $0.makeIndex(weights, threads: 1)
      alone.report(queries: queries, rows: 0..<32, above: 1.5, into: &report)
      return alone.statistics.memoryBytes
    }
    #expect(work.memoryBytes <= most.max()! + 256 * 64 + 4096)
    #expect(work.memoryBytes < most.reduce(0, +))
  }

  @Test func `too little work is not worth a choice`() {
    let weights = gaussian(20, 3, seed: 1)
    let queries = gaussian(5, 3, seed: 2)
    let index = AutomaticIndex(weights)
    let expected = Oracle(weights: weights, queries: queries, rows: 0..<5, above: 1.5)
    #expect(ask(index, queries, 0..<5) == expected)
    #expect(index.calibrations == 0 && index.choice(forBatchesOf: 5) == nil)
    let empty = AutomaticIndex(Matrix(rows: 0, columns: 3))
    #expect(ask(empty, queries, 0..<2).neurons == [[], []])
  }

  @Test func `only a clearly cheaper structure replaces the incumbent`() {
    typealias Costs = [(structure: Structure, cost: Double)]
    let costs: Costs = [(.scan, 1.0), (.certifiedTiles, 0.95), (.partitionTree, 2)]
    typealias Preference = AutomaticIndex.Preference
    #expect(Preference.winner(costs, incumbent: nil) == .certifiedTiles)
    #expect(Preference.winner(costs, incumbent: .scan) == .scan)
    #expect(Preference.winner(costs, incumbent: .partitionTree) == .certifiedTiles)
    #expect(Preference.winner(costs, incumbent: .product) == .certifiedTiles)
    let far: Costs = [(.scan, 1.0), (.certifiedTiles, 0.9)]
    #expect(Preference.winner(far, incumbent: .scan) == .certifiedTiles)
    // Of two that are close the one that is built and moved in less time, whoever is named first.
    let tie: Costs = [(.orderedTiles, 0.96), (.certifiedTiles, 1)]
    #expect(Preference.winner(tie, incumbent: nil) == .certifiedTiles)
    #expect(Preference.winner(tie, incumbent: .orderedTiles) == .orderedTiles)
    #expect(
      Preference.winner([(.orderedTiles, 0.9), (.certifiedTiles, 1)], incumbent: nil)
        == .orderedTiles)
    // Forecasts by a power are uncertain: twice the cost is close enough to be compared.
    #expect(Preference.close(costs, incumbent: nil) == [.certifiedTiles, .scan, .partitionTree])
    let power: Costs = [
      (.orderedTiles, 1), (.partitionTree, 1.5), (.certifiedTiles, 3), (.scan, 3.5),
    ]
    #expect(
      Preference.close(power, incumbent: nil) == [.orderedTiles, .partitionTree, .certifiedTiles])
    #expect(Preference.close([(.scan, 1.0), (.product, 2)], incumbent: nil) == [.scan])
    // What they promise is not believed unseen, unless it is out of reach.
    #expect(
      Preference.close([(.orderedTiles, 1), (.certifiedTiles, 9), (.scan, 10)], incumbent: nil)
        == [.orderedTiles, .certifiedTiles])
    #expect(
      Preference.close([(.partitionTree, 1), (.certifiedTiles, 40)], incumbent: nil)
        == [.partitionTree])
    let three: Costs = [(.scan, 1), (.product, 1.1), (.certifiedTiles, 1.2)]
    #expect(Preference.close(three, incumbent: nil) == [.scan, .product])
    #expect(Preference.close(three, incumbent: .certifiedTiles).count == 3)
  }

  @Test func `growth is a power of the number of rows`() {
    #expect(IndexCalibration.raise(4, to: 0.5) == 2)
    #expect(IndexCalibration.raise(16, to: 0.75) == 8)
    #expect(IndexCalibration.raise(7, to: 0) == 1)
    #expect(IndexCalibration.raise(7, to: 1) == 7)
    #expect(IndexCalibration.power(of: 2, growth: 4) == 0.5)
    #expect(IndexCalibration.power(of: 1, growth: 4) == 0)
    #expect(IndexCalibration.power(of: 0.2, growth: 4) == 0)
    #expect(IndexCalibration.power(of: 9, growth: 4) == 1)
    #expect(IndexCalibration.power(of: .nan, growth: 4) == 1)
  }

  @Test func `a sample stands for many rows`() {
    // 40,000 rows of 4 coordinates: forecasts come from 16,384 of them.
    let weights = gaussian(40_000, 4, seed: 1)
    let queries = gaussian(16, 4, seed: 2, scale: 0.5)
    let calibration = IndexCalibration(
      queries: queries, threshold: 2.5, batch: 1, threads: 1, movedPerQuery: 0, distance: nil,
      clock: IndexCalibration.now)
    #expect(calibration.isSampled(weights) && !calibration.isSampled(gaussian(999, 4, seed: 1)))
    let forecasts = calibration.forecasts(weights)
    #expect(forecasts.map(\.structure) == [.scan, .certifiedTiles, .partitionTree, .orderedTiles])
    #expect(forecasts.allSatisfy { $0.cost > 0 && $0.cost.isFinite })
    // In 40 dimensions a tree looks at everything: it is not even timed.
    let wide = calibration.with(queries: gaussian(16, 40, seed: 2, scale: 0.16))
    #expect(
      wide.forecasts(gaussian(5000, 40, seed: 1)).map(\.structure) == [.scan, .certifiedTiles])
    // Codes are nested where there are many of them, for single queries.
    let many = gaussian(30_000, 40, seed: 1)
    #expect(
      wide.forecasts(many).map(\.structure) == [.scan, .certifiedTiles, .nestedTiles])
    #expect(AutomaticIndex.Structure.nestedTiles.accepts(many, batch: 2))
    #expect(!AutomaticIndex.Structure.nestedTiles.accepts(many, batch: 3))
  }

  @Test func `queries near a subspace are recognized when enough have come`() {
    let (d, rank) = (64, 4)
    let basis = gaussian(rank, d, seed: 1, scale: 0.125)
    let factors = gaussian(300, rank, seed: 2, scale: 0.5)
    let queries = Matrix(rows: 300, columns: d)
    for q in 0..<300 {
      for k in 0..<rank {
        for c in 0..<d { queries[q, c] += factors[q, k] * basis[k, c] }
      }
    }
    #expect(TileBasis.seemsToPay(queries))
    #expect(!TileBasis.seemsToPay(gaussian(300, d, seed: 3)))
    let weights = gaussian(3000, d, seed: 4)
    let calibration = IndexCalibration(
      queries: queries.gather(0..<16), threshold: 2, batch: 1, threads: 1,
      basis: TileBasis.forQueries(queries, weights: weights), movedPerQuery: 0, distance: nil,
      clock: IndexCalibration.now)
    #expect(calibration.basis?.count == rank)
    #expect(calibration.forecasts(weights).map(\.structure).contains(.prefixTiles))
    // The first query, the sixteenth and the last that is kept; every report is exact.
    let index = AutomaticIndex(weights)
    for q in 0..<300 {
      let expected = Oracle(weights: weights, queries: queries, rows: q..<(q + 1), above: 1.5)
      #expect(ask(index, queries, q..<(q + 1)) == expected)
    }
    #expect(index.calibrations >= 3)
  }

  @Test func `recent queries are kept, the oldest make room`() {
    var recent = RecentQueries(dimension: 1)
    let queries = Matrix((0..<1000).map { [Float($0)] })
    recent.append(queries, 3..<5)
    #expect(recent.count == 2)
    let few = recent.sample(atLeast: 5)
    #expect((0..<few.rows).map { few[$0, 0] } == [3, 4, 3, 4, 3])
    recent.append(queries, 0..<1000)
    #expect(recent.count == RecentQueries.capacity)
    #expect(recent.sample(atLeast: 1).rows == AutomaticIndex.Watch.enoughQueries)
    recent.append(queries, 7..<8)
    #expect(recent.count == RecentQueries.capacity)
  }
}

extension IndexCalibration {
  fileprivate func with(queries: Matrix) -> IndexCalibration {
    IndexCalibration(
      queries: queries, threshold: threshold, batch: batch, threads: threads,
      movedPerQuery: movedPerQuery, distance: distance, clock: IndexCalibration.now)
  }
}
