// SPDX-License-Identifier: Apache-2.0

/// Reads decimal numbers as tables spell them.
///
/// The grammar is `[+-] digits [. digits] [e [+-] digits]` with at least one digit before or after
/// the point. No hexadecimal, no thousands separators, and no influence of the locale.
enum NumberParser {
  /// What a piece of text is.
  enum Outcome: Equatable {
    /// A finite number.
    case number(Double)
    /// "nan", "inf", "infinity" or a number beyond the range of `Double`.
    case notFinite
    /// Anything else.
    case text
  }

  /// The powers of ten that `Double` holds exactly.
  private static let powersOfTen: [Double] = [
    1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
  ]

  /// The powers of five below 2^64.
  private static let powersOfFive: [UInt64] = (0...27).reduce(into: []) { powers, _ in
    powers.append(5 * (powers.last ?? 0) + (powers.isEmpty ? 1 : 0))
  }

  /// Below this another digit fits: 19 digits in all.
  private static let mantissaLimit: UInt64 = 1_000_000_000_000_000_000

  /// The finite number that `text` spells, or nil.
  static func number(_ text: String) -> Double? {
    let bytes = Array(text.utf8)
    guard case .number(let value) = parse(bytes.span) else { return nil }
    return value
  }

  /// Classifies `cell`, correctly rounded. O(cell.count).
  static func parse(_ cell: Span<UInt8>) -> Outcome {
    let count = cell.count
    var i = 0
    var isNegative = false
    if i < count, cell[i] == UInt8(ascii: "-") || cell[i] == UInt8(ascii: "+") {
      isNegative = cell[i] == UInt8(ascii: "-")
      i += 1
    }
    let start = i
    var mantissa: UInt64 = 0
    var exponent = 0
    var hasDigit = false
    var isExact = true  // whether mantissa * 10^exponent is the number in full
    while i < count {
      let digit = cell[i] &- 48
      guard digit < 10 else { break }
      hasDigit = true
      if mantissa < mantissaLimit {
        mantissa = mantissa &* 10 &+ UInt64(digit)
      } else {
        isExact = false
      }
      i += 1
    }
    if i < count, cell[i] == UInt8(ascii: ".") {
      i += 1
      while i < count {
        let digit = cell[i] &- 48
        guard digit < 10 else { break }
        hasDigit = true
        if mantissa < mantissaLimit {
          mantissa = mantissa &* 10 &+ UInt64(digit)
          exponent -= 1
        } else {
          isExact = false
        }
        i += 1
      }
    }
    guard hasDigit else { return isNotFinite(cell, from: start) ? .notFinite : .text }
    if i < count, cell[i] | 0x20 == UInt8(ascii: "e") {
      i += 1
      var isNegativeExponent = false
      if i < count, cell[i] == UInt8(ascii: "-") || cell[i] == UInt8(ascii: "+") {
        isNegativeExponent = cell[i] == UInt8(ascii: "-")
        i += 1
      }
      guard i < count, cell[i] &- 48 < 10 else { return .text }
      var written = 0
      while i < count {
        let digit = cell[i] &- 48
        guard digit < 10 else { break }
        // Far beyond the range of Double whatever the mantissa; saturate.
        if written < 1_000_000 { written = written * 10 + Int(digit) }
        i += 1
      }
      exponent += isNegativeExponent ? -written : written
    }
    guard i == count else { return .text }
    guard isExact, let magnitude = magnitude(mantissa, exponent) else { return parseSlowly(cell) }
    // No negative zero: it would be a value of its own where values are compared as text.
    return .number(isNegative && magnitude != 0 ? -magnitude : magnitude)
  }

  /// The double nearest to `mantissa * 10^exponent`; nil where it takes longer numbers than here.
  private static func magnitude(_ mantissa: UInt64, _ exponent: Int) -> Double? {
    if mantissa <= 1 << 53, exponent >= -22, exponent <= 22 {
      // Both factors are exact, so the one rounding is the correct one (Clinger, PLDI 1990).
      return exponent < 0
        ? Double(mantissa) / powersOfTen[-exponent] : Double(mantissa) * powersOfTen[exponent]
    }
    guard mantissa > 0, exponent >= -27, exponent <= 27 else { return nil }
    // 64 leading bits of mantissa * 5^exponent, the last one set when anything follows, are
    // rounded to 53 as all bits would be. The powers of two are exact.
    let power = powersOfFive[abs(exponent)]
    let shift = mantissa.leadingZeroBitCount
    let leading: UInt64
    let binaryExponent: Int
    if exponent >= 0 {
      let product = (mantissa << UInt64(shift)).multipliedFullWidth(by: power)
      let extra = product.high.leadingZeroBitCount
      guard extra < 64 else { return nil }
      let bits = product.high << UInt64(extra) | (product.low >> UInt64(63 - extra)) >> 1
      leading = bits | (product.low << UInt64(extra) == 0 ? 0 : 1)
      binaryExponent = 64 - extra - shift + exponent
    } else {
      let divisor = power << UInt64(power.leadingZeroBitCount)
      // Halved, so that the quotient fits.
      let dividend = mantissa << UInt64(shift)
      let (quotient, remainder) = divisor.dividingFullWidth((dividend >> 1, dividend << 63))
      leading = quotient | (remainder == 0 ? 0 : 1)
      binaryExponent = power.leadingZeroBitCount - shift - 63 + exponent
    }
    return Double(sign: .plus, exponent: binaryExponent, significand: Double(leading))
  }

  /// The standard library's conversion, for what the short way cannot round correctly.
  private static func parseSlowly(_ cell: Span<UInt8>) -> Outcome {
    guard let text = String(validatingUTF8: cell), let value = Double(text) else { return .text }
    guard value.isFinite else { return .notFinite }
    return .number(value == 0 ? 0 : value)
  }

  private static func isNotFinite(_ cell: Span<UInt8>, from start: Int) -> Bool {
    equalsIgnoringCase(cell, from: start, "nan") || equalsIgnoringCase(cell, from: start, "inf")
      || equalsIgnoringCase(cell, from: start, "infinity")
  }

  /// Whether the cell from `start` on spells `word` (lowercase ASCII letters), in either case.
  static func equalsIgnoringCase(
    _ cell: Span<UInt8>, from start: Int = 0, _ word: StaticString
  ) -> Bool {
    guard cell.count - start == word.utf8CodeUnitCount else { return false }
    for k in 0..<word.utf8CodeUnitCount
    where unsafe cell[start + k] | 0x20 != word.utf8Start[k] | 0x20 { return false }
    return true
  }
}
