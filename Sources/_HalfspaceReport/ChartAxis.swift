// SPDX-License-Identifier: Apache-2.0

/// What an axis of a chart shows and how.
public struct ChartAxis: Sendable {
  /// How values become distances.
  public enum Scale: Sendable {
    /// Equal differences, equal distances.
    case linear
    /// Equal ratios, equal distances; ticks at powers of ten.
    case logarithmic
    /// Equal ratios, equal distances; ticks at powers of two.
    case powersOfTwo
  }

  /// How the values at the ticks are written.
  public enum Labels: Sendable {
    /// `0.01`, `1,024`.
    case plain
    /// `10⁻²`, `2¹⁰` on a logarithmic axis; plain on a linear one.
    case powers
    /// Seconds as `10 µs`, `1 ms`.
    case duration
    /// Bytes as `512 MiB`.
    case bytes
    /// Fractions as `97 %`.
    case percent
  }

  /// The name of what is shown, with its unit if the tick labels do not say it.
  public var title: String
  /// How values become distances.
  public var scale: Scale
  /// How the values at the ticks are written.
  public var labels: Labels
  /// The values at both ends; `nil` chooses round ones around the data.
  public var range: ClosedRange<Double>?

  /// Creates an axis.
  public init(
    _ title: String, scale: Scale = .linear, labels: Labels = .plain,
    range: ClosedRange<Double>? = nil
  ) {
    if scale != .linear, let range {
      precondition(range.lowerBound > 0, "a logarithmic axis cannot start at \(range.lowerBound)")
    }
    if let range {
      precondition(
        range.lowerBound < range.upperBound && range.upperBound.isFinite
          && range.lowerBound.isFinite,
        "an axis needs a finite range that is not a point, got \(range)")
    }
    self.title = title
    self.scale = scale
    self.labels = labels
    self.range = range
  }

  /// Whether the value has a place on this axis: finite, and positive on a logarithmic one.
  func accepts(_ value: Double) -> Bool {
    value.isFinite && (scale == .linear || value > 0)
  }
}
