// SPDX-License-Identifier: Apache-2.0
import Testing
import _HalfspaceReport

@Suite struct FormatTests {
  @Test(arguments: [
    (0.0, "0 s"), (8.5e-7, "850 ns"), (4.5e-6, "4.5 µs"), (0.0123, "12.3 ms"), (1.25, "1.25 s"),
    (59.94, "59.9 s"), (59.96, "1 min 0 s"), (125, "2 min 5 s"), (3599.6, "1 h 0 min"),
    (3725, "1 h 2 min"), (-0.002, "-2 ms"), (2.5e-10, "0.25 ns"), (1e16, "2.78e+12 h"),
    (.infinity, "inf"), (-.infinity, "-inf"), (.nan, "nan"),
  ])
  func `a duration takes the unit that shows three digits`(seconds: Double, text: String) {
    #expect(Format.duration(seconds) == text)
  }

  @Test(arguments: [
    (999.6e-9, "1 µs"), (999.96e-6, "1 ms"), (0.99996, "1 s"), (999.4e-9, "999 ns"),
  ])
  func `rounding carries into the next unit of time`(seconds: Double, text: String) {
    #expect(Format.duration(seconds) == text)
  }

  @Test(arguments: [
    (0, "0 B"), (1023, "1023 B"), (1024, "1 KiB"), (1_288_490_189, "1.2 GiB"),
    (356_515_840, "340 MiB"), (1_048_575, "1 MiB"), (-2048, "-2 KiB"), (1 << 50, "1 PiB"),
    (Int.max, "8192 PiB"), (Int.min, "-8192 PiB"),
  ])
  func `bytes take binary units`(count: Int, text: String) {
    #expect(Format.bytes(count) == text)
  }

  @Test(arguments: [
    (0, "0"), (999, "999"), (1000, "1,000"), (1_048_576, "1,048,576"), (-12345, "-12,345"),
    (Int.min, "-9,223,372,036,854,775,808"),
  ])
  func `counts have thousands separators`(value: Int, text: String) {
    #expect(Format.count(value) == text)
  }

  @Test(arguments: [
    (0.001234, "0.00123"), (21.46, "21.5"), (1_234_567, "1230000"), (1.2e9, "1.2e+09"),
    (99.96, "100"), (0.00009996, "0.0001"), (0.00001, "1e-05"), (-2.5, "-2.5"), (0, "0"),
  ])
  func `significant digits survive and trailing zeros do not`(value: Double, text: String) {
    #expect(Format.significant(value) == text)
  }

  @Test func `fractions become percentages`() {
    #expect(Format.percent(0.97244) == "97.24 %")
    #expect(Format.percent(1, decimals: 0) == "100 %")
  }
}
