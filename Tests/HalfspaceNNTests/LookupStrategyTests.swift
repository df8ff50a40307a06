// SPDX-License-Identifier: Apache-2.0
import HalfspaceLinalg
import HalfspaceReporting
import Testing
import _HalfspaceTestSupport

@testable import HalfspaceNN

/// Whatever the strategy, reports are those of brute force.
@Suite struct LookupStrategyTests {
  struct Case: CustomTestStringConvertible, Sendable {
    var strategy: LookupStrategy
    var threads = 1
    var testDescription: String { "\(strategy), \(threads) threads" }

    static let all = LookupStrategy.allCases.flatMap { strategy in
      [1, 3].map { Case(strategy: strategy, threads: $0) }
    }

    func makeLookup(inputs: Matrix, weights: Matrix) -> CheckedLookup {
      let configuration = TrainingConfiguration(
        loss: .squared, epochs: 30, lookup: strategy, threads: threads)
      return CheckedLookup(
        try! configuration.makeLookup(inputs: .dense(inputs), weights: weights), weights: weights)
    }
  }

  /// Batches of known rows, twice the same row in some, and of rows never seen.
  private struct Batches {
    var inputs: Matrix
    var generator: SeededGenerator

    mutating func next() -> LookupBatch {
      let size = 1 + Int(generator.next() % 9)
      let rows = (0..<size).map { _ in Int(generator.next() % UInt64(inputs.rows)) }
      if generator.next() % 8 == 0 {
        let strangers = TestData.unitRows(size, inputs.columns, seed: generator.next())
        return LookupBatch(inputs: strangers, count: size, numbers: nil)
      }
      return LookupBatch(inputs: inputs.gather(rows), count: size, numbers: rows[...])
    }
  }

  /// Moves some rows by a step of its own length each, most of them short.
  private static func move(
    _ weights: Matrix, _ generator: inout SeededGenerator, _ lookup: CheckedLookup
  ) {
    let moving = (0..<weights.rows).filter { _ in generator.next() % 5 == 0 }
    var lengths: [Float] = []
    for r in moving {
      let length: Float = [1e-6, 1e-3, 0.02, 0.02, 0.3, 2][Int(generator.next() % 6)]
      let step = TestData.unitRows(1, weights.columns, seed: generator.next())
      var square = 0.0
      for c in 0..<weights.columns {
        let before = Double(weights[r, c])
        weights[r, c] += length * step[0, c]
        square += (Double(weights[r, c]) - before) * (Double(weights[r, c]) - before)
      }
      lengths.append(Float(square.squareRoot() * (1 + 1e-12)).nextUp)
    }
    let rows = moving.map(Int32.init)
    // Distances are known of some steps, as with plain SGD.
    let isKnown = generator.next() % 4 != 0
    unsafe rows.withUnsafeBufferPointer { rows in
      unsafe lengths.withUnsafeBufferPointer { lengths in
        unsafe lookup.update(rows: rows, displacements: isKnown ? lengths : nil)
      }
    }
  }

  @Test(arguments: Case.all)
  func `every report is that of brute force while rows move and join`(_ test: Case) {
    var generator = SeededGenerator(seed: 5, stream: 0)
    let inputs = TestData.unitRows(60, 7, seed: 1)
    var weights = TestData.gaussian(700, 7, seed: 2)
    let lookup = test.makeLookup(inputs: inputs, weights: weights)
    var batches = Batches(inputs: inputs, generator: generator)
    var report = FiringReport()
    for step in 0..<150 {
      lookup.report(batches.next(), above: 1.5, into: &report)
      Self.move(weights, &generator, lookup)
      if step % 60 == 59 {
        weights = weights.growing(toRows: weights.rows + 40)
        let new = TestData.gaussian(40, 7, seed: UInt64(step))
        for k in 0..<40 {
          for c in 0..<7 { weights[weights.rows - 40 + k, c] = new[k, c] }
        }
        lookup.grow(to: weights)
      }
    }
    #expect(lookup.reports == 150)
    #expect(lookup.mismatches == 0)
  }

  @Test(arguments: [1, 3])
  func `candidates of long rows are decided neuron by neuron`(_ threads: Int) {
    var generator = SeededGenerator(seed: 8, stream: 0)
    let inputs = TestData.unitRows(48, 70, seed: 10)
    let weights = TestData.gaussian(28_000, 70, seed: 11)
    let lookup = Case(strategy: .candidateLists, threads: threads)
      .makeLookup(inputs: inputs, weights: weights)
    let found = PairParts()
    for step in 0..<24 {
      let rows = (0..<24).map { _ in Int(generator.next() % 48) }
      let isGrouped = lookup.report(
        LookupBatch(inputs: inputs.gather(rows), count: 24, numbers: rows[...]), above: 0.8,
        byNeuron: found, then: { _ in })
      #expect(isGrouped)
      if step % 4 == 0 { Self.move(weights, &generator, lookup) }
    }
    #expect(lookup.reports == 24 && lookup.mismatches == 0)
    #expect(lookup.work.rechecked > 24 * 100_000)
  }

