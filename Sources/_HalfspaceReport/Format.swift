// SPDX-License-Identifier: Apache-2.0
import Foundation

/// Numbers as people read them: `12.3 ms`, `1.2 GiB`, `1,048,576`, `97.24 %`.
///
/// Every function is pure and independent of the locale. Non-finite values print as `nan`, `inf`
/// and `-inf`.
public enum Format {
  /// A time span with three significant digits: `850 ns`, `4.5 µs`, `12.3 ms`, `1.25 s`; from a
  /// minute on `2 min 5 s`, from an hour on `1 h 2 min`.
  ///
  /// - Parameter seconds: The span in seconds.
  /// - Complexity: O(1).
  public static func duration(_ seconds: Double) -> String {
    guard seconds.isFinite else { return nonFinite(seconds) }
    if seconds < 0 { return "-" + duration(-seconds) }
    if seconds == 0 { return "0 s" }
    // Rounding comes first: it may carry into the next unit (999.96 µs is 1 ms).
    let rounded = round(seconds, significantDigits: 3)
    if rounded >= 60 {
      guard seconds < 1e15 else { return significant(seconds / 3600, digits: 3) + " h" }
      let whole = Int(seconds.rounded())
      if whole < 3600 { return "\(whole / 60) min \(whole % 60) s" }
      let minutes = Int((seconds / 60).rounded())
      return "\(minutes / 60) h \(minutes % 60) min"
    }
    let units = [("s", 1.0), ("ms", 1e-3), ("µs", 1e-6), ("ns", 1e-9)]
    let (name, scale) = units.first { rounded >= $0.1 } ?? ("ns", 1e-9)
    return significant(rounded / scale, digits: 3) + " " + name
  }

  /// A size in memory in binary units: `512 B`, `1.2 GiB`, `340 MiB`.
  ///
  /// One decimal below 100, none above.
  /// - Complexity: O(1).
  public static func bytes(_ count: Int) -> String {
    if count.magnitude < 1024 { return "\(count) B" }
    let sign = count < 0 ? "-" : ""
    var value = Double(count.magnitude)
    for unit in ["KiB", "MiB", "GiB", "TiB"] {
      value /= 1024
      // Rounding may carry into the next unit: 1023.9 KiB is 1 MiB.
      let text = trimmed(fixed(value, decimals: value < 99.95 ? 1 : 0))
      if value < 1023.5 { return "\(sign)\(text) \(unit)" }
    }
    return "\(sign)\(trimmed(fixed(value / 1024, decimals: 1))) PiB"
  }

  /// A whole number with thousands separators: `1,048,576`.
  ///
  /// - Complexity: O(digits).
  public static func count(_ value: Int) -> String {
    (value < 0 ? "-" : "") + grouped(String(value.magnitude))
  }

  /// A fraction as a percentage: `percent(0.9724)` is `97.24 %`.
  ///
  /// - Complexity: O(1).
  public static func percent(_ fraction: Double, decimals: Int = 2) -> String {
    fixed(fraction * 100, decimals: decimals) + " %"
  }

  /// A number with so many significant digits and no trailing zeros: `0.00123`, `21.5`, `1.2e+09`.
  ///
  /// Scientific notation only below 1e-4 and from 1e7 on, where plain digits stop being readable.
  /// - Complexity: O(digits).
  public static func significant(_ value: Double, digits: Int = 3) -> String {
    precondition(digits >= 1, "significant(_:digits:) needs at least one digit, got \(digits)")
    guard value.isFinite else { return nonFinite(value) }
    if value == 0 { return "0" }
    let rounded = round(value, significantDigits: digits)
    let magnitude = abs(rounded)
    guard magnitude >= 1e-4, magnitude < 1e7 else {
      let parts = String(format: "%.\(digits - 1)e", value).split(separator: "e")
      return trimmed(String(parts[0])) + "e" + parts[1]
    }
    let exponent = Int(log10(magnitude).rounded(.down))
    return trimmed(fixed(rounded, decimals: max(0, digits - 1 - exponent)))
  }

  /// A number with so many decimals, always: `0.500`.
  ///
  /// - Complexity: O(digits).
  public static func fixed(_ value: Double, decimals: Int) -> String {
    guard value.isFinite else { return nonFinite(value) }
    return String(format: "%.\(decimals)f", value)
  }

  /// Inserts thousands separators into a run of digits.
  static func grouped(_ digits: String) -> String {
    var result = ""
    for (index, digit) in digits.enumerated() {
      if index > 0, (digits.count - index).isMultiple(of: 3) { result.append(",") }
      result.append(digit)
    }
    return result
  }

  /// `value` rounded to the nearest number with so many significant digits.
  static func round(_ value: Double, significantDigits digits: Int) -> Double {
    Double(String(format: "%.\(digits - 1)e", value)) ?? value
  }

  /// `text` without the zeros that follow its last nonzero decimal.
  static func trimmed(_ text: String) -> String {
    guard text.contains(".") else { return text }
    var result = Substring(text)
    while result.last == "0" { result.removeLast() }
    if result.last == "." { result.removeLast() }
    return String(result)
  }

  private static func nonFinite(_ value: Double) -> String {
    value.isNaN ? "nan" : value < 0 ? "-inf" : "inf"
  }
}
