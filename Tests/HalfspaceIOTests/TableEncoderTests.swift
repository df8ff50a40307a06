// SPDX-License-Identifier: Apache-2.0
import Foundation
import HalfspaceIO
import HalfspaceLinalg
import Testing

@Suite struct TableEncoderTests {
  private func table(_ csv: String, hasHeader: Bool? = nil) throws -> Table {
    try Table(csv: csv, name: "t.csv", options: CSVReader.Options(hasHeader: hasHeader))
  }

  private func rows(_ matrix: Matrix) -> [[Float]] { (0..<matrix.rows).map(matrix.rowArray) }

  private let training = """
    size,color,weight,same,target
    1,red,10,5,a
    2,blue,,5,b
    4,red,30,5,a
    8,,40,5,b

    """

  // MARK: What becomes of columns

  @Test func `numbers pass, gaps are filled and marked, texts become levels`() throws {
    let encoder = try TableEncoder(fitting: try table(training), target: "target")
    #expect(
      encoder.featureNames == [
        "size", "color=blue", "color=red", "color is missing", "weight", "weight is missing",
      ])
    #expect(encoder.featureCount == 6)
    #expect(encoder.constantColumns == ["same"])
    #expect(
      rows(try encoder.encode(try table(training))) == [
        [1, 0, 1, 0, 10, 0], [2, 1, 0, 0, 30, 1], [4, 0, 1, 0, 30, 0], [8, 0, 0, 1, 40, 0],
      ])
  }

  @Test(
    arguments: [([1, 2, 9], 2.0), ([1, 2, 4, 9], 3), ([-1e308, 1e308], 0)] as [([Double], Double)])
  func `the median fills gaps`(_ values: [Double], _ median: Double) throws {
    let table = Table(name: "t", columns: [TableColumn(name: "x", numbers: values + [nil])])
    let features = try TableEncoder(fitting: table).encode(table)
    #expect(features[values.count, 0] == Float(median))
    #expect(features[values.count, 1] == 1)
    #expect(features[0, 1] == 0)
  }

  @Test func `a gap that training had not takes the median and no mark`() throws {
    let encoder = try TableEncoder(fitting: try table("a,b\n1,1\n3,2\n5,9\n"))
    #expect(rows(try encoder.encode(try table("a,b\n,1\n7,\n"))) == [[3, 1], [7, 2]])
  }

  @Test func `a constant column with gaps keeps its mark alone`() throws {
    let encoder = try TableEncoder(fitting: try table("a,b\n1,7\n2,\n3,7\n"))
    #expect(encoder.featureNames == ["a", "b is missing"])
    #expect(rows(try encoder.encode(try table("a,b\n1,\n2,9\n"))) == [[1, 1], [2, 0]])
  }

  @Test func `levels are those of the training rows, in order of their bytes`() throws {
    let table = Table(
      name: "t", columns: [TableColumn(name: "c", texts: ["z", "é", "B", "a", "unused", "b"])])
    let encoder = try TableEncoder(fitting: table.selecting(rows: [0, 1, 2, 3, 5]))
    #expect(encoder.featureNames == ["c=B", "c=a", "c=b", "c=z", "c=é"])
  }

  @Test func `texts that Unicode holds equal are one level`() throws {
    let table = Table(name: "t", columns: [TableColumn(name: "c", texts: ["e\u{301}", "é", "a"])])
    let encoder = try TableEncoder(fitting: table)
    #expect(encoder.featureCount == 2)
    #expect(rows(try encoder.encode(table)) == [[0, 1], [0, 1], [1, 0]])
  }

  @Test func `a column far from zero keeps its digits`() throws {
    let times = (0..<100).map { 1_700_000_000 + 0.5 * Double($0) }
    let table = Table(
      name: "t",
      columns: [
        TableColumn(name: "time", numbers: times),
        TableColumn(name: "x", numbers: times.map { $0 - times[0] }),
      ])
    let features = try TableEncoder(fitting: table).encode(table)
    for row in 1..<100 {
      #expect(features[row, 0] - features[row - 1, 0] == 0.5)
      #expect(features[row, 1] == Float(0.5 * Double(row)))
    }
  }

  @Test func `numbers beyond the range of Float are clipped to it`() throws {
    let table = Table(
      name: "t", columns: [TableColumn(name: "x", numbers: [1e300, -1e300, 1, 1e-300])])
    let features = try TableEncoder(fitting: table).encode(table)
    let limit = Float.greatestFiniteMagnitude
    #expect(rows(features) == [[limit], [-limit], [1], [0]])
  }

  // MARK: Other tables

  @Test func `columns are matched by name, in any order, and others are ignored`() throws {
    let encoder = try TableEncoder(fitting: try table(training), target: "target")
    let shuffled = try table("extra,weight,color,size\nx,12,blue,3\ny,?,red,1\n")
    #expect(rows(try encoder.encode(shuffled)) == [[3, 1, 0, 0, 12, 0], [1, 0, 1, 0, 30, 1]])
  }

  @Test func `without names columns are matched by position, with or without the target`() throws {
    let encoder = try TableEncoder(
      fitting: try table("x,1,3,y\nx,2,4,y\nz,3,7,y\nx,5,5,w\n", hasHeader: false),
      target: "column1", dropping: ["column4"])
    #expect(encoder.featureNames == ["column2", "column3"])
    let expected: [[Float]] = [[7, 8], [9, 1]]
    for csv in ["x,7,8,y\nz,9,1,q\n", "7,8,y\n9,1,q\n", "7,8\n9,1\n"] {
      #expect(rows(try encoder.encode(try table(csv, hasHeader: false))) == expected)
      // Names that training did not know cannot be matched.
      let named = csv.prefix { $0 != "\n" }.split(separator: ",").map { "n\($0)" }
      #expect(
        rows(try encoder.encode(try table(named.joined(separator: ",") + "\n" + csv))) == expected)
    }
    let error = #expect(throws: TableError.self) {
      try encoder.encode(try table("1\n2\n", hasHeader: false))
    }
    #expect(error?.reason == .columnCount(expected: 4, found: 1))
  }

  @Test func `numbers stand for the level of the same value`() throws {
    let training = Table(
      name: "t", columns: [TableColumn(name: "c", texts: ["007", "1.0", "2", "2.0", "x"])])
    let encoder = try TableEncoder(fitting: training)
    let table = try table("c\n7\n1\n2\n")
    #expect(table["c"]?.isNumeric == true)
    #expect(
      rows(try encoder.encode(table)) == [[1, 0, 0, 0, 0], [0, 1, 0, 0, 0], [0, 0, 1, 0, 0]])
  }

  @Test func `a text column of numbers is numbers where training had numbers`() throws {
    let encoder = try TableEncoder(fitting: try table("a\n1\n2\n"))
    let mixed = try table("a\n1.50\nnonsense\n\n4\n")
    #expect(rows(try encoder.encode(mixed.selecting(rows: [3, 0, 2]))) == [[4], [1.5], [1.5]])
    let error = #expect(throws: TableError.self) { try encoder.encode(mixed) }
    #expect(
      error?.description == "t.csv, line 3, column \"a\": expected a number, found \"nonsense\"")
  }

  // MARK: Errors

  @Test func `an unknown category is refused, or ignored when asked`() throws {
    var encoder = try TableEncoder(fitting: try table("c,n\nred,1\nblue,2\n"))
    let unknown = try table("c,n\nred,1\ngreen,2\n,3\n")
    var error = #expect(throws: TableError.self) { try encoder.encode(unknown) }
    #expect(
      error?.description
        == "t.csv, line 3, column \"c\": the training rows had no \"green\" here, only \"blue\", "
        + "\"red\"")
    error = #expect(throws: TableError.self) {
      try encoder.encode(unknown.selecting(rows: [0, 2]))
    }
    #expect(
      error == TableError(file: "t.csv", line: 4, column: "c", reason: .unexpectedMissing))
    encoder.unknownCategories = .ignore
    #expect(rows(try encoder.encode(unknown)) == [[0, 1, 1], [0, 0, 2], [0, 0, 3]])
  }

  @Test func `missing columns are listed`() throws {
    let encoder = try TableEncoder(fitting: try table(training), target: "target")
    let error = #expect(throws: TableError.self) {
      try encoder.encode(try table("color,same\nred,5\n"))
    }
    #expect(error?.reason == .missingColumns(["size", "weight"]))
    #expect(
      error?.description
        == "t.csv: the training table's columns \"size\", \"weight\" are not in this table")
  }

  @Test func `too many levels are refused with the likely cause`() throws {
    let ids = (0..<200).map { "id\($0),\($0)\n" }.joined()
    var error = #expect(throws: TableError.self) {
      try TableEncoder(fitting: try table("id,n\n" + ids))
    }
    #expect(
      error
        == TableError(
          file: "t.csv", column: "id",
          reason: .tooManyLevels(levels: 200, rows: 200, limit: 50, firstText: nil)))
    #expect(error?.description.contains("--drop") == true)
    let mostlyNumbers = (0..<200).map { $0 == 70 ? "7o\n" : "\($0)\n" }.joined()
    error = #expect(throws: TableError.self) {
      try TableEncoder(fitting: try table("n\n" + mostlyNumbers))
    }
    #expect(error?.line == 72)
    #expect(
      error?.reason == .tooManyLevels(levels: 200, rows: 200, limit: 50, firstText: "7o"))
    #expect(
      try TableEncoder(fitting: try table("id,n\n" + ids), dropping: ["id"]).featureCount == 1)
  }

  @Test func `the limit of levels grows with the rows, up to a thousand`() {
    #expect(
      [1, 500, 600, 10_000, 1_000_000].map(TableEncoder.levelLimit) == [50, 50, 60, 1000, 1000])
  }

  @Test func `tables with nothing to learn from and unknown names are refused`() throws {
    var error = #expect(throws: TableError.self) {
      try TableEncoder(fitting: try table("a,b\n1,x\n1,y\n"), target: "b")
    }
    #expect(error?.reason == .noFeatures)
    error = #expect(throws: TableError.self) {
      try TableEncoder(fitting: try table("a,b\n1,x\n2,y\n"), target: "c")
    }
    #expect(error?.reason == .unknownColumn(available: ["a", "b"]))
    error = #expect(throws: TableError.self) {
      try TableEncoder(fitting: try table("a,b\n1,x\n2,y\n"), dropping: ["d"])
    }
    #expect(error?.column == "d")
  }

  // MARK: Model files

  @Test func `an encoder survives JSON`() throws {
    let table = try table(training)
    for encoder in [
      try TableEncoder(fitting: table, target: "target"),
      try TableEncoder(
        fitting: table, target: "target", dropping: ["size"], unknownCategories: .ignore),
      try TableEncoder(fitting: table),
    ] {
      let decoded = try JSONDecoder().decode(
        TableEncoder.self, from: try JSONEncoder().encode(encoder))
      #expect(decoded == encoder)
      #expect(try decoded.encode(table).isIdentical(to: try encoder.encode(table)))
    }
  }

  @Test(arguments: [
    ("\"position\":1", "\"position\":0"), ("\"position\":0", "\"position\":-1"),
    ("\"position\":2", "\"position\":5"), ("[\"blue\",\"red\"]", "[\"red\",\"red\"]"),
    ("\"hasHeader\":true,", ""), ("\"targetPosition\":4", "\"targetPosition\":0"),
    ("\"refuse\"", "\"guess\""), ("\"median\":30", "\"median\":\"x\""),
  ])
  func `a damaged encoder is refused`(_ sound: String, _ damaged: String) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    let json = String(
      decoding: try encoder.encode(
        try TableEncoder(fitting: try table(training), target: "target")), as: UTF8.self)
    try #require(json.contains(sound))
    let text = json.replacingOccurrences(of: sound, with: damaged)
    #expect(throws: DecodingError.self) {
      try JSONDecoder().decode(TableEncoder.self, from: Data(text.utf8))
    }
  }
}
