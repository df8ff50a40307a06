// SPDX-License-Identifier: Apache-2.0
import HalfspaceIO
import Testing

@Suite struct TrainTestSplitTests {
  @Test(arguments: [
    (10, 0.2, 2), (20_000, 0.2, 4000), (1797, 0.2, 359), (5, 0.5, 3), (1, 0.2, 0), (2, 0.2, 1),
    (3, 0.99, 2), (0, 0.2, 0), (7, 0, 0),
  ])
  func `every row is in one part, and the parts have their sizes`(
    _ rows: Int, _ fraction: Double, _ testCount: Int
  ) {
    let split = TrainTestSplit(rowCount: rows, testFraction: fraction, seed: 1)
    #expect(split.test.count == testCount)
    #expect((split.training + split.test).sorted() == Array(0..<rows))
    #expect(split.training == split.training.sorted())
    #expect(split.test == split.test.sorted())
  }

  @Test func `the seed decides, and nothing else`() {
    let split = TrainTestSplit(rowCount: 100, seed: 1)
    #expect(TrainTestSplit(rowCount: 100, seed: 1) == split)
    #expect(TrainTestSplit(rowCount: 100, seed: 2) != split)
    // As an independent implementation of the generator has it: old splits must stay.
    #expect(TrainTestSplit(rowCount: 20, seed: 1).test == [1, 10, 16, 17])
  }

  @Test func `every row comes into the test part equally often`() {
    var counts = [Int](repeating: 0, count: 10)
    for seed in 0..<2000 {
      for row in TrainTestSplit(rowCount: 10, seed: UInt64(seed)).test { counts[row] += 1 }
    }
    // 400 expected, standard deviation 18.
    #expect(counts.allSatisfy { (310...490).contains($0) })
  }

  @Test func `classes keep their shares and a row to train on`() {
    // 50 of class 0, 23 of class 1, 2 of class 5, 1 of class 7.
    let classes = (0..<76).map { row -> Int32 in
      switch row {
      case 75: 7
      case 30, 60: 5
      default: row % 3 == 0 && row < 69 ? 1 : 0
      }
    }
    var sizes: [Int32: Int] = [:]
    for label in classes { sizes[label, default: 0] += 1 }
    for seed in 0..<50 {
      let split = TrainTestSplit(stratifying: classes, seed: UInt64(seed))
      #expect(split.test.count == 15)
      #expect((split.training + split.test).sorted() == Array(0..<76))
      for (label, size) in sizes {
        let count = split.test.count { classes[$0] == label }
        #expect(abs(Double(count) - 0.2 * Double(size)) < 1)
        #expect(count < size)
      }
    }
    #expect(
      TrainTestSplit(stratifying: classes, seed: 3) == TrainTestSplit(stratifying: classes, seed: 3)
    )
  }

  @Test func `classes of one row each are all for training`() {
    let split = TrainTestSplit(stratifying: [0, 1, 2, 3, 4], seed: 1)
    #expect(split.training == [0, 1, 2, 3, 4])
    #expect(split.test.isEmpty)
  }

  @Test func `fractions outside zero to one trap`() async {
    await #expect(processExitsWith: .failure) {
      _ = TrainTestSplit(rowCount: 10, testFraction: 1, seed: 1)
    }
    await #expect(processExitsWith: .failure) {
      _ = TrainTestSplit(rowCount: 10, testFraction: .nan, seed: 1)
    }
  }
}
