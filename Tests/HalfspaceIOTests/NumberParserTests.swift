// SPDX-License-Identifier: Apache-2.0
import HalfspaceLinalg
import Testing

@testable import HalfspaceIO

@Suite struct NumberParserTests {
  private func parse(_ text: String) -> NumberParser.Outcome {
    let bytes = Array(text.utf8)
    return NumberParser.parse(bytes.span)
  }

  @Test(arguments: [
    ("0", 0.0), ("-0", 0), ("7", 7), ("+7", 7), ("-1.5", -1.5), (".5", 0.5), ("5.", 5),
    ("1e3", 1000), ("1E+3", 1000), ("2.5e-3", 0.0025), ("000123", 123), ("0.000", 0),
    ("452600.0", 452600), ("9007199254740993", 9_007_199_254_740_992),
    ("1e22", 1e22), ("1e23", 1e23), ("1e27", 1e27), ("1e28", 1e28), ("1e-27", 1e-27),
    ("18446744073709551615", 18446744073709551616), ("9999999999999999999", 1e19),
    ("9007199254740993e1", 90_071_992_547_409_936),
    ("123456789012345678901234567890", 1.2345678901234568e29),
    ("1.7976931348623157e308", Double.greatestFiniteMagnitude),
    ("5e-324", Double.leastNonzeroMagnitude),
    ("1e-400", 0), ("-1e-400", 0), ("0e999999999999", 0),
    ("2.2250738585072011e-308", Double.leastNormalMagnitude.nextDown),
  ])
  func `decimal numbers are read`(_ text: String, _ value: Double) {
    #expect(parse(text) == .number(value))
    #expect(NumberParser.number(text)?.sign == value.sign)
  }

  @Test(arguments: [
    "nan", "NaN", "-nan", "inf", "-Inf", "+INFINITY", "infinity", "1e999", "-1e400",
    "9999999999999999999999e999999999999",
  ])
  func `numbers that are not finite are told apart`(_ text: String) {
    #expect(parse(text) == .notFinite)
    #expect(NumberParser.number(text) == nil)
  }

  @Test(arguments: [
    "", ".", "-", "+-1", "1.2.3", "1e", "1e+", "e5", "0x10", "1,5", "1 2", "12abc", "nano",
    "infinite", "--1", "1d3", "\u{663}", "1e5.5",
  ])
  func `everything else is text`(_ text: String) {
    #expect(parse(text) == .text)
  }

  @Test func `every number is rounded as the standard library rounds it`() throws {
    var generator = SeededGenerator(seed: 1)
    for _ in 0..<4000 {
      let digits = 1 + generator.below(21)
      var text = generator.below(2) == 0 ? "-" : ""
      let point = generator.below(digits + 1)
      for k in 0..<digits {
        if k == point { text += "." }
        text += String(generator.below(10))
      }
      if generator.below(2) == 0 { text += "e\(generator.below(70) - 35)" }
      let expected = try #require(Double(text))
      #expect(parse(text) == .number(expected), "\(text)")
    }
  }

  @Test func `halfway cases are rounded to even, and their neighbors up and down`() throws {
    var generator = SeededGenerator(seed: 3)
    for _ in 0..<500 {
      // An odd 54-bit integer lies halfway between two doubles; so do its multiples by powers of two.
      let half = (UInt64(1) << 53 | generator.next() >> 11 | 1)
      for (text, exponent) in [("\(half)", 0), ("\(half)", 7), ("\(half / 1024)", -3)] {
        for digits in [text, "\((UInt64(text) ?? 0) + 1)", "\((UInt64(text) ?? 0) - 1)"] {
          let number = "\(digits)e\(exponent)"
          #expect(parse(number) == .number(try #require(Double(number))), "\(number)")
        }
      }
      // k + 1/2 ulp for doubles in 1..<2 has too many digits; 19 digits come close.
      let close = "1." + String(generator.next() % 1_000_000_000_000_000_000)
      for exponent in [-27, -20, -9, 0, 9, 27] {
        let number = "\(close)e\(exponent)"
        #expect(parse(number) == .number(try #require(Double(number))), "\(number)")
      }
    }
  }

  @Test func `every finite double survives printing and reading`() {
    var generator = SeededGenerator(seed: 2)
    for _ in 0..<4000 {
      let value = Double(bitPattern: generator.next())
      guard value.isFinite else { continue }
      #expect(NumberParser.number("\(value)") == value)
      #expect(NumberParser.number(TableColumn.spelling(of: value)) == value)
    }
  }
}
