// SPDX-License-Identifier: Apache-2.0

/// A chart of grouped bars, drawn as an SVG picture.
///
/// ```swift
/// let chart = BarChart(
///   title: "Test accuracy", y: ChartAxis("share of rows", labels: .percent, range: 0.9...1),
///   groups: ["digits", "letter"],
///   series: [.init("halfspace", [0.988, 0.972]), .init("boosting", [0.969, 0.964])])
/// ```
public struct BarChart: Sendable {
  /// The bars of one color.
  public struct Series: Sendable {
    /// The name in the legend.
    public var label: String
    /// One value for every group; `nil`, or a value without a place on the axis, leaves a gap.
    public var values: [Double?]
    /// The ends of the error bars: one entry for every group, or none at all.
    public var intervals: [ClosedRange<Double>?]

    /// Creates the bars of one color.
    public init(_ label: String, _ values: [Double?], intervals: [ClosedRange<Double>?] = []) {
      precondition(
        intervals.isEmpty || intervals.count == values.count,
        "\(label): \(intervals.count) intervals for \(values.count) values")
      self.label = label
      self.values = values
      self.intervals = intervals
    }
  }

  /// What the chart shows.
  public var title: String
  /// Under which conditions; may be empty.
  public var subtitle: String
  /// The vertical axis; a linear one without a range includes zero.
  public var y: ChartAxis
  /// The names of the groups, from left to right; a name may have several lines.
  public var groups: [String]
  /// The bars, color by color.
  public var series: [Series]
  /// Writes a value above its bar; `nil` for bars without numbers.
  public var valueLabel: (@Sendable (Double) -> String)?

  /// Creates a chart.
  public init(
    title: String, subtitle: String = "", y: ChartAxis, groups: [String], series: [Series],
    valueLabel: (@Sendable (Double) -> String)? = nil
  ) {
    for line in series {
      precondition(
        line.values.count == groups.count,
        "\(line.label) has \(line.values.count) values for \(groups.count) groups")
    }
    self.title = title
    self.subtitle = subtitle
    self.y = y
    self.groups = groups
    self.series = series
    self.valueLabel = valueLabel
  }
}
