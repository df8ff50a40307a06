// SPDX-License-Identifier: Apache-2.0
import Foundation
import HalfspaceLinalg
import HalfspaceNN
import HalfspaceReporting
import Testing

@testable import HalfspaceIO

/// Models from tables to answers.
@Suite struct TabularModelTests {
  private func options(_ change: (inout TrainingOptions) -> Void = { _ in }) -> TrainingOptions {
    var options = TrainingOptions()
    options.width = 256
    options.epochs = 5
    options.threads = 1
    change(&options)
    return options
  }

  // MARK: Quality

  @Test func `defaults recognize at least 98 % of unseen digits`() throws {
    let outcome = try TabularModel.train(on: try EmbeddedData.digits, target: "digit")
    let record = outcome.model.record
    let test = try #require(record.test)
    #expect(record.trainRows + test.rows == 1797)
    #expect(try #require(test.accuracy) >= 0.98)
    #expect(record.materialized < record.network.width)
    #expect(outcome.epochs.count == record.epochs && outcome.secondsPerPrediction > 0)
  }

  @Test func `classes and numbers are learned from small tables`() throws {
    let kinds = try TabularModel.train(
      on: SampleTable.classification(rows: 200), target: "kind", options: options())
    #expect(try #require(kinds.model.record.test?.accuracy) > 0.8)
    let numbers = try TabularModel.train(
      on: SampleTable.regression(rows: 200), target: "y", options: options { $0.epochs = 20 })
    #expect(try #require(numbers.model.record.test?.r2) > 0.8)
  }

  @Test(arguments: [TrainingOptions.LossName.logistic, .hinge, .softmax, .oneVersusRest])
  func `two classes can be told apart by every loss`(loss: TrainingOptions.LossName) throws {
    let table = SampleTable.classification(rows: 120, classes: 2)
    let model = try TabularModel.train(
      on: table, target: "kind",
      options: options {
        $0.loss = loss
        $0.learningRate = 2
      }
    ).model
    #expect(model.predictor.outputCount == (loss == .logistic || loss == .hinge ? 1 : 2))
    #expect(try #require(model.record.test?.accuracy) > 0.8)
  }

  // MARK: Consistency

  @Test func `evaluation judges the predictions`() throws {
    let table = SampleTable.regression()
    let model = try TabularModel.train(on: table, target: "y", options: options()).model
    guard case .values(let predicted) = try model.predict(table) else {
      Issue.record("a number was to be predicted")
      return
    }
    let expected = (0..<table.rowCount).compactMap { table["y"]?.number($0) }
    let evaluation = try model.evaluate(on: table, threads: 2)
    #expect(
      evaluation.rmse
        == Metrics.rootMeanSquaredError(predicted: predicted, expected: expected))
    #expect(
      evaluation.r2 == Metrics.coefficientOfDetermination(predicted: predicted, expected: expected))
    #expect(evaluation.accuracy == nil && evaluation.rows == table.rowCount)
  }

  @Test func `the record's errors are those on the rows that were held out`() throws {
    let table = SampleTable.classification()
    let outcome = try TabularModel.train(on: table, target: "kind", options: options())
    let classes = try outcome.model.target.classes(of: table)
    let split = TrainTestSplit(stratifying: classes, testFraction: 0.2, seed: 1)
    let again = try outcome.model.evaluate(on: table.selecting(rows: split.test))
    #expect(outcome.model.record.test == again)
    #expect(outcome.model.record.trainRows == split.training.count)
  }

  @Test func `the model does not depend on the threads`() throws {
    for table in [SampleTable.classification(), SampleTable.regression()] {
      let target = table.columnNames[table.columnNames.count - 1]
      let files = try [1, 2, 3].map { threads in
        let model = try TabularModel.train(
          on: table, target: target, options: options { $0.threads = threads }
        ).model
        return try model.file().encoded()
      }
      #expect(files[0] == files[1] && files[0] == files[2])
    }
  }

  @Test func `the model depends on the seed`() throws {
    let files = try [1, 1, 2].map { seed in
      try TabularModel.train(
        on: SampleTable.classification(), target: "kind", options: options { $0.seed = seed }
      ).model.file().encoded()
    }
    #expect(files[0] == files[1] && files[0] != files[2])
  }

  // MARK: Tables as people have them

  @Test func `a category that only held-out rows have is no fault of the table`() throws {
    // Every second color occurs once; some of them are held out whatever the seed.
    let colors = (0..<60).map { $0.isMultiple(of: 2) ? "common" : "rare \($0)" }
    let table = Table(
      name: "rare",
      columns: [
        TableColumn(name: "color", texts: colors),
        TableColumn(name: "x", numbers: (0..<60).map { Double($0 % 7) }),
        TableColumn(name: "y", texts: (0..<60).map { $0 % 7 < 4 ? "low" : "high" }),
      ])
    for seed in UInt64(1)...3 {
      let model = try TabularModel.train(
        on: table, target: "y", options: options { $0.seed = seed }
      ).model
      #expect(model.record.test?.rows == 12)
      // The caller's tables are still held to what training had.
      #expect(throws: TableError.self) { try model.predict(table) }
      var lenient = model
      lenient.encoder.unknownCategories = .ignore
      #expect(try lenient.predict(table).texts.count == 60)
    }
  }

  @Test func `two rows are enough when none is held out`() throws {
    let table = SampleTable.regression(rows: 2)
    for task in PredictionTask.allCases {
      let model = try TabularModel.train(
        on: table, target: "y",
        options: options {
          $0.task = task
          $0.testFraction = 0
        }
      ).model
      #expect(model.record.test == nil && model.record.trainRows == 2)
      #expect(try model.evaluate(on: table).rows == 2)
    }
  }

  @Test(arguments: [1, 2, 3, 16])
  func `narrow networks need no threshold either`(width: Int) throws {
    // One neuron may fail to fire; several seeds do not all fail.
    let models = (UInt64(1)...8).compactMap { seed in
      try? TabularModel.train(
        on: SampleTable.regression(), target: "y",
        options: options {
          $0.width = width
          $0.seed = seed
        }
      ).model
    }
    #expect(!models.isEmpty)
    for model in models { #expect(model.predictor.count <= width) }
  }

  @Test func `fixed output weights start as signs, not as zeros`() throws {
    let model = try TabularModel.train(
      on: SampleTable.classification(), target: "kind",
      options: options { $0.trainsOutputs = false }
    ).model
    #expect(model.record.network.outputs == .symmetricPairs(.signs))
    let magnitudes = Set(
      (0..<model.predictor.count).flatMap { model.predictor.outputs.rowArray($0).map(\.magnitude) })
    #expect(magnitudes.count == 1 && magnitudes.first != 0)
  }

  @Test func `early stopping ends the run`() throws {
    let outcome = try TabularModel.train(
      on: SampleTable.regression(), target: "y",
      options: options {
        $0.patience = 1
        $0.epochs = 500
      })
    #expect(outcome.epochs.count < 500)
    #expect(outcome.model.record.epochs == outcome.epochs.count)
    #expect(outcome.epochs.allSatisfy { $0.validationLoss != nil })
  }

  @Test func `a callback ends the run`() throws {
    let outcome = try TabularModel.train(
      on: SampleTable.regression(), target: "y", options: options()
    ) { $0.epoch == 2 ? .stop : .proceed }
    #expect(outcome.epochs.count == 2 && outcome.model.record.epochs == 2)
  }
}
