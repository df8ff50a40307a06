// SPDX-License-Identifier: Apache-2.0
import HalfspaceLinalg
import HalfspaceNN
import Testing

@testable import HalfspaceIO

@Suite struct CSVStreamTests {
  private let folder = TemporaryFolder()

  /// All pieces of a text, and their sizes.
  private func pieces(
    _ text: String, options: CSVReader.Options = .init(), size: Int, textColumns: Set<String> = []
  ) throws -> [Table] {
    let path = folder.file("t.csv")
    try AtomicFile.write(text, to: path)
    let stream = try CSVStream(contentsOf: path, options: options, pieceSize: size) { _, _ in
      textColumns
    }
    var tables: [Table] = []
    while let table = try stream.next() { tables.append(table) }
    return tables
  }

  /// Header, rows and the line that each row would be blamed by.
  private func contents(_ tables: [Table]) -> [[String?]] {
    [tables[0].columnNames]
      + tables.flatMap { table in
        (0..<table.rowCount).map { row in
          let line = table.error(row: row, column: "x", .missingTarget).line
          return table.columns.map { $0.text(row) } + [line.map(String.init)]
        }
      }
  }

  private static let texts: [String] = [
    "a,b\n1,x\n2,y\n3,z\n", "a;b\r\n1;x\r\n2;\"y\r\n;y\"\r\n\"3\";z", "\u{FEFF}\n\na,b\n1,x\n\n\n",
    "1,2\r3,4\r5,6\r", "n\n1\n\n3\n\n\n",
    "a,b\n" + String(repeating: "12,\"q \"\"w\"\"\"\n", count: 40),
    "a,b\n1,\"" + String(repeating: "long\n", count: 30) + "\"\n2,x\n",
    "name\tvalue\n" + (0..<50).map { "n\($0)\t\($0)\n" }.joined(),
  ]

  @Test(arguments: texts, [1, 7, 40, 1 << 20])
  func `pieces make up the table, whatever their size`(text: String, size: Int) throws {
    let whole = try Table(csv: text, name: "t")
    let tables = try pieces(
      text, options: .init(hasHeader: whole.hasHeader), size: size,
      textColumns: Set(whole.columns.filter { !$0.isNumeric }.map(\.name)))
    #expect(contents(tables) == contents([whole]))
    #expect(tables.allSatisfy { $0.rowCount > 0 && $0.hasHeader == whole.hasHeader })
    if size == 1, whole.rowCount > 20 { #expect(tables.count > 10) }
  }

  @Test func `names and delimiter are found as for the whole file`() throws {
    let text = "kind;size\n" + (0..<300).map { "k\($0 % 3);\($0)\n" }.joined()
    let whole = try Table(csv: text, name: "t")
    for size in [200, 1000, 1 << 20] {
      let tables = try pieces(text, size: size)
      #expect(tables.count == 1 || size < text.utf8.count)
      #expect(contents(tables) == contents([whole]))
    }
  }

  @Test func `a column known to be text keeps its spelling in every piece`() throws {
    let text = "zip,n\n" + (0..<40).map { "00\($0),\($0)\n" }.joined()
    let tables = try pieces(text, options: .init(hasHeader: true), size: 30, textColumns: ["zip"])
    #expect(tables.count > 5)
    #expect(
      tables.flatMap { t in (0..<t.rowCount).map { t["zip"]!.text($0)! } }
        == (0..<40).map { "00\($0)" })
    #expect(tables.allSatisfy { $0["n"]!.isNumeric })
  }

  @Test(arguments: [1, 16, 1 << 20])
  func `damage is reported by its line in the file`(size: Int) throws {
    let good = "a,b\n" + (0..<30).map { "\($0),\($0)\n" }.joined()
    for (bad, reason) in [
      ("1,2,3\n", TableError.Reason.raggedRow(expected: 2, found: 3)),
      ("1,\"x\n", .unterminatedQuote), ("\"1\"2,3\n", .textAfterQuote),
      ("\n1,2\n", .raggedRow(expected: 2, found: 0)),
    ] {
      let error = #expect(throws: TableError.self) {
        try pieces(good + bad + (reason == .unterminatedQuote ? "" : good), size: size)
      }
      #expect(error?.line == 32 && error?.reason == reason)
    }
    #expect(throws: TableError.self) { try pieces("", size: size) }
    #expect(throws: TableError.self) {
      try pieces("a,b\n", options: .init(hasHeader: true), size: size)
    }
  }

  @Test func `a model answers a table piece by piece as it answers the whole`() throws {
    var options = TrainingOptions()
    options.width = 64
    options.threshold = .value(1)
    options.epochs = 1
    options.threads = 1
    let text =
      "color,\"zip\",size,y\n"
      + (0..<3000).map { "\(["red", "blue"][$0 % 2]),\("0\($0 % 3)"),\($0 % 7),\($0 % 2)\n" }
      .joined()
    let path = folder.file("t.csv")
    try AtomicFile.write(text, to: path)
    let table = try Table(csv: text, name: "t", options: .init(textColumns: ["zip"]))
    let model = try TabularModel.train(on: table, target: "y", options: options).model
    for (name, drop) in [("whole", 0), ("nameless", 1)] {
      // Without names the columns count by position.
      let lines = text.split(separator: "\n").dropFirst(drop)
      let other = folder.file("\(name).csv")
      try AtomicFile.write(lines.joined(separator: "\n"), to: other)
      var texts: [String] = []
      try model.forEachPiece(ofTable: other) { texts += try model.predict($0).texts }
      #expect(texts == (try model.predict(table)).texts)
    }
  }

  @Test func `a file that is not committed leaves what was there`() throws {
    let path = folder.file("kept")
    try AtomicFile.write("old", to: path)
    do {
      let file = try PendingFile(path)
      try file.write(Array("new".utf8))
    }
    #expect(try FileBytes.read(path) == Array("old".utf8))
    let file = try PendingFile(path)
    for text in ["a", "", "bc"] { try file.write(Array(text.utf8)) }
    #expect(folder.names.count == 2)
    try file.commit()
    #expect(try FileBytes.read(path) == Array("abc".utf8))
    #expect(folder.names == ["kept"])
  }
}
