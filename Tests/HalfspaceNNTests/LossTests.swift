// SPDX-License-Identifier: Apache-2.0
import Foundation
import HalfspaceLinalg
import Testing
import _HalfspaceTestSupport

@testable import HalfspaceNN

/// Values and derivatives against formulas in Double, written out here.
@Suite struct LossTests {
  /// What a loss says about `scores`, with the gradient's buffer full of a marker before.
  private func evaluate(
    _ loss: Loss, _ scores: Matrix, _ targets: Targets, rows: [Int]? = nil, factor: Float = 1,
    marker: Float = 0
  ) -> (loss: Double, gradient: Matrix) {
    let gradient = scores.emptyTwin()
    for i in 0..<(gradient.rows * gradient.stride) { unsafe gradient.pointer[i] = marker }
    var workspace = LossWorkspace(batch: scores.rows)
    let rows = rows ?? Array(0..<targets.count)
    let value = loss.evaluate(
      batch: rows.count, scores: scores, targets: targets, targetRows: rows[...],
      factor: factor, gradient: gradient, workspace: &workspace)
    return (value, gradient)
  }

  private func packed(_ scores: [Float]) -> Matrix {
    let matrix = Matrix(rows: scores.count, columns: 1, packedSingleColumn: true)
    for (k, score) in scores.enumerated() { matrix[k, 0] = score }
    return matrix
  }

  // MARK: Values by hand

  @Test func `squared loss is half the squared error, summed over outputs`() {
    let result = evaluate(
      .squared, Matrix([[1, 2], [3, -1]]), .values(Matrix([[0, 4], [3, 0]])), factor: 0.5)
    #expect(result.loss == 0.5 + 2 + 0 + 0.5)
    #expect(result.gradient.rowArray(0) == [0.5, -1])
    #expect(result.gradient.rowArray(1) == [0, -0.5])
  }

  @Test func `absolute loss has slope one and none at its kink`() {
    let result = evaluate(
      .absolute, packed([3, -3, 1]), .values(Matrix([[1], [1], [1]])), factor: 2)
    #expect(result.loss == 2 + 4 + 0)
    #expect((0..<3).map { result.gradient[$0, 0] } == [2, -2, 0])
  }

  @Test func `Huber loss is squared inside and linear outside its width`() {
    let result = evaluate(
      .huber(delta: 0.5), packed([0.25, 0.5, 2, -2]), .values(Matrix(rows: 4, columns: 1)))
    #expect(result.loss == 0.03125 + 0.125 + 0.5 * 1.75 + 0.5 * 1.75)
    #expect((0..<4).map { result.gradient[$0, 0] } == [0.25, 0.5, 0.5, -0.5])
  }

  @Test func `hinge loss is zero from margin one on`() {
    let result = evaluate(
      .hinge, packed([0.5, 1, 3, 0.5, -1, -3]),
      .values(Matrix([[1], [1], [1], [0], [0], [0]])))
    #expect(result.loss == 0.5 + 0 + 0 + 1.5 + 0 + 0)
    #expect((0..<6).map { result.gradient[$0, 0] } == [-1, 0, 0, 1, 0, 0])
  }

  @Test func `logistic loss of an undecided score is ln 2`() {
    let result = evaluate(.logistic, packed([0, 0]), .values(Matrix([[1], [0]])), factor: 4)
    #expect(abs(result.loss - 2 * log(2)) < 1e-15)
    #expect((0..<2).map { result.gradient[$0, 0] } == [-2, 2])
  }

  @Test func `softmax of equal scores is uniform`() {
    let result = evaluate(
      .softmaxCrossEntropy, Matrix(rows: 1, columns: 4), .classes([2], count: 4))
    #expect(abs(result.loss - log(4)) < 1e-6)
    #expect(result.gradient.rowArray(0) == [0.25, 0.25, -0.75, 0.25])
  }

  // MARK: Against formulas in Double

