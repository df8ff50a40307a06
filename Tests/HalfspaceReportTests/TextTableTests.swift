// SPDX-License-Identifier: Apache-2.0
import Testing
import _HalfspaceReport

@Suite struct TextTableTests {
  @Test func `columns line up, numbers to the right`() {
    var table = TextTable("lookup", "m", "time")
    table.append("brute force", "1,048,576", "28.1 ms")
    table.append("product grid", "1,024", "350 µs")
    #expect(
      table.description == """
        | lookup       |         m |    time |
        |:-------------|----------:|--------:|
        | brute force  | 1,048,576 | 28.1 ms |
        | product grid |     1,024 |  350 µs |
        """)
  }

  @Test func `every line has the same width`() {
    var table = TextTable("a", "b|c", "naïve µ²")
    table.append("", "x\ny", "-")
    table.append("long cell", "|", "–")
    let widths = table.description.split(separator: "\n").map(\.count)
    #expect(Set(widths).count == 1)
    #expect(widths.count == 4)
  }

  @Test func `pipes are escaped and line breaks become spaces`() {
    var table = TextTable("a|b")
    table.append("c|d\r\ne")
    #expect(table.description.contains("| a\\|b"))
    #expect(table.description.contains("| c\\|d e |"))
  }

  @Test(arguments: [
    (["1", "-2.5", "+3"], true), (["1", "-", ""], true), (["12 %", "~4x", ".5"], true),
    (["nan", "inf", "1"], true), (["1", "two"], false), (["-", ""], false), (["AVX2"], false),
  ])
  func `a column of numbers is found by its cells`(cells: [String], isNumeric: Bool) {
    var table = TextTable("wide title")
    for cell in cells { table.append(cell) }
    let rule = table.description.split(separator: "\n")[1]
    #expect(rule.hasSuffix(":|") == isNumeric)
  }

  @Test func `alignment can be forced`() {
    var table = TextTable("id", "name")
    table.append("7", "x")
    table.alignments = [.left, .right]
    #expect(table.description.split(separator: "\n")[1] == "|:----|-----:|")
  }

  @Test func `a table without rows shows its titles`() {
    #expect(TextTable("abc").description == "| abc |\n|:----|")
    #expect(TextTable(columns: []).description == "")
  }

  @Test func `a row of the wrong length traps`() async {
    await #expect(processExitsWith: .failure) {
      var table = TextTable("a", "b")
      table.append("only one")
    }
  }
}
