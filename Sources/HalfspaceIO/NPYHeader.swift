// SPDX-License-Identifier: Apache-2.0

/// The dictionary at the head of an array of NumPy.
struct NPYHeader {
  private(set) var descr = ""
  private(set) var isColumnMajor = false
  private(set) var shape: [Int] = []

  private var text: ArraySlice<UInt8>

  /// Parses `{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }` with its three members in
  /// any order and blanks behind; nil for everything else.
  init?(_ bytes: [UInt8]) {
    text = bytes[...]
    guard take("{") else { return nil }
    var seen: Set<String> = []
    while !take("}") {
      guard let key = string(), take(":"), seen.insert(key).inserted else { return nil }
      switch key {
      case "descr":
        guard let value = string() else { return nil }
        descr = value
      case "fortran_order":
        if take("True") {
          isColumnMajor = true
        } else if !take("False") {
          return nil
        }
      case "shape":
        guard let value = tuple() else { return nil }
        shape = value
      default: return nil
      }
      guard take(",") || text.first == UInt8(ascii: "}") else { return nil }
    }
    skipBlanks()
    guard text.isEmpty, seen.count == 3 else { return nil }
  }

  private mutating func skipBlanks() {
    text = text.drop { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\n") }
  }

  private mutating func take(_ token: String) -> Bool {
    skipBlanks()
    guard text.starts(with: token.utf8) else { return false }
    text = text.dropFirst(token.utf8.count)
    skipBlanks()
    return true
  }

  private mutating func string() -> String? {
    skipBlanks()
    guard let quote = text.first, quote == UInt8(ascii: "'") || quote == UInt8(ascii: "\"") else {
      return nil
    }
    let content = text.dropFirst().prefix { $0 != quote }
    // No name of a member or a type needs an escape.
    guard content.count + 1 < text.count, !content.contains(UInt8(ascii: "\\")),
      content.allSatisfy({ (0x20..<0x7F).contains($0) })
    else { return nil }
    text = text.dropFirst(content.count + 2)
    return String(decoding: content, as: UTF8.self)
  }

  private mutating func tuple() -> [Int]? {
    guard take("(") else { return nil }
    var values: [Int] = []
    while !take(")") {
      let digits = text.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
      guard let value = Int(String(decoding: digits, as: UTF8.self)) else { return nil }
      text = text.dropFirst(digits.count)
      // Python 2 wrote long integers so.
      _ = take("L")
      values.append(value)
      guard take(",") || text.first == UInt8(ascii: ")") else { return nil }
    }
    return values
  }
}
