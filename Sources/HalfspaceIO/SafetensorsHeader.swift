// SPDX-License-Identifier: Apache-2.0

/// The JSON header of a safetensors file.
///
/// A parser of its own, because the format is a small part of JSON and forbids what general decoders
/// let pass: names that occur twice, numbers that are not whole.
struct SafetensorsHeader {
  /// What the header says of one tensor.
  struct Entry {
    var name: String
    var elementType: Safetensors.ElementType
    var shape: [Int]
    /// Where its bytes are, counted from the end of the header.
    var begin: Int
    var end: Int
  }

  /// What is wrong, and with which tensor.
  struct Fault: Error {
    var tensor: String?
    var reason: SafetensorsError.Reason
  }

  private(set) var entries: [Entry] = []
  private(set) var metadata: [String: String] = [:]
  private var position = 0

  /// Parses `bytes`, the whole header with its padding. O(bytes).
  init(_ bytes: Span<UInt8>) throws(Fault) {
    var names: Set<String> = []
    guard bytes.count > 0, bytes[0] == UInt8(ascii: "{") else { throw expected("\"{\"") }
    try parseObject(bytes) { (parser, name) throws(Fault) in
      guard names.insert(name).inserted else { throw Fault(reason: .duplicateKey(name)) }
      if name == Safetensors.metadataKey {
        try parser.parseMetadata(bytes)
      } else {
        try parser.parseEntry(bytes, name)
      }
    }
    while position < bytes.count, isSpace(bytes[position]) { position += 1 }
    guard position == bytes.count else { throw expected("nothing but spaces") }
  }

  private mutating func parseMetadata(_ bytes: Span<UInt8>) throws(Fault) {
    try parseObject(bytes) { (parser, key) throws(Fault) in
      let value = try parser.parseString(bytes)
      guard parser.metadata.updateValue(value, forKey: key) == nil else {
        throw Fault(reason: .duplicateKey(key))
      }
    }
  }

  private mutating func parseEntry(_ bytes: Span<UInt8>, _ name: String) throws(Fault) {
    var typeName: String?
    var shape: [Int]?
    var offsets: [Int]?
    try parseObject(bytes) { (parser, key) throws(Fault) in
      let isNew: Bool
      switch key {
      case "dtype":
        isNew = typeName == nil
        typeName = try parser.parseString(bytes)
      case "shape":
        isNew = shape == nil
        shape = try parser.parseIntegers(bytes)
      case "data_offsets":
        isNew = offsets == nil
        offsets = try parser.parseIntegers(bytes)
      default:
        throw parser.expected("\"dtype\", \"shape\" or \"data_offsets\" before this")
      }
      guard isNew else { throw Fault(tensor: name, reason: .duplicateKey(key)) }
    }
    guard let typeName, let shape, let offsets, offsets.count == 2, offsets[0] <= offsets[1] else {
      throw expected("\"dtype\", \"shape\" and two ascending \"data_offsets\" before this")
    }
    guard let elementType = Safetensors.ElementType(rawValue: typeName) else {
      throw Fault(tensor: name, reason: .unsupportedType(typeName))
    }
    guard let size = Safetensors.byteCount(of: shape, elementType) else {
      throw Fault(tensor: name, reason: .shapeOverflow(shape))
    }
    guard size == offsets[1] - offsets[0] else {
      throw Fault(
        tensor: name, reason: .wrongSize(expected: size, found: offsets[1] - offsets[0]))
    }
    entries.append(
      Entry(
        name: name, elementType: elementType, shape: shape, begin: offsets[0], end: offsets[1]))
  }

  // MARK: JSON

  private func expected(_ what: String) -> Fault {
    Fault(reason: .invalidHeader(what, offset: position))
  }

  private func isSpace(_ byte: UInt8) -> Bool {
    byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D
  }

  /// Steps over spaces and then `character` if it comes next; whether it did.
  private mutating func skip(_ character: Unicode.Scalar, _ bytes: Span<UInt8>) -> Bool {
    while position < bytes.count, isSpace(bytes[position]) { position += 1 }
    guard position < bytes.count, bytes[position] == UInt8(ascii: character) else { return false }
    position += 1
    return true
  }

