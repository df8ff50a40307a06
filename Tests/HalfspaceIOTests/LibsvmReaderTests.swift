// SPDX-License-Identifier: Apache-2.0
import HalfspaceLinalg
import Testing

@testable import HalfspaceIO

@Suite struct LibsvmReaderTests {
  private func read(_ text: String, columns: Int = 0) throws(DataFileError) -> LibsvmRows {
    try LibsvmReader.read(Array(text.utf8), file: "t.svm", columns: columns)
  }

  @Test func `rows stay sparse`() throws {
    let rows = try read(
      """
      # a comment
      +1 1:0.5 3:-2e0  # another
      -1\t2:1\r

      0 qid:7 1000000:4
      2
      """)
    #expect(rows.labels == [1, -1, 0, 2] && rows.hasSingleLabels)
    let features = rows.features
    #expect(features.rows == 4 && features.columns == 1_000_001 && features.count == 4)
    #expect(features.offsets == [0, 2, 3, 4, 4])
    #expect(features.indices == [1, 3, 2, 1_000_000] && features.values == [0.5, -2, 1, 4])
  }

  @Test func `batches get their zeros`() throws {
    let features = try read("1 0:1 2:3\n1 1:2\n1\n", columns: 4).features
    #expect(
      features.dense(rows: [1, 0, 2]).isIdentical(
        to: Matrix([[0, 2, 0, 0], [1, 0, 3, 0], [0, 0, 0, 0]])))
    #expect(features.gather([2, 0]).offsets == [0, 0, 2])
    #expect(features.gather([1]).indices == [1])
  }

  @Test func `rows may have several labels or none`() throws {
    let rows = try read("1,3,5 1:1\n 2:1\n4:1\n2 1:1\n")
    #expect(!rows.hasSingleLabels && rows.labelOffsets == [0, 3, 3, 3, 4])
    #expect(rows.labels == [1, 3, 5, 2])
  }

  @Test(arguments: [
    ("1 1:2\n1 2:1 2:3\n", "line 2: index 2 follows index 2; indices ascend within a line"),
    ("1 3:1 2:3\n", "line 1: index 2 follows index 3; indices ascend within a line"),
    ("\n# x\nred 1:1\n", "line 3: expected a number as label, found \"red\""),
    ("1,,2 1:1\n", "line 1: expected a number as label, found \"\""),
    ("1 2 3\n", "line 1: expected index:value, found \"2\""),
    ("1 -1:2\n", "line 1: expected an index up to 2147483646, found \"-1\""),
    ("1 :2\n", "line 1: expected an index up to 2147483646, found \"\""),
    (
      "1 99999999999999999999:2\n",
      "line 1: expected an index up to 2147483646, found \"99999999999999999999\""
    ),
    ("1 1:\n", "line 1: expected a finite number at index 1, found \"\""),
    ("1 1:x\n", "line 1: expected a finite number at index 1, found \"x\""),
    ("1 1:nan\n", "line 1: expected a finite number at index 1, found \"nan\""),
    ("1 1:1e39\n", "line 1: expected a finite number at index 1, found \"1e39\""),
    ("# nothing\n\n", "there are no rows"), ("", "there are no rows"),
  ])
  func `what is malformed is named by line`(text: String, problem: String) {
    let error = #expect(throws: DataFileError.self) { try read(text) }
    let place = problem.hasPrefix("line") ? ", " : ": "
    #expect(error?.description == "t.svm\(place)\(problem)")
  }

  @Test func `lines across pieces of a file are whole`() throws {
    let folder = TemporaryFolder()
    // Lines of about 300 kB and pieces of 1 MiB.
    let line = (1...30_000).map { "\($0):0.5" }.joined(separator: " ")
    let text = (0..<8).map { "\($0) \(line)\n" }.joined()
    try AtomicFile.write(text, to: folder.file("t.svm"))
    let rows = try LibsvmReader.read(contentsOf: folder.file("t.svm"))
    #expect(rows.labels == (0..<8).map(Double.init))
    #expect(rows.features.offsets == (0...8).map { 30_000 * $0 })
    #expect(rows.features.values.allSatisfy { $0 == 0.5 })
  }

  @Test func `a model of sparse rows takes rows that lack its last columns or have more`() throws {
    let folder = TemporaryFolder()
    let text = (0..<60).map { "\($0 % 2) 1:\($0 % 7) \($0 % 2 + 2):1\n" }.joined()
    try AtomicFile.write(text, to: folder.file("t.svm"))
    var options = TrainingOptions()
    options.width = 256
    options.epochs = 5
    let dataset = try Dataset(contentsOf: folder.file("t.svm"))
    #expect(dataset.targetName == "label")
    let model = try TabularModel.train(
      on: dataset.table(), target: "label", options: options
    ).model
    try AtomicFile.write("0 1:3 2:1\n1 1:3 3:1 9:1\n0 2:1\n", to: folder.file("n.svm"))
    #expect(
      try model.predict(model.readTable(contentsOf: folder.file("n.svm")))
        == .labels(["0", "1", "0"]))
    try AtomicFile.write("0 1:3 2:1\n", to: folder.file("short.svm"))
    #expect(try model.readTable(contentsOf: folder.file("short.svm")).columns.count == 5)
  }

  @Test func `rows that would fill the memory with zeros are refused`() throws {
    let folder = TemporaryFolder()
    func reason(_ text: String) throws -> DataFileError.Reason? {
      try AtomicFile.write(text, to: folder.file("t.svm"))
      let dataset = try Dataset(contentsOf: folder.file("t.svm"))
      return #expect(throws: DataFileError.self) { try dataset.table() }?.reason
    }
    #expect(
      try reason("1 1:1\n0 2000000000:1\n")
        == .unsupported("a table of 2000000001 columns; more than 1048576 are refused"))
    #expect(
      try reason(String(repeating: "1 1048575:1\n", count: 1025))
        == .unsupported("a table of 1025 rows and 1048576 columns takes more than 8 GiB"))
  }
}
