// SPDX-License-Identifier: Apache-2.0

/// A chart of lines over a common axis, drawn as an SVG picture.
///
/// ```swift
/// let chart = LineChart(
///   title: "Time per query", x: ChartAxis("neurons", scale: .powersOfTwo, labels: .powers),
///   y: ChartAxis("seconds", scale: .logarithmic, labels: .duration),
///   series: [
///     .init("brute force", [.init(1024, 3e-6), .init(4096, 1.2e-5)]),
///     .init("memory bandwidth", [.init(1024, 1e-6), .init(4096, 4e-6)], isReference: true),
///   ])
/// try ReportFile.write(chart.svg, to: url)
/// ```
public struct LineChart: Sendable {
  /// A point of a line.
  public struct Point: Sendable {
    /// The place on the horizontal axis.
    public var x: Double
    /// The place on the vertical axis.
    public var y: Double
    /// The ends of the error bar.
    public var interval: ClosedRange<Double>?

    /// Creates a point.
    public init(_ x: Double, _ y: Double, interval: ClosedRange<Double>? = nil) {
      self.x = x
      self.y = y
      self.interval = interval
    }
  }

  /// A line.
  public struct Series: Sendable {
    /// The name, written at the end of the line.
    public var label: String
    /// The points in drawing order. A point without a place on the axes (not finite, not positive
    /// on a logarithmic axis) interrupts the line.
    public var points: [Point]
    /// Whether this is a limit or a target to compare with: dashed, gray, without marks.
    public var isReference: Bool

    /// Creates a line.
    public init(_ label: String, _ points: [Point], isReference: Bool = false) {
      self.label = label
      self.points = points
      self.isReference = isReference
    }
  }

  /// What the chart shows.
  public var title: String
  /// Under which conditions; may be empty.
  public var subtitle: String
  /// The horizontal axis.
  public var x: ChartAxis
  /// The vertical axis.
  public var y: ChartAxis
  /// The lines, first drawn first.
  public var series: [Series]

  /// Creates a chart.
  public init(
    title: String, subtitle: String = "", x: ChartAxis, y: ChartAxis, series: [Series]
  ) {
    self.title = title
    self.subtitle = subtitle
    self.x = x
    self.y = y
    self.series = series
  }
}
