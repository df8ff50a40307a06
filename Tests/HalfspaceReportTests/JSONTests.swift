// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@testable import _HalfspaceReport

@Suite struct JSONTests {
  @Test func `dotted keys nest and keep their order`() throws {
    var report = JSONObject()
    report["test.rows"] = 4000
    report["seed"] = 1
    report["test.accuracy"] = 0.97
    report["a.b.c"] = .string("deep")
    #expect(
      try report.text() == """
        {
          "test": {
            "rows": 4000,
            "accuracy": 0.97
          },
          "seed": 1,
          "a": {
            "b": {
              "c": "deep"
            }
          }
        }

        """)
    #expect(report["test.accuracy"] == 0.97)
    #expect(report["test.missing"] == nil)
    #expect(report["seed.below"] == nil)
  }

  @Test func `setting again replaces in place and setting nil removes`() throws {
    var report = JSONObject()
    report["a"] = 1
    report["b.c"] = 2
    report["a"] = "one"
    #expect(report.members.map(\.key) == ["a", "b"])
    report["b.c"] = nil
    report["x.y"] = nil
    #expect(try report.text() == "{\n  \"a\": \"one\",\n  \"b\": {}\n}\n")
    report["b"] = nil
    #expect(report.members.map(\.key) == ["a"])
  }

  @Test func `a verbatim key may contain dots`() throws {
    var report = JSONObject()
    report[key: "housing.csv"] = true
    #expect(report.members.map(\.key) == ["housing.csv"])
    #expect(report[key: "housing.csv"] == true)
    #expect(report["housing.csv"] == nil)
  }

  @Test(arguments: [
    Double(0.1), 1.0 / 3, .leastNonzeroMagnitude, -0.0, .greatestFiniteMagnitude, 1e21, 1e-7,
    123_456_789.123, 9_007_199_254_740_992,
  ])
  func `numbers read back as the same bits`(value: Double) throws {
    let text = try JSONValue.array([.number(value)]).text()
    let parsed = try #require(
      JSONSerialization.jsonObject(with: Data(text.utf8)) as? [NSNumber])
    #expect(parsed[0].doubleValue.bitPattern == value.bitPattern)
  }

  @Test func `single precision prints its own digits`() throws {
    #expect(try JSONValue.number(Float(0.1)).text() == "0.1\n")
    #expect(try JSONValue.number(Float(16_777_216)).text() == "16777216.0\n")
  }

  @Test func `numbers that are not finite are refused by name`() {
    var report = JSONObject()
    report["test.rmse"] = .number(Double.nan)
    #expect(throws: JSONError(path: "test.rmse", value: "nan")) { try report.text() }
    let list: JSONValue = ["samples": [1.5, .number(-Float.infinity)]]
    #expect(throws: JSONError(path: "samples.1", value: "-inf")) { try list.text() }
    #expect(throws: JSONError(path: "", value: "inf")) {
      try JSONValue.number(Double.infinity).text()
    }
    #expect(
      JSONError(path: "test.rmse", value: "nan").description
        == "test.rmse is nan: JSON has finite numbers only")
  }

  @Test func `any text survives quoting`() throws {
    let text = "quote \" backslash \\ slash / tab \t line \n return \r bell \u{7} é 漢 🙂 \u{2028}"
    let encoded = try JSONValue.array([.string(text)]).text()
    let parsed = try #require(
      JSONSerialization.jsonObject(with: Data(encoded.utf8)) as? [String])
    #expect(parsed == [text])
    #expect(encoded.unicodeScalars.dropLast().allSatisfy { $0.value >= 0x20 })
  }

  @Test func `short lists stay on a line and long ones do not`() throws {
    let short: JSONValue = ["m": [1, 2, 3], "empty": [], "nothing": nil]
    #expect(
      try short.text() == "{\n  \"m\": [1, 2, 3],\n  \"empty\": [],\n  \"nothing\": null\n}\n")
    let long = JSONValue.array((0..<60).map { .integer($0) })
    let lines = try long.text().split(separator: "\n")
    #expect(lines.count == 62)
    let nested: JSONValue = [[1], [2, 3]]
    #expect(try nested.text() == "[\n  [1],\n  [2, 3]\n]\n")
  }

  @Test func `a repeated key in a literal traps`() async {
    await #expect(processExitsWith: .failure) {
      let object: JSONValue = ["a": 1, "a": 2]
      blackHole(object)
    }
  }

  @Test func `setting below a number traps`() async {
    await #expect(processExitsWith: .failure) {
      var report = JSONObject()
      report["a"] = 1
      report["a.b"] = 2
    }
  }
}
