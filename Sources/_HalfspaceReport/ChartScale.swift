// SPDX-License-Identifier: Apache-2.0
import Foundation

/// An axis fitted to data: its range, its ticks, and the map from values to coordinates.
struct ChartScale {
  struct Tick: Equatable {
    let value: Double
    let label: String
  }

  let axis: ChartAxis
  /// The values at the two ends.
  let range: ClosedRange<Double>
  /// Ticks with labels, ascending.
  private(set) var ticks: [Tick] = []
  /// Values of the fainter grid lines between the ticks, ascending.
  private(set) var minorTicks: [Double] = []

  /// - Parameters:
  ///   - values: The data; those the axis does not accept are ignored.
  ///   - includesZero: Whether a linear axis must reach down (or up) to zero, as bars need.
  init(_ axis: ChartAxis, values: some Sequence<Double>, includesZero: Bool = false) {
    self.axis = axis
    var accepted = values.filter(axis.accepts)
    if includesZero, axis.scale == .linear { accepted.append(0) }
    let low = accepted.min()
    let high = accepted.max()
    switch axis.scale {
    case .linear:
      let step = Self.step(low: axis.range?.lowerBound ?? low, high: axis.range?.upperBound ?? high)
      range = axis.range ?? Self.linearRange(low: low, high: high, step: step)
      setLinearTicks(step: step)
    case .logarithmic:
      range = axis.range ?? Self.decadeRange(low: low, high: high)
      setDecadeTicks()
    case .powersOfTwo:
      range = axis.range ?? Self.powersOfTwoRange(low: low, high: high)
      setPowersOfTwoTicks()
    }
  }

  /// Where the value stands between the lower end (0) and the upper end (1).
  func position(_ value: Double) -> Double {
    let low = range.lowerBound
    let high = range.upperBound
    return axis.scale == .linear
      ? (value - low) / (high - low) : (log(value) - log(low)) / (log(high) - log(low))
  }

  // MARK: - Linear

  /// The largest of 1, 2, 2.5 or 5 times a power of ten that leaves room for about six ticks.
  private static func step(low: Double?, high: Double?) -> Double {
    guard let low, let high else { return 0.2 }
    let span = high > low ? high - low : max(abs(high), 1)
    let power = pow(10, log10(span / 6).rounded(.down))
    return [1, 2, 2.5, 5, 10].map { $0 * power }.first { span / $0 <= 6.001 } ?? 10 * power
  }

  private static func linearRange(low: Double?, high: Double?, step: Double) -> ClosedRange<Double>
  {
    guard let low, let high else { return 0...1 }
    // A hair of tolerance: 0.3 / 0.1 is not 3.
    var lower = (low / step + 1e-9).rounded(.down) * step
    var upper = (high / step - 1e-9).rounded(.up) * step
    if lower == upper {
      lower -= step
      upper += step
    }
    return lower...upper
  }

  private mutating func setLinearTicks(step: Double) {
    let first = Int((range.lowerBound / step - 1e-9).rounded(.up))
    let last = Int((range.upperBound / step + 1e-9).rounded(.down))
    guard first <= last else { return }
    ticks = (first...last).map { index in
      let value = Double(index) * step
      return Tick(value: value, label: label(value, step: step))
    }
  }

  // MARK: - Powers of ten

  /// The tightest range whose ends are 1, 2 or 5 times a power of ten.
  private static func decadeRange(low: Double?, high: Double?) -> ClosedRange<Double> {
    guard let low, let high else { return 1...10 }
    let below = (decade(of: low) - 1)...(decade(of: low) + 1)
    let above = (decade(of: high) - 1)...(decade(of: high) + 1)
    let lower = below.flatMap(steps).last { $0 <= low * (1 + 1e-9) } ?? low
    let upper = above.flatMap(steps).first { $0 >= high * (1 - 1e-9) } ?? high
    return lower < upper ? lower...upper : (lower / 10)...(upper * 10)
  }

  private static func decade(of value: Double) -> Int { Int(log10(value).rounded(.down)) }

  private static func steps(_ exponent: Int) -> [Double] {
    [1, 2, 5].map { $0 * pow(10, Double(exponent)) }
  }

