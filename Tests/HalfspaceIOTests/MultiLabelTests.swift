// SPDX-License-Identifier: Apache-2.0
import Foundation
import HalfspaceLinalg
import HalfspaceNN
import Testing
import _HalfspaceTestSupport

@testable import HalfspaceIO

/// Rows that have any number of labels, from the file to the report.
@Suite struct MultiLabelTests {
  private let folder = TemporaryFolder()

  private static var options: TrainingOptions {
    var options = TrainingOptions()
    options.width = 1024
    options.epochs = 20
    options.threads = 1
    options.labelSeparator = ";"
    return options
  }

  private static func options(_ change: (inout TrainingOptions) -> Void) -> TrainingOptions {
    var options = options
    options.labelSeparator = nil
    change(&options)
    return options
  }

  private static let table = SampleTable.labelSets(rows: 400)
  private static let model = Result {
    try TabularModel.train(on: table, target: "tags", options: options).model
  }

  @Test func `labels are found, and given above a probability or by place`() throws {
    let model = try Self.model.get()
    #expect(model.target.task == .multiLabel)
    #expect(model.target.labels == ["far", "red", "right", "up"])
    #expect(model.record.training.loss == .oneVersusRestLogistic)
    #expect(model.record.test!.microF1! > 0.85)
    let scores = try model.scores(for: Self.table)
    let probabilities = try #require(model.probabilities(fromScores: scores))
    #expect(probabilities.columns == 4)
    let sets = try model.target.labelSets(of: Self.table)
    #expect(sets.contains([]) && sets.contains { $0.count > 2 })
    let right = zip(LabelChoice.probable.labels(scores: scores), sets).count { $0 == $1 }
    #expect(right > 320)
    for (row, labels) in LabelChoice.above(probability: 0.8).labels(scores: scores).enumerated() {
      #expect(labels == (0..<4).filter { probabilities[row, Int($0)] > 0.8 })
    }
    for (row, labels) in LabelChoice.top(2).labels(scores: scores).enumerated() {
      let values = scores.rowArray(row)
      #expect(labels.count == 2 && values[Int(labels[0])] == values.max())
      #expect(values.count { $0 > values[Int(labels[1])] } == 1)
    }
    let texts = model.predictions(from: scores, choosing: .top(4)).texts
    #expect(texts.allSatisfy { $0.split(separator: ";").count == 4 })
    #expect(try model.predict(Self.table).texts.contains("red;up"))
  }

  @Test func `a model of sets of labels is saved and read`() throws {
    let model = try Self.model.get()
    try model.save(to: folder.file("m"))
    let read = try TabularModel(contentsOf: folder.file("m"))
    #expect(read.target == model.target && read.record == model.record)
    #expect(try read.report(on: Self.table) == model.report(on: Self.table))
    guard case .multiLabel(let report) = try read.report(on: Self.table) else {
      Issue.record("no report of labels")
      return
    }
    #expect(report.ranking.map(\.k) == [1, 3] && report.micro.f1 > 0.85)
    let onnx = try ProtobufMessage(try model.onnx())
    let graph = try #require(try onnx.messages(7).first)
    #expect(try graph.messages(12).flatMap { $0.texts(1) } == ["scores", "probabilities"])
  }

