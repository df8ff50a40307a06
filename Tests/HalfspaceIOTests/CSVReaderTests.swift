// SPDX-License-Identifier: Apache-2.0
import HalfspaceIO
import HalfspaceLinalg
import Testing

@Suite struct CSVReaderTests {
  private func read(
    _ csv: String, _ options: CSVReader.Options = CSVReader.Options()
  ) throws -> Table {
    try Table(csv: csv, name: "t.csv", options: options)
  }

  private func texts(_ table: Table, _ column: String) throws -> [String?] {
    let column = try table.column(column)
    return (0..<table.rowCount).map { column.text($0) }
  }

  // MARK: Fields and lines

  @Test(arguments: ["\n", "\r\n", "\r"])
  func `line ends of every kind give the same table`(_ end: String) throws {
    for last in ["", end, end + end, end + "  " + end] {
      let table = try read("a,b\(end)1,x\(end)2.5,y z\(last)")
      #expect(table.columnNames == ["a", "b"])
      #expect(table["a"]?.storage == .numeric([1, 2.5]))
      #expect(table["b"]?.storage == .categorical(codes: [0, 1], levels: ["x", "y z"]))
      #expect((0..<2).map { table.line(ofRow: $0) } == [2, 3])
    }
  }

  @Test func `quoted fields hold delimiters, quotes and line ends`() throws {
    let table = try read("a,b\r\n\"x, \"\"y\"\"\r\nz\",1\r\n  \"\" ,\"2\"  \r\nq\"r,3\r\n")
    #expect(try texts(table, "a") == ["x, \"y\"\r\nz", nil, "q\"r"])
    #expect(table["b"]?.storage == .numeric([1, 2, 3]))
    #expect((0..<3).map { table.line(ofRow: $0) } == [2, 4, 5])
  }

  @Test func `blanks around plain fields do not count, those inside quotes do`() throws {
    let table = try read("name , value\n  x y ,\t 1 \n\" x\", 2\n")
    #expect(table.columnNames == ["name", "value"])
    #expect(try texts(table, "name") == ["x y", " x"])
    #expect(table["value"]?.storage == .numeric([1, 2]))
  }

  @Test func `a byte order mark is no part of the first name`() throws {
    #expect(try read("\u{FEFF}a,b\n1,2\n").columnNames == ["a", "b"])
  }

  @Test func `a file without a final line end keeps its last cell, empty or not`() throws {
    #expect(try read("a,b\n1,2\n3,")["b"]?.missingCount == 1)
    #expect(try read("a,b\n1,2\n3,4")["b"]?.storage == .numeric([2, 4]))
  }

  @Test func `a single column has its blank lines as missing cells, save the last ones`() throws {
    let table = try read("\n\na\n1\n\n3\n\n\n")
    #expect(table.rowCount == 3)
    #expect(table["a"]?.missingCount == 1)
    #expect((0..<3).map { table.line(ofRow: $0) } == [4, 5, 6])
    let texts = try read("a\n1\n\nx\n\n")
    #expect(try self.texts(texts, "a") == ["1", nil, "x"])
  }

