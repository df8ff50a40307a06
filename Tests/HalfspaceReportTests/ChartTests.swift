// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing
import _HalfspaceReport

@Suite struct ChartTests {
  private func elements(_ svg: String, named name: String) throws -> [SVGElement] {
    try SVGElement.parse(svg).filter { $0.name == name }
  }

  private func texts(_ svg: String) throws -> [String] {
    try elements(svg, named: "text").map(\.text)
  }

  private let chart = LineChart(
    title: "Time <per> \"query\" & neuron", subtitle: "one core",
    x: ChartAxis("neurons m", scale: .powersOfTwo, labels: .powers),
    y: ChartAxis("time", scale: .logarithmic, labels: .duration),
    series: [
      .init("brute force", (10...20).map { .init(exp2(Double($0)), 1e-9 * exp2(Double($0))) }),
      .init(
        "product grid",
        (10...20).map {
          let y = 3e-9 * exp2(Double($0) / 2)
          return .init(exp2(Double($0)), y, interval: y * 0.8...y * 1.3)
        }),
      .init("limit", [.init(1024, 1e-8), .init(1_048_576, 1e-6)], isReference: true),
    ])

  @Test func `a picture is well-formed and says everything`() throws {
    let texts = try texts(chart.svg)
    for text in [
      chart.title, "one core", "neurons m", "time", "brute force", "product grid", "limit", "2¹⁰",
      "2²⁰", "1 µs",
    ] {
      #expect(texts.contains(text), "missing \(text)")
    }
    #expect(try elements(chart.svg, named: "title").first?.text == chart.title)
    #expect(chart.svg == chart.svg)
  }

  @Test func `lines rise where the data rise and references are dashed`() throws {
    let lines = try elements(chart.svg, named: "polyline")
    #expect(lines.count == 3)
    for line in lines {
      let points = try #require(line.attributes["points"])
        .split(separator: " ").map { $0.split(separator: ",").compactMap { Double($0) } }
      #expect(zip(points, points.dropFirst()).allSatisfy { $0[0] < $1[0] && $0[1] > $1[1] })
    }
    #expect(lines.map { $0.attributes["stroke-dasharray"] != nil } == [false, false, true])
    #expect(Set(lines.map { $0.attributes["stroke"] }).count == 3)
  }

  @Test func `labels of lines that end together do not cover each other`() throws {
    let names = (0..<12).map { "series \($0)" }
    let crowded = LineChart(
      title: "crowd", x: ChartAxis("x"), y: ChartAxis("y"),
      series: names.enumerated().map { index, name in
        .init(name, [.init(0, 0), .init(1, 1 + Double(index) * 1e-3)])
      })
    let heights = try elements(crowded.svg, named: "text")
      .filter { names.contains($0.text) }.map { try $0.number("y") }.sorted()
    #expect(heights.count == 12)
    #expect(zip(heights, heights.dropFirst()).allSatisfy { $1 - $0 >= 16 })
    #expect(heights.allSatisfy { $0 > 0 && $0 < 440 })
  }

  @Test func `a point without a place interrupts its line`() throws {
    let broken = LineChart(
      title: "gap", x: ChartAxis("x"), y: ChartAxis("y", scale: .logarithmic),
      series: [
        .init(
          "a",
          [.init(0, 1), .init(1, 2), .init(2, 0), .init(3, .nan), .init(4, 8), .init(5, 16)])
      ])
    #expect(try elements(broken.svg, named: "polyline").count == 2)
    #expect(try elements(broken.svg, named: "circle").count == 4 + 1)
    #expect(!broken.svg.contains("nan"))
  }

  @Test func `what lies outside a given range is cut off`() throws {
    let zoomed = LineChart(
      title: "zoom", x: ChartAxis("x"), y: ChartAxis("y", range: 0...1),
      series: [
        .init(
          "a",
          [
            .init(0, -100), .init(1, 0.5, interval: -Double.infinity...Double.infinity),
            .init(2, 100),
          ])
      ])
    // The mark of the one point inside and the mark of the label.
    #expect(try elements(zoomed.svg, named: "circle").count == 1 + 1)
    #expect(try elements(zoomed.svg, named: "svg").count == 2)
    let label = try #require(try elements(zoomed.svg, named: "text").last)
    #expect(label.text == "a")
    #expect(try label.number("y") > 0)
    #expect(!zoomed.svg.contains("inf"))
  }

  @Test func `a chart without data still has axes`() throws {
    let empty = LineChart(title: "empty", x: ChartAxis("x"), y: ChartAxis("y"), series: [])
    #expect(try texts(empty.svg).contains("x"))
    let hollow = BarChart(title: "hollow", y: ChartAxis("y"), groups: [], series: [])
    #expect(try texts(hollow.svg).contains("hollow"))
    for svg in [empty.svg, hollow.svg] {
      #expect(!svg.contains("nan") && !svg.contains("inf"))
    }
  }

  @Test func `bars are as high as their values`() throws {
    let bars = BarChart(
      title: "bars", y: ChartAxis("count"), groups: ["a", "b"],
      series: [.init("one", [10, nil]), .init("two", [20, .nan])], valueLabel: { "\($0)" })
    let data = try elements(bars.svg, named: "rect").filter { try $0.number("width") > 20 }
      .dropFirst()
    #expect(data.count == 2)
    let heights = try data.map { try $0.number("height") }
    #expect(abs(heights[1] / heights[0] - 2) < 0.01)
    #expect(try texts(bars.svg).contains("20.0"))
    #expect(try texts(bars.svg).contains("two"))
  }

  @Test func `bars below zero hang from it`() throws {
    let bars = BarChart(
      title: "bars", y: ChartAxis("change"), groups: ["a", "b"],
      series: [.init("one", [10, -10], intervals: [9...12, nil])])
    let data = try elements(bars.svg, named: "rect").filter { try $0.number("width") > 20 }
      .dropFirst()
    let tops = try data.map { try $0.number("y") }
    let heights = try data.map { try $0.number("height") }
    #expect(abs(tops[0] + heights[0] - tops[1]) < 0.02)
    #expect(abs(heights[0] - heights[1]) < 0.02)
  }

  @Test func `values and groups must match`() async {
    await #expect(processExitsWith: .failure) {
      blackHole(
        BarChart(
          title: "", y: ChartAxis("y"), groups: ["a"], series: [.init("one", [1, 2])]))
    }
    await #expect(processExitsWith: .failure) {
      blackHole(BarChart.Series("one", [1, 2], intervals: [nil]))
    }
  }
}
