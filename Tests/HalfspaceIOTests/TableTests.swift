// SPDX-License-Identifier: Apache-2.0
import Foundation
import HalfspaceIO
import Testing

@Suite struct TableTests {
  private let table = Table(
    name: "t",
    columns: [
      TableColumn(name: "n", numbers: [1, nil, 2.5, -4]),
      TableColumn(name: "t", texts: ["x", "y", nil, "x"]),
    ])

  @Test func `columns are found by name and keep their order`() throws {
    #expect(table.columnNames == ["n", "t"])
    #expect(table.rowCount == 4)
    #expect(table["nope"] == nil)
    #expect(table.position(of: "t") == 1)
    let error = #expect(throws: TableError.self) { try table.column("nope") }
    #expect(
      error?.description == "t, column \"nope\": there is no such column; there are \"n\", \"t\"")
  }

  @Test func `cells are numbers, texts or missing`() throws {
    let numbers = try table.column("n")
    #expect((0..<4).map { numbers.number($0) } == [1, nil, 2.5, -4])
    #expect((0..<4).map { numbers.text($0) } == ["1", nil, "2.5", "-4"])
    let texts = try table.column("t")
    #expect((0..<4).map { texts.number($0) } == [nil, nil, nil, nil])
    #expect((0..<4).map { texts.text($0) } == ["x", "y", nil, "x"])
    #expect(numbers.missingCount == 1)
    #expect(texts.missingCount == 1)
  }

  @Test func `a selection keeps values and lines, in the order asked for`() throws {
    let selected = table.selecting(rows: [3, 1, 1])
    #expect(selected.rowCount == 3)
    #expect((0..<3).map { selected["n"]?.number($0) } == [-4, nil, nil])
    #expect((0..<3).map { selected["t"]?.text($0) } == ["x", "y", "y"])
    #expect((0..<3).map { selected.line(ofRow: $0) } == [4, 2, 2])
    #expect(table.selecting(rows: []).rowCount == 0)
  }

  @Test func `dropping removes columns and knows which there are`() throws {
    #expect(try table.dropping(columns: ["n"]).columnNames == ["t"])
    #expect(try table.dropping(columns: ["n", "t"]).rowCount == 4)
    let error = #expect(throws: TableError.self) { try table.dropping(columns: ["m"]) }
    #expect(error?.reason == .unknownColumn(available: ["n", "t"]))
  }

  @Test func `columns of different lengths or equal names trap`() async {
    await #expect(processExitsWith: .failure) {
      _ = Table(
        name: "t",
        columns: [
          TableColumn(name: "a", numbers: [1]), TableColumn(name: "b", numbers: [1, 2]),
        ])
    }
    await #expect(processExitsWith: .failure) {
      _ = Table(
        name: "t",
        columns: [TableColumn(name: "a", numbers: [1]), TableColumn(name: "a", numbers: [2])])
    }
    await #expect(processExitsWith: .failure) { _ = TableColumn(name: "a", numbers: [.infinity]) }
  }

  @Test(
    arguments: [
      (
        TableError(file: "f.csv", line: 37, reason: .raggedRow(expected: 17, found: 1)),
        "f.csv, line 37: expected 17 fields, found 1"
      ),
      (
        TableError(
          file: "f.csv", line: 2, column: "c",
          reason: .unknownCategory("new", known: (0..<20).map { "k\($0)" })),
        "f.csv, line 2, column \"c\": the training rows had no \"new\" here, only \"k0\", \"k1\", "
          + "\"k2\", \"k3\", \"k4\", \"k5\", \"k6\", \"k7\", ... (20 in all)"
      ),
      (
        TableError(file: "f.csv", column: "id", reason: .textInNumericColumn("a\nb")),
        "f.csv, column \"id\": expected a number, found \"a b\""
      ),
      (
        TableError(file: "f", reason: .textInNumericColumn(String(repeating: "é", count: 500))),
        "f: expected a number, found \"\(String(repeating: "é", count: 40))...\""
      ),
    ])
  func `an error is one sentence`(_ error: TableError, _ expected: String) {
    #expect(error.description == expected)
    #expect(error.localizedDescription == expected)
  }
}