  @Test func `what is no set of labels is refused`() throws {
    let none = try Table(csv: "x,y\n1,\n2,\n", name: "t")
    #expect(throws: TableError(file: "t", column: "y", reason: .noLabels)) {
      try TabularModel.train(on: none, target: "y", options: Self.options)
    }
    let strange = try Table(csv: "x,z,color,tags\n1,2,red,up; new\n", name: "t")
    let error = #expect(throws: TableError.self) { try Self.model.get().report(on: strange) }
    #expect(error?.line == 2)
    var options = Self.options
    options.loss = .softmax
    #expect(throws: ConfigurationError.self) {
      try TabularModel.train(on: Self.table, target: "tags", options: options)
    }
    options.loss = nil
    options.classWeights = .balanced
    #expect(throws: ConfigurationError.self) {
      try TabularModel.train(on: Self.table, target: "tags", options: options)
    }
    options.classWeights = nil
    options.task = .regression
    #expect(throws: ConfigurationError.self) {
      try TabularModel.train(on: Self.table, target: "tags", options: options)
    }
  }

  @Test(arguments: [nil, true]) func `labels of libsvm rows are learned, sparse or as a table`(
    isWide: Bool?
  ) throws {
    var generator = SeededGenerator(seed: 3)
    let lines = (0..<300).map { row in
      let labels = (0..<3).filter { _ in generator.below(2) == 0 }
      let columns = labels.map { 1 + 4 * $0 + generator.below(4) } + [20 + generator.below(10)]
      let far = isWide == nil ? [] : [600 + generator.below(400)]
      return labels.map { String(5 + $0) }.joined(separator: ",") + " "
        + (columns + far).map { "\($0):1" }.joined(separator: " ")
    }
    let path = folder.file("t.libsvm")
    try AtomicFile.write(lines.joined(separator: "\n"), to: path)
    let dataset = try Dataset(contentsOf: path)
    #expect(dataset.isMultiLabel)
    var options = Self.options
    options.labelSeparator = nil
    let model = try TabularModel.train(on: dataset, options: options).model
    #expect((model.encoder.sparse != nil) == (isWide != nil))
    #expect(model.target.labels == ["5", "6", "7"])
    #expect(model.record.test!.microF1! > 0.9)
    let report = try model.report(on: model.readDataset(contentsOf: path))
    #expect(report.summary.precisionAt1! > 0.8)
  }

  @Test func `columns of ones and zeros in a file of targets are labels`() throws {
    let data = TestData.clusters(rows: 200, dimension: 6, classes: 2, seed: 4)
    try AtomicFile.write(
      (0..<200).map { data.inputs.rowArray($0).map { "\($0)" }.joined(separator: ",") + "\n" }
        .joined(), to: folder.file("x.csv"))
    let ones = data.labels.flatMap { [$0 == 0 ? 1 : 0, $0 == 1 ? 1 : 0, 1] as [UInt8] }
    try AtomicFile.write(DataFiles.npy(ones, shape: "(200, 3)"), to: folder.file("y.npy"))
    let dataset = try Dataset(
      contentsOf: folder.file("x.csv"), options: .init(targetsPath: folder.file("y.npy")))
    #expect(dataset.isMultiLabel && dataset.target?.text(0) == "\(data.labels[0]),2")
    let model = try TabularModel.train(on: dataset, options: Self.options { _ in }).model
    #expect(model.target.labels == ["0", "1", "2"] && model.encoder.columns.count == 6)
    #expect(model.record.test!.microF1! > 0.9)
    // Files that tell a target add nothing where it is not asked for, also without names.
    let path = folder.file("x.csv")
    let other = try TabularModel.train(
      on: dataset, target: "column1", options: Self.options { $0.task = .regression }
    ).model
    #expect(other.encoder.columns.map(\.name) == (2...6).map { "column\($0)" })
    var reading = Dataset.Options()
    reading.targetsPath = folder.file("y.npy")
    #expect(
      try model.scores(for: model.readDataset(contentsOf: path, options: reading))
        .isIdentical(to: model.scores(for: model.readDataset(contentsOf: path))))
    #expect(
      try model.report(on: model.readDataset(contentsOf: path, options: reading)).summary.microF1!
        > 0.9)
    let twos = ones.map { $0 * 2 }
    try AtomicFile.write(DataFiles.npy(twos, shape: "(200, 3)"), to: folder.file("y.npy"))
    #expect(throws: DataFileError.self) {
      try Dataset(
        contentsOf: folder.file("x.csv"), options: .init(targetsPath: folder.file("y.npy")))
    }
  }
}
