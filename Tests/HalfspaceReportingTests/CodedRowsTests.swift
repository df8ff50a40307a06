// SPDX-License-Identifier: Apache-2.0
import HalfspaceLinalg
import HalfspaceReporting
import Testing

/// Some rows of a matrix, whose codes tell what may fire.
@Suite struct CodedRowsTests {
  private let weights: Matrix
  private let numbers: [Int32]
  private let threshold: Float = 1.5

  init() {
    weights = gaussian(600, 17, seed: 15)
    numbers = (0..<600).filter { $0 % 3 == 1 || $0 > 500 }
  }

  /// The pairs that fire, of a position and a query.
  private func firing(_ queries: Matrix) -> Set<[Int]> {
    let oracle = Oracle(
      weights: weights, queries: queries, rows: 0..<queries.rows, above: threshold)
    var pairs: Set<[Int]> = []
    for (q, own) in oracle.neurons.enumerated() {
      for (position, number) in numbers.enumerated() where own.contains(Int(number)) {
        pairs.insert([position, q])
      }
    }
    return pairs
  }

  private func candidates(_ codes: CodedRows, _ queries: Matrix) -> (pairs: Set<[Int]>, count: Int)
  {
    let count = codes.findCandidates(queries, queries: queries.rows, above: threshold)
    let words = (queries.rows + 63) / 64
    var pairs: Set<[Int]> = []
    for position in 0..<((numbers.count + 63) / 64 * 64) {
      for j in 0..<(64 * words) {
        let word = unsafe codes.masks[(position / 64 * words + j / 64) * 64 + position % 64]
        if word >> (j % 64) & 1 == 1 { pairs.insert([position, j]) }
      }
    }
    return (pairs, count)
  }

  @Test(arguments: [1, 3, 40, 64, 65, 200, 1100], [1, 2])
  func `all pairs that fire are candidates, few others are, and none of other rows`(
    count: Int, threads: Int
  ) {
    let queries = gaussian(count, 17, seed: 16, scale: 1 / Float(17).squareRoot())
    let codes = CodedRows(numbers, of: weights, threads: threads)
    let (found, number) = candidates(codes, queries)
    let fired = firing(queries)
    #expect(found.isSuperset(of: fired))
    #expect(found.count == number)
    #expect(found.count < fired.count + fired.count / 3 + 20)
    #expect(found.allSatisfy { $0[0] < numbers.count && $0[1] < count })
  }

  @Test(arguments: [false, true])
  func `rows may move, whether or not it is known how far`(isKnown: Bool) {
    let queries = gaussian(30, 17, seed: 17, scale: 1 / Float(17).squareRoot())
    let few = gaussian(2, 17, seed: 18, scale: 1 / Float(17).squareRoot())
    let codes = CodedRows(numbers, of: weights, threads: 1)
    var generator = SeededGenerator(seed: 19)
    var report = FiringReport()
    for step in 0..<40 {
      // Small steps, now and then one of the size of the row.
      let length: Float = step % 10 == 9 ? 1 : 0.01
      let positions = (0..<Int32(numbers.count)).filter { _ in generator.below(3) == 0 }
      let distances = positions.map { position -> Float in
        var square = 0.0
        for c in 0..<weights.columns {
          let row = Int(numbers[Int(position)])
          let before = weights[row, c]
          weights[row, c] += length * (Float(generator.below(2001)) / 1000 - 1)
          let change = Double(weights[row, c]) - Double(before)
          square += change * change
        }
        return Float(square.squareRoot() * (1 + 1e-9)).nextUp
      }
      unsafe positions.withUnsafeBufferPointer { positions in
        unsafe distances.withUnsafeBufferPointer {
          unsafe codes.update(positions: positions, displacements: isKnown ? $0 : nil)
        }
      }
      let (found, number) = candidates(codes, queries)
      let fired = firing(queries)
      #expect(found.isSuperset(of: fired) && found.count == number)
      #expect(found.count < 2 * fired.count + 40)
      codes.report(few, queries: 2, above: threshold, into: &report)
      let expected = Oracle(weights: weights, queries: few, rows: 0..<2, above: threshold)
      for q in 0..<2 {
        let own = zip(expected.neurons[q], expected.values[q]).filter {
          numbers.contains(Int32($0.0))
        }
        #expect(report.neurons(of: q).map { Int($0) } == own.map(\.0))
        #expect(report.values(of: q).map(\.bitPattern) == own.map(\.1))
      }
    }
  }

  @Test(arguments: [Float.infinity, .nan])
  func `nothing is above what is no number, or infinite`(threshold: Float) {
    let queries = gaussian(70, 17, seed: 20)
    let codes = CodedRows(numbers, of: weights, threads: 1)
    #expect(codes.findCandidates(queries, queries: 70, above: 0) > 0)
    #expect(codes.findCandidates(queries, queries: 70, above: threshold) == 0)
    let words = (numbers.count + 63) / 64 * 64 * 2
    #expect((0..<words).allSatisfy { unsafe codes.masks[$0] == 0 })
    var report = FiringReport()
    codes.report(queries, queries: 2, above: threshold, into: &report)
    #expect(report.queryCount == 2 && report.count == 0)
  }
}
