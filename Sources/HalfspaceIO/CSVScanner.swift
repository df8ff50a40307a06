// SPDX-License-Identifier: Apache-2.0

/// Cuts bytes into fields and records, as RFC 4180 has it and as files are.
///
/// Lines end in LF, CRLF or CR. A field that begins with a quote (blanks before it are skipped)
/// runs to the closing quote, across delimiters and line ends; two quotes stand for one. In any other
/// field a quote is an ordinary character. Blanks around fields that are not quoted do not count.
struct CSVScanner {
  /// Where a field is and how it ended.
  struct Field {
    /// The bytes of the content, without the enclosing quotes.
    var range: Range<Int>
    /// The line that the field begins on, from 1.
    var line: Int
    /// Whether the content holds doubled quotes that are to become single ones.
    var hasDoubledQuotes = false
    /// Whether it is the last one of its record.
    var endsRecord = false
  }

  /// Why a field cannot be cut.
  enum Failure: Error {
    case unterminatedQuote(line: Int)
    case textAfterQuote(line: Int)
  }

  /// The byte between fields.
  let delimiter: UInt8
  /// The next byte.
  var position: Int
  /// The line of the next byte, from 1.
  var line = 1

  init(delimiter: UInt8, position: Int = 0) {
    self.delimiter = delimiter
    self.position = position
  }

  /// Skips a line that holds nothing but blanks; whether there was one. The end of the bytes is
  /// no line.
  mutating func skipBlankLine(_ bytes: Span<UInt8>) -> Bool {
    guard position < bytes.count else { return false }
    var i = position
    while i < bytes.count, isBlank(bytes[i]) { i += 1 }
    guard i == bytes.count || isLineEnd(bytes[i]) else { return false }
    position = i
    if i < bytes.count { skipLineEnd(bytes) }
    return true
  }

  /// The next field; call only where a record begins or the last field did not end one.
  mutating func next(_ bytes: Span<UInt8>) throws(Failure) -> Field {
    var start = position
    while start < bytes.count, isBlank(bytes[start]) { start += 1 }
    if start < bytes.count, bytes[start] == UInt8(ascii: "\"") {
      return try nextQuoted(bytes, contentStart: start + 1)
    }
    let count = bytes.count
    var end = start
    while end < count {
      let byte = bytes[end]
      // Line ends are below the blank and the common delimiters: one comparison for most bytes.
      if byte == delimiter || (byte < 0x20 && isLineEnd(byte)) { break }
      end += 1
    }
    position = end
    var trimmed = end
    while trimmed > start, isBlank(bytes[trimmed - 1]) { trimmed -= 1 }
    var field = Field(range: start..<trimmed, line: line)
    field.endsRecord = endField(bytes)
    return field
  }

  private mutating func nextQuoted(
    _ bytes: Span<UInt8>, contentStart: Int
  ) throws(Failure) -> Field {
    var field = Field(range: contentStart..<contentStart, line: line)
    position = contentStart
    while true {
      guard position < bytes.count else { throw .unterminatedQuote(line: field.line) }
      let byte = bytes[position]
      if isLineEnd(byte) {
        skipLineEnd(bytes)
        continue
      }
      position += 1
      guard byte == UInt8(ascii: "\"") else { continue }
      guard position < bytes.count, bytes[position] == UInt8(ascii: "\"") else { break }
      field.hasDoubledQuotes = true
      position += 1
    }
    field.range = contentStart..<(position - 1)
    while position < bytes.count, isBlank(bytes[position]) { position += 1 }
    guard position == bytes.count || bytes[position] == delimiter || isLineEnd(bytes[position])
    else { throw .textAfterQuote(line: line) }
    field.endsRecord = endField(bytes)
    return field
  }

  /// Steps over what follows a field; whether that ends the record.
  private mutating func endField(_ bytes: Span<UInt8>) -> Bool {
    guard position < bytes.count else { return true }
    if bytes[position] == delimiter {
      position += 1
      return false
    }
    skipLineEnd(bytes)
    return true
  }

  private mutating func skipLineEnd(_ bytes: Span<UInt8>) {
    let isReturn = bytes[position] == UInt8(ascii: "\r")
    position += 1
    if isReturn, position < bytes.count, bytes[position] == UInt8(ascii: "\n") { position += 1 }
    line += 1
  }

  private func isLineEnd(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r")
  }

  private func isBlank(_ byte: UInt8) -> Bool {
    (byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t")) && byte != delimiter
  }
}

extension CSVScanner.Field {
  /// The content as text, doubled quotes made single; nil when it is not valid UTF-8.
  func text(_ bytes: Span<UInt8>) -> String? {
    guard hasDoubledQuotes else { return String(validatingUTF8: bytes.extracting(range)) }
    let content = unquoted(bytes)
    return String(validatingUTF8: content.span)
  }

  /// The content, doubled quotes made single.
  func unquoted(_ bytes: Span<UInt8>) -> [UInt8] {
    var content: [UInt8] = []
    content.reserveCapacity(range.count)
    var i = range.lowerBound
    while i < range.upperBound {
      content.append(bytes[i])
      // The first of two quotes stands for both.
      i += hasDoubledQuotes && bytes[i] == UInt8(ascii: "\"") ? 2 : 1
    }
    return content
  }
}

extension String {
  /// The text that `bytes` encode, or nil when they are not valid UTF-8.
  init?(validatingUTF8 bytes: Span<UInt8>) {
    guard let valid = try? UTF8Span(validating: bytes) else { return nil }
    self.init(copying: valid)
  }
}