  @Test(arguments: [1, 3])
  func `neurons too fast for lists are found by their codes, until they are slow`(_ threads: Int) {
    var generator = SeededGenerator(seed: 12, stream: 0)
    let inputs = TestData.unitRows(200, 20, seed: 13)
    let weights = TestData.gaussian(700, 20, seed: 14)
    let lists = CandidateLists(inputs: inputs, weights: weights, threads: threads)
    let lookup = CheckedLookup(lists, weights: weights)
    let sizes = [1, 2, 5, 16, 64, 100]
    var report = FiringReport()
    let found = PairParts()
    func train(batches: Int, moving: [Int32], length: Float) {
      for step in 0..<batches {
        let size = sizes[step % sizes.count]
        let rows = (0..<size).map { _ in Int(generator.next() % 200) }
        let batch = LookupBatch(inputs: inputs.gather(rows), count: size, numbers: rows[...])
        // Every other time row by row.
        if step / sizes.count % 2 == 0
          || !lookup.report(batch, above: 1.8, byNeuron: found, then: { _ in })
        {
          lookup.report(batch, above: 1.8, into: &report)
        }
        for (k, r) in moving.enumerated() {
          weights[Int(r), (k + step) % 20] += (k + step) % 3 == 0 ? -length : length
        }
        let lengths = moving.map { _ in length.nextUp + 0x1p-20 }
        unsafe moving.withUnsafeBufferPointer { rows in
          unsafe lengths.withUnsafeBufferPointer { lengths in
            unsafe lookup.update(rows: rows, displacements: step % 5 == 0 ? nil : lengths)
          }
        }
      }
    }
    let fast = (0..<70).map { Int32(10 * $0) }
    train(batches: 120, moving: fast, length: 0.3)
    #expect(lists.fast.count == 70 && lists.movers.isEmpty)
    #expect(lookup.groupedReports == 40 && lookup.mismatches == 0)
    let refreshed = lists.statistics.refreshedNeurons
    train(batches: 400, moving: Array(fast[..<3]), length: 1)
    #expect(lists.unlisted == Array(fast[..<3]))
    #expect(lists.statistics.refreshedNeurons >= refreshed + 67)
    #expect(lookup.mismatches == 0)
  }

  @Test(arguments: Case.all)
  func `thresholds may rise and fall`(_ test: Case) {
    var generator = SeededGenerator(seed: 6, stream: 0)
    let inputs = TestData.unitRows(40, 5, seed: 3)
    let weights = TestData.gaussian(600, 5, seed: 4)
    let lookup = test.makeLookup(inputs: inputs, weights: weights)
    var batches = Batches(inputs: inputs, generator: generator)
    var report = FiringReport()
    let thresholds: [Float] = [1, 1.1, 1.3, 2, 0.9, 0, -0.5, 0.2, 4, 1]
    for threshold in thresholds {
      for _ in 0..<12 {
        lookup.report(batches.next(), above: threshold, into: &report)
        Self.move(weights, &generator, lookup)
      }
    }
    #expect(lookup.mismatches == 0)
  }

  @Test(arguments: Case.all)
  func `rows that are no ordinary numbers are decided like all others`(_ test: Case) {
    var generator = SeededGenerator(seed: 7, stream: 0)
    let scales: [Float] = [0, .leastNonzeroMagnitude, 1e-30, 1e-10, 1, 1e10, 1e18]
    func scaled(_ rows: Int, _ seed: UInt64) -> Matrix {
      let matrix = TestData.gaussian(rows, 6, seed: seed)
      for r in 0..<rows {
        for c in 0..<6 { matrix[r, c] *= scales[(r / 3) % scales.count] }
      }
      return matrix
    }
    let inputs = scaled(45, 5)
    for threshold: Float in [0, 1, 1e-20] {
      let weights = scaled(560, 6)
      let lookup = test.makeLookup(inputs: inputs, weights: weights)
      var batches = Batches(inputs: inputs, generator: generator)
      var report = FiringReport()
      for _ in 0..<25 {
        lookup.report(batches.next(), above: threshold, into: &report)
        Self.move(weights, &generator, lookup)
      }
      #expect(lookup.mismatches == 0, "b = \(threshold)")
    }
  }

