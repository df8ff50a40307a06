// SPDX-License-Identifier: Apache-2.0
import Testing
import _HalfspaceReport

@Suite struct CSVWriterTests {
  @Test func `rows follow the header`() {
    var csv = CSVWriter(columns: ["lookup", "m", "seconds"])
    csv.append(["product grid", 1_048_576, 3.5e-4])
    csv.append(["", 1, Float(0.1)])
    #expect(csv.text == "lookup,m,seconds\nproduct grid,1048576,0.00035\n,1,0.1\n")
  }

  @Test func `separators, quotes and line breaks are quoted`() {
    var csv = CSVWriter(columns: ["a,b", "say \"hi\""])
    csv.append(["two\nlines", "crlf\r\nhere"])
    csv.append([" spaces ", "plain"])
    #expect(
      csv.text == "\"a,b\",\"say \"\"hi\"\"\"\n\"two\nlines\",\"crlf\r\nhere\"\n spaces ,plain\n")
  }

  @Test func `a lone empty field is not an empty line`() {
    var csv = CSVWriter(columns: ["only"])
    csv.append([""])
    #expect(csv.text == "only\n\"\"\n")
  }

  @Test func `a row of the wrong length traps`() async {
    await #expect(processExitsWith: .failure) {
      var csv = CSVWriter(columns: ["a", "b"])
      csv.append(["one"])
    }
    await #expect(processExitsWith: .failure) {
      blackHole(CSVWriter(columns: []))
    }
  }
}
