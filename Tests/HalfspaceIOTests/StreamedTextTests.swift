// SPDX-License-Identifier: Apache-2.0
import Foundation
import HalfspaceLinalg
import HalfspaceNN
import Testing

@testable import HalfspaceIO

/// Text tables that are trained on without being in memory.
@Suite struct StreamedTextTests {
  private let folder = TemporaryFolder()

  private var options: TrainingOptions {
    var options = TrainingOptions()
    options.width = 256
    options.epochs = 2
    options.threads = 1
    return options
  }

  /// Numbers, texts, spellings that count, missing cells, a line end within quotes, weights.
  private func text(_ rows: Int) -> String {
    var generator = SeededGenerator(seed: 5)
    var text = "size,color,\"zip\",late,w,kind\n"
    for row in 0..<rows {
      let kind = generator.below(3)
      text += generator.below(9) == 0 ? "," : "\(Double(10 * kind + generator.below(8)) / 4),"
      text += generator.below(9) == 0 ? "NA," : "\(["red", "\"dark\nred\"", "blue"][kind]),"
      text += "\(generator.below(2) == 0 ? "0" : "")\(generator.below(3)),"
      text += row > rows / 2 ? "t\(generator.below(2))," : "0\(generator.below(3)),"
      text += "\(1 + generator.below(3)),k\(kind)\n"
    }
    return text
  }

  private func write(_ text: String, _ name: String = "t.csv") throws -> String {
    try AtomicFile.write(text, to: folder.file(name))
    return folder.file(name)
  }

  private func streamed(_ path: String) throws -> Dataset {
    var options = Dataset.Options()
    options.streams = true
    options.scratchFolder = folder.file("")
    return try Dataset(contentsOf: path, options: options)
  }

  private func cells(_ table: Table) -> [[String?]] {
    (0..<table.rowCount).map { row in
      table.columns.map { $0.text(row) } + ["\(table.line(ofRow: row))"]
    }
  }

  @Test(arguments: [1, 100, 1 << 20])
  func `the file of rows holds the table, whatever the size of pieces`(size: Int) throws {
    let path = try write(text(40))
    let file = try RowFile(converting: path, pieceSize: size, in: folder.file(""))
    let whole = try Table(contentsOf: path)
    let table = try file.table(rows: Array(0..<40))
    #expect(cells(table) == cells(whole))
    #expect(table.columns.map(\.isNumeric) == whole.columns.map(\.isNumeric))
    #expect(file.names == whole.columnNames && file.hasHeader)
    #expect(
      try cells(file.table(rows: [7, 3], columns: [1]))
        == [7, 3].map {
          [whole.columns[1].text($0), "\(whole.line(ofRow: $0))"]
        })
  }

  @Test func `the temporary file has no name`() throws {
    let dataset = try streamed(try write(text(40)))
    #expect(folder.names == ["t.csv"])
    #expect(dataset.rowCount == 40)
  }

  @Test(arguments: [nil, "w"])
  func `training gives the bytes of training in memory`(weights: String?) throws {
    let path = try write(text(200))
    var options = options
    options.weightColumn = weights
    options.classWeights = .balanced
    let expected = try TabularModel.train(
      on: try Dataset(contentsOf: path), target: "kind", options: options)
    let rows = try streamed(path)
    let outcome = try TabularModel.train(on: rows, target: "kind", options: options)
    try expected.model.save(to: folder.file("a"))
    try outcome.model.save(to: folder.file("b"))
    #expect(try FileBytes.read(folder.file("a")) == FileBytes.read(folder.file("b")))
    #expect(outcome.model.record.test!.accuracy! > 0.8)

    var reading = Dataset.Options()
    reading.streams = true
    let model = outcome.model
    let read = try model.readDataset(contentsOf: path, options: reading)
    #expect(try model.report(on: read) == model.report(on: try Table(contentsOf: path)))
  }

  @Test func `with a small sample all but medians and ranks are those of all rows`() throws {
    // One level, the extremes and a missing cell are in one row each.
    var lines = (0..<300).map { "\($0 % 7),\($0 % 5 + 1),c\($0 % 2),\($0 % 3)" }
    lines[201] = "-50,2,c1,0"
    lines[202] = "90,,rare,1"
    let path = try write("a,b,c,y\n" + lines.joined(separator: "\n"))
    var options = options
    options.testFraction = 0
    options.scaling = .standardize
    options.task = .classification
    let dataset = try streamed(path)
    guard case .file(let file) = dataset.features else {
      Issue.record("not a file")
      return
    }
    let prepared = try PreparedRows(
      file, dataset, targets: ["y"], options: options, sampleLimit: 20)
    let table = try Table(contentsOf: path)
    let encoder = try TableEncoder(fitting: table, target: "y")
    #expect(prepared.encoder.featureNames == encoder.featureNames)
    #expect(prepared.encoder.featureNames.contains("c=rare"))
    // With the same medians, all is the same.
    let features = try prepared.encoder.encode(table)
    let transform = try FeatureTransform(
      fitting: features, scaling: .standardize, constant: prepared.recipe.constant)
    #expect(prepared.transform == transform)
    let inputs = try prepared.training.matrix()
    #expect(inputs.isIdentical(to: try transform.apply(to: features)))
  }

  @Test func `what is wrong is told by line and column`() throws {
    let good = (0..<30).map { "\($0),x\($0 % 2),\($0 % 2)\n" }.joined()
    let ragged = try write("a,b,y\n" + good + "1,2\n", "ragged.csv")
    let error = #expect(throws: TableError.self) { try streamed(ragged) }
    #expect(error?.line == 32 && error?.reason == .raggedRow(expected: 3, found: 2))
    let path = try write("a,b,y\n" + good)
    let rows = try streamed(path)
    #expect(throws: TableError.self) { try TabularModel.train(on: rows, target: "z") }
    var options = options
    options.droppedColumns = ["y"]
    #expect(throws: ConfigurationError.self) {
      try TabularModel.train(on: rows, target: "y", options: options)
    }
    options.droppedColumns = []
    // The model knows no x7, which stands on line 3.
    let model = try TabularModel.train(on: rows, target: "y", options: options).model
    var reading = Dataset.Options()
    reading.streams = true
    let other = try write("a,b,y\n1,x1,0\n2,x7,1\n", "other.csv")
    let strange = try model.readDataset(contentsOf: other, options: reading)
    let refusal = #expect(throws: RowReadError.self) { try model.scores(for: strange) }
    #expect(refusal?.description.contains("line 3, column \"b\"") == true)
    var lenient = model
    lenient.encoder.unknownCategories = .ignore
    #expect(try lenient.scores(for: strange).rows == 2)
    #expect(throws: TableError.self) {
      let texts = try write("a,b,y\n1,x1,0\nmany,x1,1\n", "texts.csv")
      _ = try model.scores(for: try model.readDataset(contentsOf: texts, options: reading))
    }
  }

  @Test func `a folder that cannot be written to is an error of files`() throws {
    let path = try write(text(40))
    var options = Dataset.Options()
    options.streams = true
    options.scratchFolder = folder.file("missing")
    let error = #expect(throws: FileError.self) {
      try Dataset(contentsOf: path, options: options)
    }
    #expect(
      error?.description
        == "cannot write a temporary file in \(folder.file("missing")): No such file or directory")
  }

  @Test func `size decides, unless somebody does`() throws {
    let path = try write(text(40))
    func isFile(_ change: (inout Dataset.Options) -> Void) throws -> Bool {
      var options = Dataset.Options()
      change(&options)
      if case .file = try Dataset(contentsOf: path, options: options).features { return true }
      return false
    }
    #expect(try !isFile { _ in })
    #expect(try isFile { $0.textLimit = 100 })
    #expect(try isFile { $0.streams = true })
    #expect(try !isFile { ($0.textLimit, $0.streams) = (100, false) })
  }
}
