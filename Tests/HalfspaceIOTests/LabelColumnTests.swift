// SPDX-License-Identifier: Apache-2.0
import Foundation
import HalfspaceLinalg
import HalfspaceNN
import Testing
import _HalfspaceTestSupport

@testable import HalfspaceIO

/// Several target columns of ones and zeros, one for each label.
@Suite struct LabelColumnTests {
  private let folder = TemporaryFolder()

  /// The labels of `SampleTable.labelSets`, in order of their bytes.
  private static let names = ["far", "red", "right", "up"]

  private static var options: TrainingOptions {
    var options = TrainingOptions()
    options.width = 512
    options.epochs = 8
    options.threads = 1
    return options
  }

  /// `SampleTable.labelSets`, its tags as columns of ones and zeros among the others.
  private static func table(rows: Int = 300) throws -> Table {
    let table = SampleTable.labelSets(rows: rows)
    let sets = try TargetEncoder(fitting: table, column: "tags", labelSeparator: ";")
      .labelSets(of: table)
    let flags = names.indices.map { label in
      TableColumn(
        name: names[label], numbers: sets.map { $0.contains(Int32(label)) ? 1.0 : 0.0 })
    }
    return Table(
      name: "flags",
      columns: [flags[3], table.columns[0], flags[1], table.columns[1], flags[0], flags[2]]
        + [table.columns[2]])
  }

  /// The table as text, in the shortest digits.
  private static func text(_ table: Table, header: Bool = true) -> String {
    let rows = (0..<table.rowCount).map { row in
      table.columns.map { $0.text(row) ?? "" }.joined(separator: ",") + "\n"
    }
    return (header ? table.columnNames.joined(separator: ",") + "\n" : "") + rows.joined()
  }

  @Test func `columns of labels make the network that cells of labels make`() throws {
    let columns = try TabularModel.train(
      on: try Self.table(), targets: Self.names, options: Self.options
    ).model
    var options = Self.options
    options.labelSeparator = ";"
    let cellTable = SampleTable.labelSets(rows: 300)
    let cells = try TabularModel.train(on: cellTable, target: "tags", options: options).model
    #expect(columns.predictor.weights.isIdentical(to: cells.predictor.weights))
    #expect(columns.predictor.outputs.isIdentical(to: cells.predictor.outputs))
    #expect(columns.record == cells.record && columns.record.test != nil)
    #expect(columns.target.task == .multiLabel && columns.target.columns == Self.names)
    #expect(columns.target.labels == cells.target.labels)
    #expect(try columns.report(on: Self.table()) == cells.report(on: cellTable))
    guard case .labelColumns(let flags) = try columns.predict(Self.table()),
      case .labelSets(let sets, _) = try cells.predict(cellTable)
    else {
      Issue.record("no labels")
      return
    }
    #expect(flags.map { row in zip(Self.names, row).filter(\.1).map(\.0) } == sets)
    #expect(Set(sets).count > 4)
    let lines = try columns.predict(Self.table()).texts
    #expect(lines.contains("0,0,1,1") && lines.allSatisfy { $0.count == 7 })
  }