  @Test func `a row that stands exactly at the threshold fires once it has moved up one ulp`() {
    // <w, x> = w: the threshold itself is not above the threshold.
    let inputs = Matrix(rows: 20, columns: 1)
    for i in 0..<20 { inputs[i, 0] = 1 }
    for strategy in LookupStrategy.allCases {
      let weights = Matrix(rows: 600, columns: 1)
      for r in 0..<600 { weights[r, 0] = r < 300 ? 1.5 : -1 }
      let lookup = Case(strategy: strategy).makeLookup(inputs: inputs, weights: weights)
      let batch = LookupBatch(inputs: inputs, count: 20, numbers: Array(0..<20)[...])
      var report = FiringReport()
      for round in 0..<30 {
        lookup.report(batch, above: 1.5, into: &report)
        #expect(report.count == 20 * round, "\(strategy)")
        weights[7 * round, 0] = Float(1.5).nextUp
        let moved = [Int32(7 * round)]
        unsafe moved.withUnsafeBufferPointer {
          unsafe lookup.update(rows: $0, displacements: nil)
        }
      }
      #expect(lookup.mismatches == 0)
    }
  }

  @Test func `candidate lists look at few pairs once rows have come to rest`() {
    let inputs = TestData.unitRows(400, 12, seed: 8)
    let weights = TestData.gaussian(3000, 12, seed: 9)
    let lookup = Case(strategy: .candidateLists).makeLookup(inputs: inputs, weights: weights)
    var report = FiringReport()
    func epoch() -> (checked: Int, reported: Int) {
      let before = lookup.work
      for start in stride(from: 0, to: 400, by: 50) {
        let rows = Array(start..<start + 50)
        lookup.report(
          LookupBatch(inputs: inputs.gather(rows), count: 50, numbers: rows[...]), above: 2.5,
          into: &report)
      }
      return (lookup.work.rechecked - before.rechecked, lookup.work.reported - before.reported)
    }
    _ = epoch()
    _ = epoch()
    let resting = epoch()
    #expect(resting.reported > 1000)
    #expect(resting.checked < 3 * resting.reported, "of \(400 * 3000) pairs")
    #expect(lookup.mismatches == 0)
  }

  @Test func `margins of neurons that have come to rest are narrowed, and reports stay the same`() {
    let inputs = TestData.unitRows(400, 12, seed: 8)
    let weights = TestData.gaussian(3000, 12, seed: 9)
    let lists = CandidateLists(inputs: inputs, weights: weights, threads: 1)
    let lookup = CheckedLookup(lists, weights: weights)
    var generator = SeededGenerator(seed: 4)
    var report = FiringReport()
    var listed: [Int] = []
    for epoch in 0..<16 {
      for start in stride(from: 0, to: 400, by: 50) {
        let rows = Array(start..<start + 50)
        lookup.report(
          LookupBatch(inputs: inputs.gather(rows), count: 50, numbers: rows[...]), above: 2,
          into: &report)
        // Only the first rows move on; in the end some go farther than narrow margins allow.
        for r in 0..<40 { weights[r, 0] += epoch < 8 ? 0.002 : 0.02 * Float(generator.next() % 3) }
        let moved = (0..<40).map(Int32.init)
        unsafe moved.withUnsafeBufferPointer {
          unsafe lookup.update(rows: $0, displacements: nil)
        }
      }
      listed.append(lists.listedPairs)
    }
    #expect(lists.statistics.narrowings > 0)
    #expect(4 * listed.last! < 3 * listed[0])
    #expect(lists.unlisted.count == 40)
    #expect(lookup.mismatches == 0)
  }

  @Test func `what narrow margins leave out does not fire within their limits`() {
    let inputs = TestData.unitRows(200, 7, seed: 3)
    let weights = TestData.gaussian(500, 7, seed: 5)
    let lists = CandidateLists(inputs: inputs, weights: weights, threads: 1)
    let lookup = CheckedLookup(lists, weights: weights)
    let rows = Array(0..<200)
    let batch = LookupBatch(inputs: inputs, count: 200, numbers: rows[...])
    var report = FiringReport()
    lookup.report(batch, above: 1.5, into: &report)
    let wide = lists.listedPairs
    lists.narrow((0..<500).map { ($0, 1 / 64) }, above: 1.5)
    #expect(lists.unlisted.isEmpty)
    #expect(lists.listedPairs < wide)
    #expect(lists.listedPairs == lists.listed.reduce(0) { $0 + Int($1) })
    lookup.report(batch, above: 1.5, into: &report)
    // Right up to the limit, in the direction of an input, and then beyond it.
    for (length, movers) in [(Float(0.0155), 0), (0.0003, 500)] {
      for r in 0..<500 {
        for c in 0..<7 { weights[r, c] += length * inputs[r % 200, c] }
      }
      let moved = (0..<500).map(Int32.init)
      unsafe moved.withUnsafeBufferPointer { unsafe lookup.update(rows: $0, displacements: nil) }
      #expect(lists.unlisted.count == movers)
      lookup.report(batch, above: 1.5, into: &report)
    }
    #expect(lookup.mismatches == 0)
  }
}
