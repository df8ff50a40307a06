// SPDX-License-Identifier: Apache-2.0
import Foundation
import HalfspaceLinalg
import HalfspaceNN
import HalfspaceReporting
import Testing
import _HalfspaceTestSupport

@testable import HalfspaceIO

/// Linear models under a network.
@Suite struct LinearFitTests {
  private func values(_ inputs: Matrix, noise: Float, seed: UInt64 = 3) -> Targets {
    let truth = TestData.gaussian(1, inputs.columns, seed: seed)
    let rest = TestData.gaussian(inputs.rows, 1, seed: seed + 1)
    let targets = inputs.canonicalProduct(with: truth)
    for row in 0..<inputs.rows { targets[row, 0] += noise * rest[row, 0] }
    return .values(targets)
  }

  private func fit(
    _ inputs: Matrix, _ targets: Targets, _ loss: Loss, weights: [Double]? = nil,
    hasConstant: Bool = false
  ) throws -> LinearFit {
    try LinearFit(
      to: inputs, targets: targets, weights: weights, loss: loss, hasConstant: hasConstant)
  }

  @Test func `a linear function without noise is found`() throws {
    let inputs = TestData.unitRows(80, 6, seed: 1)
    let truth = TestData.gaussian(1, 6, seed: 3)
    let fit = try fit(inputs, values(inputs, noise: 0), .squared)
    for j in 0..<6 { #expect(abs(fit.coefficients[0, j] - truth[0, j]) < 1e-3) }
    let scores = fit.scores(of: inputs)
    let expected = inputs.canonicalProduct(with: truth)
    for row in 0..<80 { #expect(abs(scores[row, 0] - expected[row, 0]) < 1e-3) }
  }

  @Test func `where there is more noise than signal little is left of it`() throws {
    let inputs = TestData.unitRows(60, 40, seed: 1)
    let rows = TestData.gaussian(60, 1, seed: 8)
    let noise = try fit(inputs, .values(rows), .huber(delta: 1))
    let scores = noise.scores(of: inputs)
    let (fitted, total) = (0..<60).reduce(into: (0.0, 0.0)) { sums, row in
      sums.0 += Double(scores[row, 0] * scores[row, 0])
      sums.1 += Double(rows[row, 0] * rows[row, 0])
    }
    #expect(fitted < 0.2 * total)
  }

  @Test func `more columns than rows are no obstacle`() throws {
    let inputs = TestData.unitRows(30, 50, seed: 1)
    let truth = TestData.gaussian(1, 50, seed: 3)
    let fit = try fit(inputs, values(inputs, noise: 0.1), .squared)
    let fresh = TestData.unitRows(500, 50, seed: 12)
    let (scores, expected) = (fit.scores(of: fresh), fresh.canonicalProduct(with: truth))
    var (error, scale) = (0.0, 0.0)
    for row in 0..<500 {
      let difference = Double(scores[row, 0] - expected[row, 0])
      error += difference * difference
      scale += Double(expected[row, 0] * expected[row, 0])
    }
    #expect(error < 0.8 * scale)
  }

  @Test func `two classes by softmax are one by the logistic loss`() throws {
    let inputs = TestData.unitRows(200, 5, seed: 1)
    guard case .values(let noisy) = values(inputs, noise: 0.7) else { return }
    let classes = (0..<200).map { Int32(noisy[$0, 0] > 0 ? 1 : 0) }
    let ones = Matrix(rows: 200, columns: 1, packedSingleColumn: true)
    for row in 0..<200 { ones[row, 0] = Float(classes[row]) }
    let both = try fit(inputs, .classes(classes, count: 2), .softmaxCrossEntropy)
    let one = try fit(inputs, .values(ones), .logistic)
    for j in 0..<5 {
      let margin = both.coefficients[1, j] - both.coefficients[0, j]
      #expect(abs(margin - one.coefficients[0, j]) < 0.02 * max(1, abs(margin)))
      #expect(abs(both.coefficients[1, j] + both.coefficients[0, j]) < 1e-3)
    }
  }

  @Test func `classes each against the rest are labels one by one`() throws {
    let inputs = TestData.unitRows(150, 4, seed: 2)
    let classes = (0..<150).map { Int32(inputs[$0, 0] > 0.3 ? 2 : inputs[$0, 1] > 0 ? 1 : 0) }
    let sets = try fit(
      inputs, .labelSets(classes.map { [$0] }, count: 3), .oneVersusRestLogistic)
    let rest = try fit(inputs, .classes(classes, count: 3), .oneVersusRestLogistic)
    #expect(sets.coefficients.isIdentical(to: rest.coefficients))
    let scores = sets.scores(of: inputs)
    let right = (0..<150).count { (scores[$0, 2] > 0) == (classes[$0] == 2) }
    #expect(right > 115)
  }

  @Test func `rows that count for nothing are as good as none, and a shift goes to the constant`()
    throws
  {
    let inputs = TestData.unitRows(80, 6, seed: 1)
    let targets = values(inputs, noise: 0.2)
    let junk = Matrix(rows: 100, columns: 6)
    guard case .values(let known) = targets else { return }
    let all = Matrix(rows: 100, columns: 1, packedSingleColumn: true)
    for row in 0..<100 {
      junk.setRow(row, to: inputs.rowArray(row % 80))
      all[row, 0] = row < 80 ? known[row, 0] : 1000
    }
    let weights = (0..<100).map { $0 < 80 ? 1.0 : 0 }
    let (with, without) = (
      try fit(junk, .values(all), .squared, weights: weights), try fit(inputs, targets, .squared)
    )
    for j in 0..<6 {
      #expect(abs(with.coefficients[0, j] - without.coefficients[0, j]) < 0.05)
    }
    // A last coordinate that is the same in all rows is hardly penalized.
    let extended = Matrix(rows: 80, columns: 7)
    let shifted = known.copy()
    for row in 0..<80 {
      extended.setRow(row, to: inputs.rowArray(row) + [0.5])
      shifted[row, 0] += 3
    }
    let fit = try fit(extended, .values(shifted), .squared, hasConstant: true)
    #expect(abs(fit.coefficients[0, 6] - 6) < 0.3)
  }

  // MARK: In models

  private func options(_ change: (inout TrainingOptions) -> Void = { _ in }) -> TrainingOptions {
    var options = TrainingOptions()
    options.threads = 1
    options.width = 256
    options.epochs = 3
    options.linearPart = .fitted
    change(&options)
    return options
  }

  @Test(arguments: ["kind", "y", "tags"])
  func `a model with a linear part is a model like others`(target: String) throws {
    let table =
      target == "kind"
      ? SampleTable.classification()
      : target == "y" ? SampleTable.regression() : SampleTable.labelSets()
    let options = options {
      if target == "tags" { $0.labelSeparator = ";" }
      $0.patience = 3
    }
    let model = try TabularModel.train(on: table, target: target, options: options).model
    let count = try #require(model.record.linearNeurons)
    #expect(count == 2 * model.predictor.outputCount)
    #expect(model.predictor.count == model.record.materialized + count)
    #expect(model.formatVersion == "1")
    let again = try TabularModel(file: model.file())
    #expect(try again.scores(for: table).isIdentical(to: try model.scores(for: table)))
    let threads = try TabularModel.train(
      on: table, target: target,
      options: {
        var options = options
        options.threads = 3
        return options
      }())
    #expect(try threads.model.file().encoded() == model.file().encoded())
  }

  @Test func `runs with a linear part go on to the same bytes`() throws {
    let table = SampleTable.regression()
    var saved: TrainerState?
    let whole = try TabularModel.train(
      on: table, targets: ["y"], options: options(), resuming: nil
    ) { trainer in
      try trainer.run(onStep: {
        if trainer.stepCount == 4 { saved = trainer.state() }
        return .proceed
      })
    }
    #expect(saved != nil)
    let resumed = try TabularModel.train(
      on: table, targets: ["y"], options: options(), resuming: saved
    ) { try $0.run() }
    #expect(try resumed.model.file().encoded() == whole.model.file().encoded())
  }

  @Test func `where there is no linear part it is said why`() throws {
    let table = SampleTable.regression()
    #expect(throws: ConfigurationError.self) {
      try TabularModel.train(
        on: table, target: "y", options: options { $0.outputs = .independent() })
    }
    #expect(LinearFit.obstacle(to: .init(width: 8, threshold: .value(0)), inputs: 512) == nil)
    #expect(LinearFit.obstacle(to: .init(width: 8, threshold: .value(0)), inputs: 513) != nil)
  }
}