  @Test func `the order of the columns is that of the outputs`() throws {
    let order = ["up", "far", "right", "red"]
    let model = try TabularModel.train(
      on: try Self.table(), targets: order, options: Self.options
    ).model
    #expect(model.target.labels == order)
    let sets = try model.target.labelSets(of: Self.table(rows: 20))
    let table = try Self.table(rows: 20)
    for row in 0..<20 {
      #expect(sets[row] == sets[row].sorted())
      #expect(
        sets[row].map { order[Int($0)] } == order.filter { table[$0]!.number(row) == 1 })
    }
  }

  @Test func `rows that are read as they are needed make the same model`() throws {
    let path = folder.file("t.csv")
    try AtomicFile.write(Self.text(try Self.table()), to: path)
    var reading = Dataset.Options()
    reading.streams = true
    let whole = try TabularModel.train(
      on: try Dataset(contentsOf: path), targets: Self.names, options: Self.options
    ).model
    let streamed = try TabularModel.train(
      on: try Dataset(contentsOf: path, options: reading), targets: Self.names,
      options: Self.options
    ).model
    #expect(try whole.file().encoded() == streamed.file().encoded())
    #expect(
      try whole.report(on: whole.readDataset(contentsOf: path, options: reading))
        == whole.report(on: Self.table()))
  }

  @Test func `columns without names are known by their places, with the labels or without`() throws
  {
    let table = try Self.table()
    let path = folder.file("t.csv")
    try AtomicFile.write(Self.text(table, header: false), to: path)
    let labels = Self.names.map { "column\(table.position(of: $0)! + 1)" }
    let model = try TabularModel.train(
      on: try Dataset(contentsOf: path), targets: labels, options: Self.options
    ).model
    #expect(model.encoder.columns.map(\.position) == [1, 3, 6])
    #expect(
      try model.report(on: model.readDataset(contentsOf: path)).summary
        == model.evaluate(on: model.readTable(contentsOf: path)))
    let inputs = Table(
      name: "inputs", columns: [table["x"]!, table["z"]!, table["color"]!])
    let read = try model.readTable(csv: Self.text(inputs, header: false), name: "inputs")
    #expect(try model.predict(read) == model.predict(model.readTable(contentsOf: path)))
    #expect(throws: TableError.self) {
      try model.predict(model.readTable(csv: "1,2,red,0\n2,1,red,1\n", name: "four"))
    }
  }

  @Test func `columns of an array are labels too`() throws {
    let table = try Self.table(rows: 120)
    let numbers = ["x", "up", "z", "right"].map { table[$0]! }
    let values = (0..<120).flatMap { row in
      numbers.flatMap { column in
        let bits = column.number(row)!.bitPattern
        return (0..<8).map { UInt8(truncatingIfNeeded: bits >> (8 * $0)) }
      }
    }
    try AtomicFile.write(
      DataFiles.npy(
        header: "{'descr': '<f8', 'fortran_order': False, 'shape': (120, 4), }\n",
        elements: values), to: folder.file("t.npy"))
    for streams in [false, true] {
      var reading = Dataset.Options()
      reading.streams = streams
      let path = folder.file("t.npy")
      let model = try TabularModel.train(
        on: try Dataset(contentsOf: path, options: reading), targets: ["column2", "column4"],
        options: Self.options
      ).model
      #expect(model.encoder.columns.map(\.name) == ["column1", "column3"])
      #expect(
        try model.report(on: model.readDataset(contentsOf: path, options: reading)).summary
          .microF1! > 0.8)
    }
  }

  @Test func `a model remembers its columns`() throws {
    let model = try TabularModel.train(
      on: try Self.table(), targets: Self.names, options: Self.options
    ).model
    #expect(model.formatVersion == "4")
    try model.save(to: folder.file("m"))
    let read = try TabularModel(contentsOf: folder.file("m"))
    #expect(read.target == model.target && read.encoder == model.encoder)
    #expect(read.target.columns == Self.names)
    for version in ["1", "2", "3"] {
      var file = try model.file()
      file.metadata["halfspace"] = version
      let error = #expect(throws: ModelFileError.self) { try TabularModel(file: file) }
      #expect(error?.reason == .inconsistent("format \(version) has no columns of labels"))
    }
    let graph = try #require(try ProtobufMessage(try model.onnx()).messages(7).first)
    #expect(try graph.messages(12).flatMap { $0.texts(1) } == ["scores", "probabilities"])
    let tuner = try Tuner(Self.table(), targets: Self.names, options: Self.options)
    #expect(tuner.run(budget: 3000).best?.result.score ?? 0 > 0)
  }

  @Test(arguments: [
    ("1,0,7\n0,1,8\n1,2,9\n", Optional(4), "b", TableError.Reason.neitherOneNorZero("2")),
    ("1,0,7\n0.5,1,8\n", 3, "a", .neitherOneNorZero("0.5")),
    ("1,0,7\n0,yes,8\n", 3, "b", .neitherOneNorZero("yes")),
    ("1,0,7\n,1,8\n", 3, "a", .missingTarget),
    ("0,0,7\n0,0,8\n", nil, "a, b", .noLabels),
  ])
  func `cells that are neither one nor zero are refused by their place`(
    rows: String, line: Int?, column: String, reason: TableError.Reason
  ) throws {
    let table = try Table(csv: "a,b,x\n" + rows, name: "t")
    #expect(throws: TableError(file: "t", line: line, column: column, reason: reason)) {
      try TabularModel.train(on: table, targets: ["a", "b"], options: Self.options)
    }
  }

  @Test func `what does not go with several columns is refused`() throws {
    let table = try Self.table(rows: 30)
    func refused(
      _ targets: [String], _ problem: String, _ change: (inout TrainingOptions) -> Void = { _ in }
    ) {
      var options = Self.options
      change(&options)
      let error = #expect(throws: ConfigurationError.self) {
        try TabularModel.train(on: table, targets: targets, options: options)
      }
      #expect(error == .invalid(problem))
    }
    refused(["up", "far", "up"], "the target column \"up\" is named twice")
    refused(
      ["up", "far"],
      "several target columns are labels, a row may have any number of them; regression is for one "
        + "column"
    ) { $0.task = .regression }
    refused(["up", "far"], "a label separator is for one target column, not for 2") {
      $0.labelSeparator = ";"
    }
    refused(["up", "far"], "the target column \"far\" cannot be dropped") {
      $0.droppedColumns = ["far"]
    }
    #expect(throws: TableError.self) {
      try TabularModel.train(on: table, targets: ["up", "down"], options: Self.options)
    }
    try AtomicFile.write("1 3:1 700:2\n0 4:1 900:1\n", to: folder.file("t.libsvm"))
    var options = Self.options
    options.hashColumns = 0
    let sparse = try Dataset(contentsOf: folder.file("t.libsvm"))
    let error = #expect(throws: ConfigurationError.self) {
      try TabularModel.train(on: sparse, targets: ["3", "4"], options: options)
    }
    #expect(error == .invalid("sparse rows have one target, not 2"))
  }
}