  @Test func `quoted fields come back, whatever they hold`() throws {
    let fields = [
      "plain", "a,b;c\t|", "say \"hi\"", "two\nlines", " blank ", "ünï", "x\r\ny", "\"",
    ]
    let names = fields.indices.map { "c\($0)" }
    let quoted = fields.map { "\"" + $0.replacing("\"", with: "\"\"") + "\"" }
    for delimiter: Character in [",", ";", "\t", "|"] {
      let lines = [names, quoted, quoted].map { $0.joined(separator: String(delimiter)) }
      for csv in [lines.joined(separator: "\n"), lines.joined(separator: "\r\n") + "\r\n"] {
        let table = try read(csv, CSVReader.Options(delimiter: delimiter, hasHeader: true))
        #expect(table.columnNames == names)
        #expect(table.rowCount == 2)
        for (name, field) in zip(names, fields) { #expect(table[name]?.text(1) == field) }
      }
    }
  }

  // MARK: Kinds of columns

  @Test func `missing marks are recognized in numbers and texts`() throws {
    let csv = "n,t\n1,a\n,\nNA,na\nn/a,N/A\nNull,NULL\n?,?\n\"\",\"\"\n2,b\n"
    let table = try read(csv)
    #expect(table["n"]?.isNumeric == true)
    #expect(table["n"]?.missingCount == 6)
    #expect(try texts(table, "t") == ["a", nil, nil, nil, nil, nil, nil, "b"])
  }

  @Test func `one text makes a text column, with the numbers as they were spelled`() throws {
    let table = try read("a,b\n007,1\n7.0,2\n,3\ninf,4\nx,5\n1e2,6\n")
    #expect(try texts(table, "a") == ["007", "7.0", nil, "inf", "x", "1e2"])
    #expect(table["b"]?.storage == .numeric([1, 2, 3, 4, 5, 6]))
  }

  @Test func `a column that is missing throughout counts as numeric`() throws {
    let table = try read("a,b\n,1\nNA,2\n")
    #expect(table["a"]?.isNumeric == true)
    #expect(table["a"]?.missingCount == 2)
  }

  @Test func `columns can be declared text`() throws {
    let table = try read(
      "zip,n\n01234,1\n1234,2\n", CSVReader.Options(textColumns: ["zip"]))
    #expect(table["zip"]?.storage == .categorical(codes: [0, 1], levels: ["01234", "1234"]))
    #expect(table["n"]?.isNumeric == true)
  }

  @Test func `texts beyond ASCII are kept`() throws {
    let table = try read("größe,名\nklein,日本\ngroß,日本\n")
    #expect(table.columnNames == ["größe", "名"])
    #expect(table["名"]?.storage == .categorical(codes: [0, 0], levels: ["日本"]))
  }

  @Test func `many levels are interned right`() throws {
    var generator = SeededGenerator(seed: 3)
    let words = (0..<3000).map { _ in "w\(generator.below(700))" }
    let table = try read("w,n\n" + words.map { "\($0),1\n" }.joined())
    #expect(try texts(table, "w") == words.map(Optional.some))
    guard case .categorical(_, let levels) = try table.column("w").storage else {
      Issue.record("not categorical")
      return
    }
    #expect(levels.count == Set(words).count)
  }

  // MARK: Dialect

  @Test(arguments: [",", ";", "\t", "|"] as [Character])
  func `the delimiter is found`(_ delimiter: Character) throws {
    let rows = [["a", "b b", "c"], ["1", "x", "2"], ["3", "\"y,;|\"", "4"]]
    let csv = rows.map { $0.joined(separator: String(delimiter)) + "\n" }.joined()
    let table = try read(csv)
    #expect(table.columnNames == ["a", "b b", "c"])
    #expect(table["b b"]?.text(1) == "y,;|")
  }

  @Test func `decimal commas do not pass for delimiters under a header`() throws {
    #expect(try read("a;b\n1,5;2,5\n3,5;4,5\n").columnNames == ["a", "b"])
  }

  @Test func `a ragged record does not change the delimiter`() throws {
    #expect(throws: TableError.self) { try read("a,b,c\n1,2\n4,5,6\n") }
    let error = #expect(throws: TableError.self) { try read("a\tb\n1\t2\n3\n4,5\t6\n") }
    #expect(error?.reason == .raggedRow(expected: 2, found: 1))
  }

  @Test func `a given delimiter is obeyed`() throws {
    let table = try read("a,b;c\n1,2;3\n", CSVReader.Options(delimiter: ";"))
    #expect(table.columnNames == ["a,b", "c"])
  }

  @Test(
    arguments: [
      ("a,b\n1,2\n", true),
      ("Letter,1,2,3\nT,2,8,3\nI,5,12,3\nT,4,11,6\nI,7,11,6\n", true),
      ("1,2,3,4,5,6,7,8\n9,9,9,9,9,9,9,9\n", true),
      ("0,1,2,3,4,5,6,7\n9,9,9,9,9,9,9,9\n", true),
      (",a\n0,5\n1,6\n", true),
      ("color,size\nred,big\nblue,small\nred,small\n", true),
      ("a,b\n", nil),
      ("1,2,3\n4,5,6\n", false),
      ("5.1,3.5,setosa\n4.9,3,setosa\n6,2,virginica\n", false),
      ("T,2,8,3,5\nI,5,12,3,7\nT,4,11,6,8\nI,7,11,6,6\n", false),
      ("a,1,2,3\nb,4,5,6\nc,7,8,9\n", false),
      ("p,x,s\ne,x,s\np,y,s\ne,x,t\n", false),
      ("1,2\n", false),
      ("1,x\n", false),
      ("?,2,3\n4,5,6\n", false),
    ] as [(String, Bool?)])
  func `a header is told from values`(_ csv: String, _ expected: Bool?) throws {
    guard let expected else {
      let error = #expect(throws: TableError.self) { try read(csv) }
      #expect(error?.reason == .noDataRows)
      return
    }
    let table = try read(csv)
    #expect(table.hasHeader == expected)
    let lines = csv.split(separator: "\n").count
    #expect(table.rowCount == (expected ? lines - 1 : lines))
    if !expected { #expect(table.columnNames[1] == "column2") }
  }

  @Test func `the header can be declared`() throws {
    let without = try read("a,b\nc,d\n", CSVReader.Options(hasHeader: false))
    #expect(without.columnNames == ["column1", "column2"])
    #expect(without.rowCount == 2)
    #expect(without.line(ofRow: 0) == 1)
    let with = try read("1,2\n3,4\n", CSVReader.Options(hasHeader: true))
    #expect(with.columnNames == ["1", "2"])
    #expect(with.rowCount == 1)
  }

  @Test func `empty names are filled in`() throws {
    #expect(try read("a,,c\n1,2,3\n").columnNames == ["a", "column2", "c"])
  }

  // MARK: Errors

  @Test(
    arguments: [
      ("a,b\n1,2\n3\n", 3, nil, .raggedRow(expected: 2, found: 1)),
      ("a,b\n1,2\n3,4,5\n", 3, nil, .raggedRow(expected: 2, found: 3)),
      ("a,b\n1,2\n\n3,4\n", 3, nil, .raggedRow(expected: 2, found: 0)),
      ("", nil, nil, .empty),
      ("\n \n\r\n", nil, nil, .empty),
      ("\u{FEFF}", nil, nil, .empty),
      ("a,b\n", nil, nil, .noDataRows),
      ("a,b\n\n\n", nil, nil, .noDataRows),
      ("a,b\n1,\"2\n3,4\n", 2, "b", .unterminatedQuote),
      ("a,\"b\n1,2\n", 1, "column2", .unterminatedQuote),
      ("a,b\n\"1\"x,2\n", 2, "a", .textAfterQuote),
      ("a,b\n\"1\n\n\"\"x\"y,2\n", 4, "a", .textAfterQuote),
      ("a,b,a\n1,2,3\n", nil, "a", .duplicateColumn(first: 1, second: 3)),
      ("a,b\n1,2\n3,NaN\n", 3, "b", .notFinite("NaN")),
      ("a,b\n1,2\n-inf,4\n", 3, "a", .notFinite("-inf")),
      ("a,b\n1,2\n1e999,nan\n", 3, "a", .notFinite("1e999")),
      ("a,b\n\"x\n\ny\",1\n\"z\",inf\n", 5, "b", .notFinite("inf")),
    ] as [(String, Int?, String?, TableError.Reason)])
  func `unsound tables are refused`(
    _ csv: String, _ line: Int?, _ column: String?, _ reason: TableError.Reason
  ) {
    let error = #expect(throws: TableError.self) { try read(csv) }
    #expect(error == TableError(file: "t.csv", line: line, column: column, reason: reason))
  }

  @Test func `bytes that are not UTF-8 are refused where they are`() throws {
    let reader = CSVReader()
    let latin1 = Array("a,b\n1,x\n2,caf".utf8) + [0xE9] + Array("\n".utf8)
    var error = #expect(throws: TableError.self) { try reader.read(latin1, name: "t.csv") }
    #expect(error == TableError(file: "t.csv", line: 3, column: "b", reason: .invalidUTF8))
    let header = Array("a,".utf8) + [0xE9] + Array("\n1,2\n".utf8)
    error = #expect(throws: TableError.self) { try reader.read(header, name: "t.csv") }
    #expect(error == TableError(file: "t.csv", line: 1, column: "column2", reason: .invalidUTF8))
    let first = Array("a,b\n1,2\n".utf8) + [0xFF] + Array(",3\n".utf8)
    error = #expect(throws: TableError.self) { try reader.read(first, name: "t.csv") }
    #expect(error == TableError(file: "t.csv", line: 3, column: "a", reason: .invalidUTF8))
  }

  @Test(arguments: [
    [0x1F, 0x8B, 8, 0], [0xFF, 0xFE, 0x61, 0], [0xFE, 0xFF, 0, 0x61], [0x50, 0x4B, 3, 4, 20],
    [0x61, 0x2C, 0, 0x0A],
  ])
  func `files that are no text are recognized`(_ bytes: [UInt8]) throws {
    let error = try #require(
      #expect(throws: TableError.self) { try CSVReader().read(bytes, name: "t.csv") })
    guard case .notText = error.reason else {
      Issue.record("\(error)")
      return
    }
  }

  @Test func `random bytes are read or refused, never worse`() {
    var generator = SeededGenerator(seed: 4)
    let alphabet = Array("a1,;\t|\"\"\n\r .-e".utf8) + [0xC3, 0xA9, 0xFF]
    var readable = 0
    for _ in 0..<3000 {
      let bytes = (0..<generator.below(40)).map { _ in alphabet[generator.below(alphabet.count)] }
      do {
        let table = try CSVReader().read(bytes, name: "t.csv")
        readable += 1
        #expect(table.rowCount > 0)
        #expect(table.columns.allSatisfy { $0.count == table.rowCount })
      } catch {
        #expect("\(error)".hasPrefix("t.csv"))
      }
    }
    #expect(readable > 100)
  }

  @Test func `a missing file and a folder are refused`() {
    let error = #expect(throws: TableError.self) { try Table(contentsOf: "/nowhere/t.csv") }
    #expect(error?.description == "cannot read /nowhere/t.csv: No such file or directory")
    let folder = #expect(throws: TableError.self) { try Table(contentsOf: "/") }
    #expect(folder?.reason == .unreadable("Is a directory"))
  }

  @Test func `a delimiter that cannot be one traps`() async {
    await #expect(processExitsWith: .failure) { _ = CSVReader.Options(delimiter: "\"") }
    await #expect(processExitsWith: .failure) { _ = CSVReader.Options(delimiter: "é") }
  }
}
