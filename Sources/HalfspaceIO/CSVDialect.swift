// SPDX-License-Identifier: Apache-2.0

/// How a delimited file is written: what stands between fields, and whether names stand on top.
struct CSVDialect {
  /// The byte between fields.
  let delimiter: UInt8
  /// Whether the first record holds the column names.
  let hasHeader: Bool

  /// Records looked at for a decision.
  private static let sampleSize = 500

  /// Decides what is not given from the first records after `start`.
  init(detecting bytes: Span<UInt8>, from start: Int, delimiter: UInt8?, hasHeader: Bool?) {
    let chosen = delimiter ?? Self.delimiter(of: bytes, from: start)
    self.delimiter = chosen
    if let hasHeader {
      self.hasHeader = hasHeader
    } else {
      var records: [[String]] = []
      Self.forEachRecord(of: bytes, from: start, delimiter: chosen) { fields in
        records.append(fields.map { $0.text(bytes) ?? "\u{FFFD}" })
      }
      self.hasHeader = Self.looksLikeHeader(records.first ?? [], over: records.dropFirst())
    }
  }

  // MARK: Delimiter

  /// The candidate that occurs in the first record and gives most records as many fields as the
  /// first one has; among equals, the one with more fields. A comma when none occurs.
  private static func delimiter(of bytes: Span<UInt8>, from start: Int) -> UInt8 {
    var best = (delimiter: UInt8(ascii: ","), agreeing: 0.0, fields: 1)
    for candidate in ",;\t|".utf8 {
      var first = 0
      var agreeing = 0
      var count = 0
      forEachRecord(of: bytes, from: start, delimiter: candidate) { fields in
        if count == 0 { first = fields.count }
        if fields.count == first { agreeing += 1 }
        count += 1
      }
      let share = count == 0 ? 0 : Double(agreeing) / Double(count)
      if first > 1, (share, first) > (best.agreeing, best.fields) {
        best = (candidate, share, first)
      }
    }
    return best.delimiter
  }

  /// Calls `body` with the fields of the first records that are not blank, up to the first one that
  /// cannot be cut.
  private static func forEachRecord(
    of bytes: Span<UInt8>, from start: Int, delimiter: UInt8, _ body: ([CSVScanner.Field]) -> Void
  ) {
    var scanner = CSVScanner(delimiter: delimiter, position: start)
    var fields: [CSVScanner.Field] = []
    for _ in 0..<sampleSize {
      while scanner.skipBlankLine(bytes) {}
      guard scanner.position < bytes.count else { return }
      fields.removeAll(keepingCapacity: true)
      repeat {
        guard let field = try? scanner.next(bytes) else { return }
        fields.append(field)
      } while !fields[fields.count - 1].endsRecord
      body(fields)
    }
  }

  // MARK: Header

  private enum Kind {
    case missing, number, text
  }

  private static func kind(_ cell: String) -> Kind {
    let bytes = Array(cell.utf8)
    if ColumnBuilder.isMissing(bytes.span) { return .missing }
    return NumberParser.parse(bytes.span) == .text ? .text : .number
  }

  /// Whether `first` holds names rather than values of the columns in `body`.
  ///
  /// Yes when a text stands over numbers. Otherwise numbers in `first` are values, unless they count
  /// up (columns named 1, 2, 3, ...) and either texts beside them are new to columns whose
  /// values repeat, or they are all there is, from 0 or 1, eight or more. With texts only, the first
  /// record is a header unless most of its cells occur again in their columns.
  static func looksLikeHeader(_ first: [String], over body: ArraySlice<[String]>) -> Bool {
    let kinds = first.map(kind)
    guard !body.isEmpty else { return kinds.allSatisfy { $0 == .text } }
    guard kinds.contains(.text) || kinds.contains(.number) else { return false }
    var textColumns = 0
    var newTexts = 0
    var newTextsOverRepeats = 0
    for column in first.indices where kinds[column] == .text {
      let cells = body.compactMap { column < $0.count ? $0[column] : nil }
      let bodyKinds = cells.map(kind)
      if bodyKinds.contains(.number) && !bodyKinds.contains(.text) { return true }
      guard bodyKinds.contains(.text) else { continue }
      let levels = Set(cells)
      textColumns += 1
      if !levels.contains(first[column]) {
        newTexts += 1
        if 2 * levels.count <= cells.count { newTextsOverRepeats += 1 }
      }
    }
    let numbers = zip(first, kinds).filter { $0.1 == .number }.map { NumberParser.number($0.0) }
    if numbers.isEmpty { return 2 * newTexts > textColumns || textColumns == 0 }
    guard numbers.count >= 3, let start = numbers[0],
      numbers.enumerated().allSatisfy({ $1 == start + Double($0) })
    else { return false }
    if textColumns > 0 { return 2 * newTextsOverRepeats > textColumns }
    return numbers.count == first.count && numbers.count >= 8 && (start == 0 || start == 1)
  }
}