  @Test(arguments: [2, 3, 15, 16, 17, 26])
  func `softmax agrees with its formula`(_ classes: Int) {
    let scores = TestData.gaussian(20, classes, seed: 1, scale: 3)
    let labels = (0..<20).map { Int32(($0 * 7) % classes) }
    let result = evaluate(
      .softmaxCrossEntropy, scores, .classes(labels, count: classes), factor: 0.25)
    var expected = 0.0
    for k in 0..<20 {
      let powers = scores.rowArray(k).map { exp(Double($0)) }
      let sum = powers.reduce(0, +)
      expected -= log(powers[Int(labels[k])] / sum)
      for c in 0..<classes {
        let slope = powers[c] / sum - (c == Int(labels[k]) ? 1 : 0)
        #expect(abs(Double(result.gradient[k, c]) - 0.25 * slope) < 1e-6)
      }
    }
    #expect(abs(result.loss - expected) < 1e-5 * expected)
    #expect(result.gradient.hasZeroPadding)
  }

  @Test(arguments: [1, 5, 17])
  func `one-vs-rest agrees with its formula, for labels and for classes`(_ outputs: Int) {
    let scores = TestData.gaussian(12, outputs, seed: 2, scale: 4)
    let classes = (0..<12).map { Int32(($0 * 5) % outputs) }
    let oneHot = Matrix(rows: 12, columns: outputs)
    for k in 0..<12 { oneHot[k, Int(classes[k])] = 1 }
    let fromLabels = evaluate(.oneVersusRestLogistic, scores, .values(oneHot))
    let fromClasses = evaluate(
      .oneVersusRestLogistic, scores, .classes(classes, count: outputs))
    #expect(fromLabels.loss == fromClasses.loss)
    #expect(fromLabels.gradient.isIdentical(to: fromClasses.gradient))
    let fromSets = evaluate(
      .oneVersusRestLogistic, scores, .labelSets(classes.map { [$0] }, count: outputs))
    #expect(fromSets.gradient.isIdentical(to: fromClasses.gradient))
    var expected = 0.0
    for k in 0..<12 {
      for c in 0..<outputs {
        let f = Double(scores[k, c])
        let y = Double(oneHot[k, c])
        expected += log(1 + exp(-(2 * y - 1) * f))
        #expect(abs(Double(fromLabels.gradient[k, c]) - (1 / (1 + exp(-f)) - y)) < 1e-6)
      }
    }
    #expect(abs(fromLabels.loss - expected) < 1e-12 * expected)
  }

