// SPDX-License-Identifier: Apache-2.0

/// One walk over the records of a table, from the scanner's position to the end.
struct CSVPass {
  let name: String
  var scanner: CSVScanner
  var names: [String] = []
  /// Whether the names are the file's.
  var hasHeader = false
  var builders: [ColumnBuilder] = []
  /// The line each row begins on.
  var lines: [UInt32] = []

  init(name: String, scanner: CSVScanner) {
    self.name = name
    self.scanner = scanner
  }

  /// The cells of the next record as text.
  mutating func readHeader(_ bytes: Span<UInt8>) throws(TableError) -> [String] {
    var cells: [String] = []
    while true {
      let field = try nextField(bytes, column: cells.count)
      guard let text = field.text(bytes) else {
        throw error(line: field.line, column: cells.count, .invalidUTF8)
      }
      cells.append(text)
      if field.endsRecord { return cells }
    }
  }

  /// Feeds every cell to its builder.
  mutating func run(_ bytes: Span<UInt8>) throws(TableError) {
    let width = builders.count
    while try skipBlankLines(bytes) {
      let line = scanner.line
      var column = 0
      while true {
        let field = try nextField(bytes, column: column)
        if column < width { try append(field, bytes, to: column) }
        column += 1
        if field.endsRecord { break }
      }
      guard column == width else {
        throw error(line: line, .raggedRow(expected: width, found: column))
      }
      lines.append(UInt32(line))
    }
  }

  /// Feeds the cells of the given columns to their builders; the records are known to be sound.
  mutating func runAgain(_ bytes: Span<UInt8>, for columns: [Int]) throws(TableError) {
    var isWanted = [Bool](repeating: false, count: builders.count)
    for column in columns { isWanted[column] = true }
    let linesOfFirstPass = lines
    while try skipBlankLines(bytes) {
      var column = 0
      while true {
        let field = try nextField(bytes, column: column)
        if isWanted[column] { try append(field, bytes, to: column) }
        column += 1
        if field.endsRecord { break }
      }
    }
    lines = linesOfFirstPass
  }

  /// Steps over blank lines; false at the end of the table.
  ///
  /// Those at the end do not count. Before a row they are rows with their one cell missing, or
  /// too short.
  private mutating func skipBlankLines(_ bytes: Span<UInt8>) throws(TableError) -> Bool {
    let first = scanner.line
    var count = 0
    while scanner.skipBlankLine(bytes) { count += 1 }
    guard scanner.position < bytes.count else { return false }
    guard count > 0 else { return true }
    guard builders.count == 1 else {
      throw error(line: first, .raggedRow(expected: builders.count, found: 0))
    }
    for line in first..<(first + count) {
      _ = builders[0].append(bytes.extracting(0..<0), line: line)
      lines.append(UInt32(line))
    }
    return true
  }

  private mutating func append(
    _ field: CSVScanner.Field, _ bytes: Span<UInt8>, to column: Int
  ) throws(TableError) {
    let isValid: Bool
    if field.hasDoubledQuotes {
      let content = field.unquoted(bytes)
      isValid = builders[column].append(content.span, line: field.line)
    } else {
      isValid = builders[column].append(bytes.extracting(field.range), line: field.line)
    }
    guard isValid else { throw error(line: field.line, column: column, .invalidUTF8) }
  }

  private mutating func nextField(
    _ bytes: Span<UInt8>, column: Int
  ) throws(TableError) -> CSVScanner.Field {
    do throws(CSVScanner.Failure) {
      return try scanner.next(bytes)
    } catch {
      switch error {
      case .unterminatedQuote(let line):
        throw self.error(line: line, column: column, .unterminatedQuote)
      case .textAfterQuote(let line):
        throw self.error(line: line, column: column, .textAfterQuote)
      }
    }
  }

  private func error(
    line: Int, column: Int? = nil, _ reason: TableError.Reason
  ) -> TableError {
    let columnName = column.map { column in
      column < names.count ? names[column] : CSVReader.name(ofColumnAt: column)
    }
    return TableError(file: name, line: line, column: columnName, reason: reason)
  }
}
