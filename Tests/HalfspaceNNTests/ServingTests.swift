// SPDX-License-Identifier: Apache-2.0
import CAllocationCounter
import HalfspaceLinalg
import HalfspaceReporting
import Testing
import _HalfspaceTestSupport

@testable import HalfspaceNN

/// A predictor in a server: called from many threads, with buffers of the caller.
@Suite struct ServingTests {
  private func predictor(_ outputs: InitialOutputs, outputCount: Int = 3) throws -> Predictor {
    let problem = Problem.values(outputCount, rows: 200, dimension: 6)
    let trainer = try problem.trainer(
      .init(width: 4096, threshold: .expectedFiring(20), outputs: outputs, seed: 8),
      .init(loss: .squared, epochs: 1, batchSize: 8, learningRate: 0.3))
    try trainer.run()
    return trainer.predictor()
  }

  private let unseen = TestData.unitRows(150, 6, seed: 70)

  @Test(arguments: PredictorTests.initializations, [1, 3])
  func `scores go to the caller's buffers, with the same bits`(
    _ outputs: InitialOutputs, _ count: Int
  ) throws {
    let predictor = try predictor(outputs, outputCount: count)
    let expected = predictor.evaluate(unseen)
    for threads in [1, 3] {
      let room = Matrix(rows: 160, columns: count, packedSingleColumn: threads == 1)
      #expect(predictor.scores(for: unseen, into: room, threads: threads) == expected.firings)
      #expect(room.gather(0..<150).isIdentical(to: expected.scores))
    }
    var scores = [Float](repeating: 0, count: count)
    for k in 0..<150 {
      let input = unseen.rowArray(k)
      var span = scores.mutableSpan
      predictor.scores(of: input.span, into: &span)
      #expect(scores == expected.scores.rowArray(k))
    }
  }

  @Test(arguments: PredictorTests.initializations)
  func `lookups chosen beforehand change no bit`(_ outputs: InitialOutputs) throws {
    let predictor = try predictor(outputs)
    let expected = predictor.scores(for: unseen)
    predictor.prepare(like: unseen)
    for rows in [1, 10, 64, 1000] { #expect(predictor.lookup(forBatchesOf: rows) != nil) }
    #expect(predictor.scores(for: unseen).isIdentical(to: expected))
    for k in 0..<20 {
      #expect(predictor.scores(for: unseen.gather([k])).rowArray(0) == expected.rowArray(k))
    }
  }

  @Test(
    .enabled(
      if: allocation_counter_is_available() != 0, "a sanitizer stands in for the allocator"),
    arguments: PredictorTests.initializations, [false, true])
  func `calls allocate nothing once buffers are there`(
    _ outputs: InitialOutputs, _ isPrepared: Bool
  ) throws {
    let predictor = try predictor(outputs)
    if isPrepared { predictor.prepare(like: unseen) }
    let room = Matrix(rows: 150, columns: 3)
    let rows = (0..<150).map(unseen.rowArray)
    var scores = [Float](repeating: 0, count: 3)
    // Allocations of the calls alone: without optimization, making a span allocates.
    func allocationsOfAll() -> Int {
      let start = allocation_count()
      predictor.scores(for: unseen, into: room)
      var count = allocation_count() - start
      for row in rows {
        let input = row.span
        var span = scores.mutableSpan
        let before = allocation_count()
        predictor.scores(of: input, into: &span)
        count += allocation_count() - before
      }
      return count
    }
    #expect(allocationsOfAll() > 0, "so that allocations are seen at all")
    for _ in 0..<3 { #expect(allocationsOfAll() == 0) }
  }

  @Test(arguments: PredictorTests.initializations)
  func `many threads predict at once, row by row`(_ outputs: InitialOutputs) throws {
    let predictor = try predictor(outputs)
    let expected = predictor.scores(for: unseen).rowArrays
    let rows = (0..<150).map(unseen.rowArray)
    let wrong = Matrix(rows: 16, columns: 1)
    parallelFor(16, threads: 8) { task in
      var scores = [Float](repeating: 0, count: 3)
      for k in 0..<300 {
        let row = (k * 7 + task * 11) % 150
        var span = scores.mutableSpan
        let input = rows[row]
        predictor.scores(of: input.span, into: &span)
        if scores != expected[row] { wrong[task, 0] += 1 }
      }
    }
    #expect(wrong.isIdentical(to: Matrix(rows: 16, columns: 1)))
  }

  @Test func `places are given in order and taken back`() {
    var places = NeuronPlaces()
    for round in 0..<3 {
      for k in 0..<5000 {
        let neuron = (k * 7919 + round) << 20
        #expect(places.place(of: neuron) == (k, true))
        #expect(places.place(of: neuron) == (k, false))
      }
      #expect(places.count == 5000)
      places.removeAll()
      #expect(places.count == 0)
    }
  }

  @Test func `buffers of another shape trap`() async {
    await #expect(processExitsWith: .failure) {
      let predictor = Predictor(
        weights: Matrix(rows: 2, columns: 3), outputs: Matrix(rows: 2, columns: 1), threshold: 1,
        factor: 1, shards: [0, 2])
      predictor.scores(for: Matrix(rows: 2, columns: 3), into: Matrix(rows: 1, columns: 1))
    }
    await #expect(processExitsWith: .failure) {
      let predictor = Predictor(
        weights: Matrix(rows: 2, columns: 3), outputs: Matrix(rows: 2, columns: 1), threshold: 1,
        factor: 1, shards: [0, 2])
      var scores: [Float] = [0]
      var span = scores.mutableSpan
      predictor.scores(of: [1, 2].span, into: &span)
    }
  }
}