  private mutating func setDecadeTicks() {
    let exponents = Self.decade(of: range.lowerBound)...(Self.decade(of: range.upperBound) + 1)
    let decades = exponents.filter { contains(pow(10, Double($0))) }
    if decades.count >= 3 {
      let stride = Self.stride(decades.count)
      for exponent in decades where exponent.isMultiple(of: stride) {
        ticks.append(tick(pow(10, Double(exponent)), base: 10, exponent: exponent))
      }
      if decades.count <= 5 {
        minorTicks = exponents.flatMap { exponent in
          (2...9).map { Double($0) * pow(10, Double(exponent)) }
        }
      }
    } else {
      // Few decades: 1, 2, 5 have labels; the power form would not say 2 or 5.
      for value in exponents.flatMap(Self.steps) where contains(value) {
        ticks.append(Tick(value: value, label: label(value, step: nil)))
      }
      minorTicks = exponents.flatMap { exponent in
        [3, 4, 6, 7, 8, 9].map { $0 * pow(10, Double(exponent)) }
      }
    }
    minorTicks = minorTicks.filter(contains)
  }

  // MARK: - Powers of two

  private static func powersOfTwoRange(low: Double?, high: Double?) -> ClosedRange<Double> {
    guard let low, let high else { return 1...2 }
    let lower = (log2(low) + 1e-9).rounded(.down)
    let upper = (log2(high) - 1e-9).rounded(.up)
    return lower < upper ? exp2(lower)...exp2(upper) : exp2(lower - 1)...exp2(upper + 1)
  }

  private mutating func setPowersOfTwoTicks() {
    let first = Int((log2(range.lowerBound) - 1e-9).rounded(.up))
    let last = Int((log2(range.upperBound) + 1e-9).rounded(.down))
    guard first <= last else { return }
    let stride = Self.stride(last - first + 1)
    for exponent in first...last {
      let value = exp2(Double(exponent))
      // Counted from zero, so that 2⁰, 2¹⁰ and 2²⁰ are among the ticks where they can be.
      if exponent.isMultiple(of: stride) {
        ticks.append(tick(value, base: 2, exponent: exponent))
      } else {
        minorTicks.append(value)
      }
    }
  }

  /// Every how many exponents a tick gets its label, so that there are at most nine.
  private static func stride(_ count: Int) -> Int {
    [1, 2, 5, 10, 20, 50, 100].first { count <= 9 * $0 } ?? 200
  }

  // MARK: - Labels

  private func contains(_ value: Double) -> Bool {
    value >= range.lowerBound * (1 - 1e-9) && value <= range.upperBound * (1 + 1e-9)
  }

  private func tick(_ value: Double, base: Int, exponent: Int) -> Tick {
    guard case .powers = axis.labels else {
      return Tick(value: value, label: label(value, step: nil))
    }
    return Tick(value: value, label: "\(base)\(Self.superscript(exponent))")
  }

  private func label(_ value: Double, step: Double?) -> String {
    switch axis.labels {
    case .plain, .powers: return Self.plain(value, step: step)
    case .duration: return value == 0 ? "0" : Format.duration(value)
    case .bytes: return value == 0 ? "0" : Format.bytes(Int(value))
    case .percent: return Self.plain(value * 100, step: step.map { $0 * 100 }) + " %"
    }
  }

  /// Plain digits with separators; as many decimals as the distance of two ticks needs.
  private static func plain(_ value: Double, step: Double?) -> String {
    guard abs(value) < 1e15, abs(value) >= 1e-6 || value == 0 else {
      return Format.significant(value)
    }
    if value == value.rounded() {
      if step.map({ $0 == $0.rounded() }) ?? true { return Format.count(Int(value)) }
    }
    let decimals = (0...15).first { decimals in
      let scaled = abs(step ?? value) * pow(10, Double(decimals))
      return scaled > 0.5 && abs(scaled - scaled.rounded()) < 1e-6 * scaled
    }
    return Format.fixed(value == 0 ? 0 : value, decimals: decimals ?? 0)
  }

  static func superscript(_ value: Int) -> String {
    let digits = Array("⁰¹²³⁴⁵⁶⁷⁸⁹")
    return String(
      String(value).map { character in
        character.wholeNumberValue.map { digits[$0] } ?? "⁻"
      })
  }
}
