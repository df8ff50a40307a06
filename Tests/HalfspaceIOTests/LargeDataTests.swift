// SPDX-License-Identifier: Apache-2.0
import HalfspaceLinalg
import HalfspaceNN
import Testing
import _HalfspaceTestSupport

@testable import HalfspaceIO

/// Training, evaluation and prediction on rows that are no table in memory.
@Suite struct LargeDataTests {
  private let folder = TemporaryFolder()

  private var options: TrainingOptions {
    var options = TrainingOptions()
    options.width = 2048
    options.epochs = 6
    options.threads = 1
    return options
  }

  // MARK: Sparse

  /// Bags of words of three topics, in the format of libsvm.
  private func words(_ rows: Int) -> String {
    var generator = SeededGenerator(seed: 8)
    func below(_ bound: Int) -> Int { Int(generator.next() % UInt64(bound)) }
    return (0..<rows).map { row in
      let topic = row % 3
      let words = Set((0..<12).map { $0 < 6 ? 1 + 3 * below(40) + topic : 200 + below(4800) })
      return "\(topic) " + words.sorted().map { "\($0):1" }.joined(separator: " ") + "\n"
    }.joined()
  }

  @Test(arguments: [nil, 0, 300])
  func `a model of sparse rows is trained, saved, read and used`(hashColumns: Int?) throws {
    let path = folder.file("words.libsvm")
    try AtomicFile.write(words(900), to: path)
    var options = options
    options.hashColumns = hashColumns
    let dataset = try Dataset(contentsOf: path)
    let outcome = try TabularModel.train(on: dataset, options: options)
    let model = outcome.model
    #expect(model.record.test!.accuracy! > 0.8)
    #expect(model.encoder.sparse?.hashing?.columns == (hashColumns == 0 ? nil : hashColumns ?? 256))
    #expect(model.record.trainRows == 720)

    try model.save(to: folder.file("m.safetensors"))
    let read = try TabularModel(contentsOf: folder.file("m.safetensors"))
    let rows = try read.readDataset(contentsOf: path)
    let scores = try read.scores(for: rows)
    #expect(scores.isIdentical(to: try model.scores(for: dataset)))
    let inputs = try read.inputs(of: rows).matrix()
    #expect(scores.isIdentical(to: read.predictor.scores(for: inputs)), "the rows with zeros")
    let report = try read.report(on: rows)
    #expect(report.summary.accuracy! > 0.8 && report.summary.rows == 900)
    #expect(try read.predict(rows).texts.count == 900)
    // Columns that training did not know.
    try AtomicFile.write("1 5:1 900000:2\n", to: folder.file("more.libsvm"))
    _ = try read.predict(try read.readDataset(contentsOf: folder.file("more.libsvm")))
    #expect(throws: TableError.self) {
      try read.predict(try Table(csv: "a,b\n1,2\n", name: "t"))
    }
  }

  @Test func `a scaling that would fill sparse rows is refused`() throws {
    let path = folder.file("words.libsvm")
    try AtomicFile.write(words(30), to: path)
    var options = options
    options.scaling = .standardize
    #expect(throws: ConfigurationError.self) {
      try TabularModel.train(on: try Dataset(contentsOf: path), options: options)
    }
  }

  // MARK: Read as needed

  /// An array of NumPy with a missing cell, and its target in a file of its own.
  private func arrays() throws -> (rows: String, targets: String) {
    let data = TestData.clusters(rows: 260, dimension: 9, classes: 3, seed: 4)
    var elements: [UInt8] = []
    for r in 0..<260 {
      for c in 0..<9 {
        let value = r == 17 && c == 2 ? Float.nan : 100 + 3 * data.inputs[r, c]
        elements += [0, 8, 16, 24].map { UInt8(truncatingIfNeeded: value.bitPattern >> $0) }
      }
    }
    let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (260, 9), }\n"
    try AtomicFile.write(
      DataFiles.npy(header: header, elements: elements), to: folder.file("x.npy"))
    try AtomicFile.write(
      DataFiles.npy(data.labels.map { UInt8($0) }, shape: "(260,)"), to: folder.file("y.npy"))
    return (folder.file("x.npy"), folder.file("y.npy"))
  }

  @Test func `rows read as they are needed give the model of the same table`() throws {
    let paths = try arrays()
    var inMemory = Dataset.Options(targetsPath: paths.targets)
    let table = try Dataset(contentsOf: paths.rows, options: inMemory)
    inMemory.elementLimit = 0
    let streamed = try Dataset(contentsOf: paths.rows, options: inMemory)
    let expected = try TabularModel.train(on: table, options: options).model
    let model = try TabularModel.train(on: streamed, options: options).model
    #expect(model.record == expected.record)
    #expect(model.record.test!.accuracy! > 0.8)
    #expect(model.transform == expected.transform)
    #expect(model.predictor.weights.isIdentical(to: expected.predictor.weights))
    #expect(try model.scores(for: streamed).isIdentical(to: expected.scores(for: table)))
    #expect(try model.report(on: streamed) == expected.report(on: table))
  }

  @Test func `the target may be a column of the array`() throws {
    var options = Dataset.Options()
    options.elementLimit = 0
    let dataset = try Dataset(contentsOf: try arrays().rows, options: options)
    let model = try TabularModel.train(on: dataset, target: "column4", options: self.options).model
    #expect(model.target.task == .regression && model.encoder.columns.count == 8)
    #expect(throws: TableError.self) {
      try TabularModel.train(on: dataset, target: "column40", options: self.options)
    }
  }

  @Test func `what is wrong with a row is told when it is read`() throws {
    let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (4, 1), }\n"
    let values: [Float] = [1, 2, .infinity, 4]
    let bytes = values.flatMap { value in
      [0, 8, 16, 24].map { UInt8(truncatingIfNeeded: value.bitPattern >> $0) }
    }
    let array = try NPYReader.array(
      FileRegion(DataFiles.npy(header: header, elements: bytes)), file: "a.npy")
    let file = try RowFile(array, name: "a.npy")
    #expect(throws: DataFileError.self) { try file.table(rows: [0, 2]) }
    let encoder = try TableEncoder(fitting: try file.table(rows: [0, 1, 3]))
    let transform = try FeatureTransform(
      fitting: try encoder.encode(try file.table(rows: [0, 1, 3])), scaling: .standardize)
    let rows = try EncodedRows(file, encoder: encoder, transform: transform)
    let block = Matrix(rows: 2, columns: 1)
    try rows.copy([3, 1], to: block)
    #expect(throws: RowReadError.self) { try rows.copy([1, 2], to: block) }
  }
}
