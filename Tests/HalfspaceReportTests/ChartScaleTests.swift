// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@testable import _HalfspaceReport

@Suite struct ChartScaleTests {
  private func labels(_ axis: ChartAxis, _ values: [Double]) -> [String] {
    ChartScale(axis, values: values).ticks.map(\.label)
  }

  @Test func `a linear axis has round ticks around the data`() {
    #expect(labels(ChartAxis("x"), [0, 1]) == ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"])
    #expect(labels(ChartAxis("x"), [3, 97]) == ["0", "20", "40", "60", "80", "100"])
    #expect(
      labels(ChartAxis("x"), [-0.3, 0.3]) == ["-0.3", "-0.2", "-0.1", "0.0", "0.1", "0.2", "0.3"])
    #expect(labels(ChartAxis("x"), [1000, 11000]).first == "0")
    #expect(labels(ChartAxis("x"), [1000, 11000]).last == "12,000")
    #expect(
      labels(ChartAxis("x", labels: .percent), [0.96, 0.975])
        == [
          "96.00 %", "96.25 %", "96.50 %", "96.75 %", "97.00 %", "97.25 %", "97.50 %",
        ])
  }

  @Test func `a logarithmic axis has decades`() {
    let axis = ChartAxis("t", scale: .logarithmic, labels: .duration)
    #expect(labels(axis, [2e-6, 0.03]) == ["10 µs", "100 µs", "1 ms", "10 ms"])
    #expect(
      labels(ChartAxis("t", scale: .logarithmic, labels: .powers), [0.01, 1000])
        == ["10⁻²", "10⁻¹", "10⁰", "10¹", "10²", "10³"])
  }

  @Test func `few decades get ticks at one, two and five`() {
    let axis = ChartAxis("t", scale: .logarithmic)
    #expect(labels(axis, [30, 700]) == ["20", "50", "100", "200", "500", "1,000"])
    #expect(labels(axis, [0.05, 0.05]) == ["0.005", "0.01", "0.02", "0.05", "0.1", "0.2", "0.5"])
  }

  @Test func `powers of two are counted from zero when there are many`() {
    let axis = ChartAxis("m", scale: .powersOfTwo, labels: .powers)
    #expect(labels(axis, [1024, 16384]) == ["2¹⁰", "2¹¹", "2¹²", "2¹³", "2¹⁴"])
    let many = labels(axis, [16, exp2(30)])
    #expect(many.contains("2²⁰"))
    #expect(many.count <= 9)
    #expect(
      labels(ChartAxis("m", scale: .powersOfTwo), [1024, 4096]) == ["1,024", "2,048", "4,096"])
    #expect(
      labels(ChartAxis("m", scale: .powersOfTwo, labels: .bytes), [exp2(20), exp2(21)])
        == ["1 MiB", "2 MiB"])
  }

  @Test(
    arguments: [
      ChartAxis.Scale.linear, .logarithmic, .powersOfTwo,
    ],
    [
      [1.0, 2.0], [0.37, 0.37], [1e-9, 1e9], [999.9, 1000.1], [1e-300, 1], [3, 3.000001],
    ])
  func `every scale holds its data and orders its ticks`(scale: ChartAxis.Scale, values: [Double]) {
    let fitted = ChartScale(ChartAxis("x", scale: scale), values: values)
    for value in values {
      let position = fitted.position(value)
      #expect(position >= -1e-6)
      #expect(position <= 1 + 1e-6)
    }
    let ticks = fitted.ticks.map(\.value)
    #expect(ticks == ticks.sorted())
    #expect(ticks.count <= 12)
    #expect(Set(fitted.ticks.map(\.label)).count == ticks.count)
    #expect(fitted.range.lowerBound < fitted.range.upperBound)
  }

  @Test func `values without a place are ignored`() {
    let axis = ChartAxis("x", scale: .logarithmic)
    let clean = ChartScale(axis, values: [1, 1000])
    let dirty = ChartScale(axis, values: [1, .nan, 0, -5, .infinity, 1000])
    #expect(clean.range == dirty.range)
    #expect(clean.ticks == dirty.ticks)
    #expect(!ChartScale(axis, values: []).ticks.isEmpty)
    #expect(!ChartScale(ChartAxis("x"), values: [.nan]).ticks.isEmpty)
  }

  @Test func `a given range is kept and its ticks lie inside`() {
    let scale = ChartScale(ChartAxis("x", range: 0.93...0.99), values: [0.5])
    #expect(scale.range == 0.93...0.99)
    #expect(scale.ticks.allSatisfy { scale.range.contains($0.value) })
    #expect(scale.ticks.count >= 3)
    #expect(scale.position(0.93) == 0)
    #expect(scale.position(0.99) == 1)
  }

  @Test func `bars reach zero`() {
    #expect(ChartScale(ChartAxis("y"), values: [5, 7], includesZero: true).range.lowerBound == 0)
    #expect(ChartScale(ChartAxis("y"), values: [-5, -7], includesZero: true).range.upperBound == 0)
  }

  @Test func `impossible ranges trap`() async {
    await #expect(processExitsWith: .failure) {
      blackHole(ChartAxis("x", scale: .logarithmic, range: 0...1))
    }
    await #expect(processExitsWith: .failure) { blackHole(ChartAxis("x", range: 1...1)) }
    await #expect(processExitsWith: .failure) {
      blackHole(ChartAxis("x", range: 0...Double.infinity))
    }
  }
}
