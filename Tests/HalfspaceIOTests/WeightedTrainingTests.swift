// SPDX-License-Identifier: Apache-2.0
import HalfspaceLinalg
import HalfspaceNN
import Testing
import _HalfspaceTestSupport

@testable import HalfspaceIO

/// Weights of rows and of classes, from a table to the trainer.
@Suite struct WeightedTrainingTests {
  private var options: TrainingOptions {
    var options = TrainingOptions()
    options.width = 512
    options.epochs = 3
    options.testFraction = 0
    options.threads = 1
    return options
  }

  /// Two overlapping classes, one of them rare; weights of 1, 2, 3.
  private let table: Table = {
    let rows = (0..<120).map { row in
      let isRare = row % 8 == 0
      let x = Double(row % 17) / 17 + (isRare ? 0.4 : 0)
      return "\(x),\(Double(row * 7 % 31) / 31),\(1 + row % 3),\(isRare ? "rare" : "usual")\n"
    }
    return try! Table(csv: "x,z,w,y\n" + rows.joined(), name: "t")
  }()

  @Test func `a column of weights is no feature and weighs the rows`() throws {
    var weighted = options
    weighted.weightColumn = "w"
    let model = try TabularModel.train(on: table, target: "y", options: weighted).model
    #expect(model.encoder.columns.map(\.name) == ["x", "z"])
    var dropped = options
    dropped.droppedColumns = ["w"]
    let plain = try TabularModel.train(on: table, target: "y", options: dropped).model
    #expect(!plain.predictor.outputs.isIdentical(to: model.predictor.outputs))
    #expect(try model.predict(table.dropping(columns: ["w", "y"])).texts.count == 120)
    // The weights are those of the column: all alike are none.
    let equal = table.columns.map { column in
      column.name == "w"
        ? TableColumn(name: "w", numbers: .init(repeating: 2.5, count: 120)) : column
    }
    let same = try TabularModel.train(
      on: Table(name: "t", columns: equal), target: "y", options: weighted
    ).model
    #expect(plain.predictor.outputs.isIdentical(to: same.predictor.outputs))
  }

  @Test func `balanced classes count alike, and are found more often`() throws {
    let target = try TargetEncoder(fitting: table, column: "y")
    let classes = try target.classes(of: table)
    #expect(
      try ClassWeights.balanced.weights(of: classes, labels: target.labels)
        == [120.0 / (2 * 15), 120.0 / (2 * 105)])
    var balanced = options
    balanced.classWeights = .balanced
    var given = options
    given.classWeights = .given(["rare": 7])
    func rare(_ options: TrainingOptions) throws -> Int {
      try TabularModel.train(on: table, target: "y", options: options).model
        .predict(table).texts.count { $0 == "rare" }
    }
    let count = try rare(balanced)
    #expect(try count > rare(options))
    #expect(try count == rare(given), "the same proportions")
  }

  @Test func `weights that make no sense are refused`() throws {
    var options = options
    options.weightColumn = "v"
    #expect(throws: TableError.self) {
      try TabularModel.train(on: table, target: "y", options: options)
    }
    options.weightColumn = "y"
    #expect(throws: ConfigurationError.self) {
      try TabularModel.train(on: table, target: "y", options: options)
    }
    options.weightColumn = nil
    options.classWeights = .given(["common": 2])
    #expect(throws: ConfigurationError.self) {
      try TabularModel.train(on: table, target: "y", options: options)
    }
    options.classWeights = .balanced
    #expect(throws: ConfigurationError.self) {
      try TabularModel.train(on: table, target: "x", options: options)
    }
    options.classWeights = nil
    options.weightColumn = "w"
    let negative = try Table(csv: "x,w,y\n1,1,a\n2,-1,b\n3,1,a\n", name: "t")
    #expect(throws: TableError.self) {
      try TabularModel.train(on: negative, target: "y", options: options)
    }
  }
}