  private mutating func require(
    _ character: Unicode.Scalar, _ bytes: Span<UInt8>
  ) throws(Fault) {
    guard skip(character, bytes) else { throw expected("\"\(character)\"") }
  }

  /// Parses an object; `member` is called behind the colon and parses the value.
  private mutating func parseObject(
    _ bytes: Span<UInt8>, _ member: (inout SafetensorsHeader, String) throws(Fault) -> Void
  ) throws(Fault) {
    try require("{", bytes)
    if skip("}", bytes) { return }
    repeat {
      let key = try parseString(bytes)
      try require(":", bytes)
      try member(&self, key)
    } while skip(",", bytes)
    try require("}", bytes)
  }

  private mutating func parseIntegers(_ bytes: Span<UInt8>) throws(Fault) -> [Int] {
    try require("[", bytes)
    if skip("]", bytes) { return [] }
    var integers: [Int] = []
    repeat { integers.append(try parseInteger(bytes)) } while skip(",", bytes)
    try require("]", bytes)
    return integers
  }

  private mutating func parseInteger(_ bytes: Span<UInt8>) throws(Fault) -> Int {
    while position < bytes.count, isSpace(bytes[position]) { position += 1 }
    let start = position
    var value = 0
    while position < bytes.count {
      let digit = bytes[position] &- 48
      guard digit < 10 else { break }
      let product = value.multipliedReportingOverflow(by: 10)
      let sum = product.partialValue.addingReportingOverflow(Int(digit))
      guard !product.overflow, !sum.overflow else { throw expected("a smaller number") }
      value = sum.partialValue
      position += 1
    }
    let hasLeadingZero = position - start > 1 && bytes[start] == UInt8(ascii: "0")
    guard position > start, !hasLeadingZero else { throw expected("a whole number") }
    return value
  }

  private mutating func parseString(_ bytes: Span<UInt8>) throws(Fault) -> String {
    try require("\"", bytes)
    var content: [UInt8] = []
    while true {
      guard position < bytes.count, bytes[position] >= 0x20 else {
        throw expected("the end of a string")
      }
      let byte = bytes[position]
      position += 1
      if byte == UInt8(ascii: "\"") { break }
      if byte == UInt8(ascii: "\\") {
        content.append(contentsOf: String(try parseEscape(bytes)).utf8)
      } else {
        content.append(byte)
      }
    }
    guard let text = String(validatingUTF8: content.span) else {
      throw expected("UTF-8 before this")
    }
    return text
  }

  /// The character of the escape sequence whose backslash was read.
  private mutating func parseEscape(_ bytes: Span<UInt8>) throws(Fault) -> Unicode.Scalar {
    guard position < bytes.count else { throw expected("an escape sequence") }
    let byte = bytes[position]
    position += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(byte)
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "f"): return "\u{C}"
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "u"): return try parseCodePoint(bytes)
    default: throw expected("an escape sequence before this")
    }
  }

  /// The character of `\uXXXX`, or of two that are a surrogate pair; the first `\u` was read.
  private mutating func parseCodePoint(_ bytes: Span<UInt8>) throws(Fault) -> Unicode.Scalar {
    let first = try parseHexadecimal(bytes)
    if let scalar = Unicode.Scalar(first) { return scalar }
    guard first < 0xDC00, position + 1 < bytes.count, bytes[position] == UInt8(ascii: "\\"),
      bytes[position + 1] == UInt8(ascii: "u")
    else { throw expected("the second half of a surrogate pair") }
    position += 2
    let second = try parseHexadecimal(bytes)
    guard (0xDC00..<0xE000).contains(second),
      let scalar = Unicode.Scalar(0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00))
    else { throw expected("the second half of a surrogate pair before this") }
    return scalar
  }

  private mutating func parseHexadecimal(_ bytes: Span<UInt8>) throws(Fault) -> UInt32 {
    var value: UInt32 = 0
    for _ in 0..<4 {
      guard position < bytes.count,
        let digit = Character(Unicode.Scalar(bytes[position])).hexDigitValue
      else { throw expected("four hexadecimal digits") }
      value = value << 4 | UInt32(digit)
      position += 1
    }
    return value
  }
}