  @Test func `sets of labels are rows of ones and zeros, none among them`() throws {
    let scores = TestData.gaussian(9, 4, seed: 3, scale: 3)
    let sets: [[Int32]] = [[], [0, 2], [3], [1, 0, 3], [], [2], [0, 1, 2, 3], [1], [3, 2]]
    let ones = Matrix(rows: 9, columns: 4)
    for (row, set) in sets.enumerated() { for label in set { ones[row, Int(label)] = 1 } }
    let rows = [4, 1, 8, 0, 6]
    let packed = scores.gather(rows)
    let expected = evaluate(.oneVersusRestLogistic, packed, .values(ones), rows: rows)
    let found = evaluate(.oneVersusRestLogistic, packed, .labelSets(sets, count: 4), rows: rows)
    #expect(found.loss == expected.loss)
    #expect(found.gradient.isIdentical(to: expected.gradient))
    let gathered = Targets.labelSets(sets, count: 4).gather(rows)
    #expect(gathered.count == 5)
    #expect(
      evaluate(.oneVersusRestLogistic, packed, gathered).gradient.isIdentical(to: found.gradient))
    for bad in [[0, 4], [-1], [2, 2]] as [[Int32]] {
      #expect(throws: ConfigurationError.self) {
        try Loss.oneVersusRestLogistic.outputCount(for: .labelSets([bad], count: 4))
      }
    }
    #expect(throws: ConfigurationError.self) {
      try Loss.softmaxCrossEntropy.outputCount(for: .labelSets(sets, count: 4))
    }
  }

  @Test func `target rows are taken in the order they are named`() {
    let targets = Targets.values(Matrix([[10], [20], [30]]))
    let result = evaluate(.squared, packed([0, 0]), targets, rows: [2, 0])
    #expect((0..<2).map { result.gradient[$0, 0] } == [-30, -10])
    // A slice that does not begin at 0, as the trainer's batches are.
    var workspace = LossWorkspace(batch: 2)
    let gradient = packed([0, 0])
    let order = [0, 2, 1]
    _ = Loss.squared.evaluate(
      batch: 2, scores: packed([0, 0]), targets: targets, targetRows: order[1...], factor: 1,
      gradient: gradient, workspace: &workspace)
    #expect((0..<2).map { gradient[$0, 0] } == [-30, -20])
  }

  // MARK: Padding and extremes

  static let pointwise: [(Loss, Targets)] = [
    (.squared, .values(Matrix([[0, 1, 2], [2, 1, 0]]))),
    (.absolute, .values(Matrix([[0, 1, 2], [2, 1, 0]]))),
    (.huber(delta: 1), .values(Matrix([[0, 1, 2], [2, 1, 0]]))),
    (.oneVersusRestLogistic, .values(Matrix([[0, 1, 1], [1, 0, 0]]))),
    (.oneVersusRestLogistic, .classes([0, 2], count: 3)),
  ]

  @Test(arguments: pointwise)
  func `the padding of the gradient is not written`(_ loss: Loss, _ targets: Targets) {
    let result = evaluate(loss, Matrix([[5, -5, 0], [1, 2, 3]]), targets, marker: 77)
    for r in 0..<2 {
      for c in 3..<16 { #expect(unsafe result.gradient.row(r)[c] == 77) }
      for c in 0..<3 { #expect(result.gradient[r, c] != 77) }
    }
  }

  @Test func `rows behind the batch are not written`() {
    let result = evaluate(
      .squared, packed([1, 2, 3]), .values(Matrix([[0], [0], [0]])), rows: [0, 1], marker: 77)
    #expect((0..<3).map { result.gradient[$0, 0] } == [1, 2, 77])
  }

  @Test func `softmax stands scores of any finite size`() {
    let scores = Matrix([
      [1e4, -1e4, 0], [-1e4, -1e4, -1e4], [3e38, -3e38, 0], [0x1p-130, 0, -0x1p-130],
    ])
    let result = evaluate(
      .softmaxCrossEntropy, scores, .classes([1, 0, 0, 0], count: 3))
    #expect(result.gradient.rowArray(0) == [1, -1, 0])
    #expect(result.gradient.rowArray(2) == [0, 0, 0])
    #expect(abs(result.gradient[1, 0] + 2 / 3) < 1e-6)
    #expect(abs(result.loss - (2e4 + 2 * log(3))) < 1e-2)
    #expect(result.gradient.isFinite)
  }

  @Test func `logistic losses stand scores of any finite size`() {
    let result = evaluate(
      .logistic, packed([1e4, -1e4, 1e4, -1e4, 3e38, -3e38]),
      .values(Matrix([[1], [0], [0], [1], [1], [0]])))
    #expect((0..<6).map { result.gradient[$0, 0] } == [0, 0, 1, -1, 0, 0])
    #expect(result.loss == 2e4)
  }

  @Test(arguments: [
    (Loss.squared, Targets.values(Matrix([[0]]))), (.absolute, .values(Matrix([[0]]))),
    (.huber(delta: 1), .values(Matrix([[0]]))), (.hinge, .values(Matrix([[0]]))),
    (.hinge, .values(Matrix([[1]]))), (.logistic, .values(Matrix([[1]]))),
    (.oneVersusRestLogistic, .values(Matrix([[0]]))),
  ])
  func `a score that is not a number is no success`(_ loss: Loss, _ targets: Targets) {
    #expect(!evaluate(loss, packed([.nan]), targets).loss.isFinite)
  }

  @Test func `a softmax over a score that is not a number is no success`() {
    for scores: [Float] in [[.nan, 0], [0, .nan], [.infinity, .infinity], [.infinity, 0]] {
      let result = evaluate(
        .softmaxCrossEntropy, Matrix([scores]), .classes([0], count: 2))
      #expect(!result.loss.isFinite)
    }
  }

  // MARK: Measuring

  @Test func `measuring gives the mean loss and the share of right classes`() {
    let scores = Matrix([[2, 1], [0, 1], [5, 5], [0, 3]])
    let measured = Loss.softmaxCrossEntropy.measure(
      scores, against: .classes([0, 0, 0, 1], count: 2))
    #expect(measured.accuracy == 0.75, "of equal scores the first counts")
    let gaps = [1.0, -1, 0, 3].map { log(1 + exp(-$0)) }
    #expect(abs(measured.loss - gaps.reduce(0, +) / 4) < 1e-6)
    let regression = Loss.squared.measure(
      packed([1, 3]), against: .values(Matrix([[0], [0]])))
    #expect(regression.loss == 2.5)
    #expect(regression.accuracy == nil)
  }

  @Test func `the largest element of a row is found among the meaningful columns`() {
    let matrix = Matrix([[-3, -1, -2], [0, 0, 0], [1, 2, 2]])
    #expect((0..<3).map(matrix.indexOfLargest(inRow:)) == [1, 0, 1])
  }

  @Test func `the largest element of a row that is not there traps`() async {
    await #expect(processExitsWith: .failure) {
      _ = Matrix([[1, 2]]).indexOfLargest(inRow: 1)
    }
  }

  @Test func `measuring traps on other numbers of scores and targets`() async {
    await #expect(processExitsWith: .failure) {
      _ = Loss.squared.measure(
        Matrix(rows: 2, columns: 1), against: .values(Matrix(rows: 3, columns: 1)))
    }
  }

  // MARK: Outputs

  @Test func `losses say how many outputs they need`() throws {
    let two = Targets.values(Matrix([[0, 1], [1, 1]]))
    let classes = Targets.classes([0, 4], count: 5)
    #expect(try Loss.squared.outputCount(for: two) == 2)
    #expect(try Loss.absolute.outputCount(for: two) == 2)
    #expect(try Loss.huber(delta: 1).outputCount(for: two) == 2)
    #expect(try Loss.oneVersusRestLogistic.outputCount(for: two) == 2)
    #expect(try Loss.oneVersusRestLogistic.outputCount(for: classes) == 5)
    #expect(try Loss.softmaxCrossEntropy.outputCount(for: classes) == 5)
    #expect(try Loss.logistic.outputCount(for: .values(Matrix([[1]]))) == 1)
    #expect(try Loss.hinge.outputCount(for: .values(Matrix([[0]]))) == 1)
  }

  @Test(arguments: [
    (
      Loss.softmaxCrossEntropy, Targets.values(Matrix([[0]])),
      "the softmaxCrossEntropy loss does not fit these targets"
    ),
    (.squared, .classes([0], count: 2), "the squared loss does not fit these targets"),
    (.softmaxCrossEntropy, .classes([0], count: 1), "1 classes, at least 2 are needed"),
    (
      .softmaxCrossEntropy, .classes([0, 3], count: 3),
      "the class 3 of row 1 is outside 0..<3"
    ),
    (
      .oneVersusRestLogistic, .classes([-1], count: 3),
      "the class -1 of row 0 is outside 0..<3"
    ),
    (
      .logistic, .values(Matrix([[0, 1]])), "the logistic loss takes 1 target column, got 2"
    ),
    (.hinge, .values(Matrix([[0, 1]])), "the hinge loss takes 1 target column, got 2"),
    (
      .hinge, .values(Matrix([[1], [-1]])),
      "the target -1.0 of row 1 is neither 0 nor 1, as the hinge loss needs"
    ),
    (
      .oneVersusRestLogistic, .values(Matrix([[0, 0.5]])),
      "the target 0.5 of row 0 is neither 0 nor 1, as the oneVersusRestLogistic loss needs"
    ),
    (.huber(delta: 0), .values(Matrix([[0]])), "the Huber width 0.0 is not positive"),
    (.huber(delta: .infinity), .values(Matrix([[0]])), "the Huber width inf is not positive"),
  ])
  func `targets that do not fit are refused`(
    _ loss: Loss, _ targets: Targets, _ reason: String
  ) {
    #expect(throws: ConfigurationError.invalid(reason)) { try loss.outputCount(for: targets) }
  }

  @Test func `targets can be gathered`() {
    let classes = Targets.classes([3, 1, 2], count: 4).gather([2, 2, 0])
    if case .classes(let labels, let count) = classes {
      #expect(labels == [2, 2, 3])
      #expect(count == 4)
    } else {
      Issue.record("classes became values")
    }
    let values = Targets.values(Matrix([[1], [2]])).gather([1])
    #expect(values.count == 1)
    #expect(values.matrix?.rowArray(0) == [2])
  }

  @Test(arguments: [
    Loss.squared, .absolute, .huber(delta: 0.25), .logistic, .hinge, .softmaxCrossEntropy,
    .oneVersusRestLogistic,
  ])
  func `a loss survives encoding`(_ loss: Loss) throws {
    let data = try JSONEncoder().encode(loss)
    #expect(try JSONDecoder().decode(Loss.self, from: data) == loss)
  }
}
