// SPDX-License-Identifier: Apache-2.0

/// Reads tables from delimited text, as people have them.
///
/// - *Text*: UTF-8, with or without a byte-order mark; lines end in LF, CRLF or CR.
/// - *Fields* follow RFC 4180: a quoted field may hold delimiters, line ends and doubled quotes.
///   Blanks around fields that are not quoted do not count.
/// - *Delimiter*: the one of comma, semicolon, tab and vertical bar that cuts the first lines most
///   evenly, unless given.
/// - *Header*: recognized by names over columns of numbers, by first cells that never occur
///   again in a column of categories, or by names that are known, unless given. Without one, and where a name is empty, columns
///   are called column1, column2, ...
/// - *Missing cells* are empty or say `NA`, `N/A`, `null` or `?`, in either case.
/// - *Columns* are numeric when every cell that is not missing is a finite decimal number, and text
///   otherwise. NaN and infinities among numbers are refused.
/// - *Blank lines* are skipped before the header and at the end. Between rows a blank line is a
///   missing cell in a table of one column, and refused in others.
///
/// Reading takes one pass, and a second one when a column turns out to be text after it
/// began with numbers. Memory: the file, 8 bytes per number, 4 bytes per text cell plus
/// each different text once.
public struct CSVReader: Sendable {
  /// What the reader is told rather than left to find out.
  public struct Options: Sendable, Equatable {
    /// The character between fields, an ASCII character other than quotes and line ends; nil:
    /// detected.
    public var delimiter: Character?
    /// Whether the first record holds the column names; nil: detected.
    public var hasHeader: Bool?
    /// Names that are known to be columns: a first record that holds all of them is the header,
    /// whatever it looks like.
    public var knownColumns: Set<String>
    /// Columns that are text even if all their cells are numbers, such as postal codes.
    public var textColumns: Set<String>

    /// Options; by default everything is detected.
    public init(
      delimiter: Character? = nil, hasHeader: Bool? = nil, knownColumns: Set<String> = [],
      textColumns: Set<String> = []
    ) {
      if let delimiter {
        precondition(
          delimiter.isASCII && !delimiter.isNewline && delimiter != "\"",
          "delimiter \(delimiter.debugDescription) is not a single plain ASCII character")
      }
      self.delimiter = delimiter
      self.hasHeader = hasHeader
      self.knownColumns = knownColumns
      self.textColumns = textColumns
    }
  }

  /// What the reader is told.
  public let options: Options

  /// A reader.
  public init(options: Options = Options()) {
    self.options = options
  }

  /// Reads the file at `path`. O(bytes).
  ///
  /// - Throws: `TableError` naming file, line and column.
  public func read(contentsOf path: String) throws(TableError) -> Table {
    let bytes: [UInt8]
    do throws(FileError) {
      bytes = try FileBytes.read(path)
    } catch {
      throw TableError(file: path, reason: .unreadable(error.reason))
    }
    return try read(bytes, name: path)
  }

  /// Reads a table from `bytes`; `name` takes the place of the path in errors. O(bytes).
  ///
  /// - Throws: `TableError` naming line and column.
  public func read(_ bytes: [UInt8], name: String) throws(TableError) -> Table {
    try read(bytes, name: name) { [options] _, _ in options.textColumns }
  }

  /// As `read(_:name:)`; which columns are texts is said once names are known.
  func read(
    _ bytes: [UInt8], name: String,
    textColumns: (_ names: [String], _ hasHeader: Bool) -> Set<String>
  ) throws(TableError) -> Table {
    var pass = try begin(bytes, name: name)
    return try Self.table(
      &pass, bytes, hasHeader: pass.hasHeader,
      textColumns: textColumns(pass.names, pass.hasHeader))
  }

  /// A pass that stands at the first row, its columns named. The bytes may be a file's beginning.
  func begin(_ bytes: [UInt8], name: String) throws(TableError) -> CSVPass {
    try checkIsText(bytes, name: name)
    let start = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
    let dialect = CSVDialect(
      detecting: bytes.span, from: start, delimiter: options.delimiter?.asciiValue,
      hasHeader: options.hasHeader)
    var pass = CSVPass(
      name: name, scanner: CSVScanner(delimiter: dialect.delimiter, position: start))
    while pass.scanner.skipBlankLine(bytes.span) {}
    guard pass.scanner.position < bytes.count else {
      throw TableError(file: name, reason: .empty)
    }
    let first = pass.scanner
    let header = try pass.readHeader(bytes.span)
    let isKnownHeader =
      options.hasHeader == nil && !options.knownColumns.isEmpty
      && options.knownColumns.isSubset(of: header)
    pass.hasHeader = dialect.hasHeader || isKnownHeader
    pass.names =
      pass.hasHeader ? try columnNames(header, in: name) : header.indices.map(Self.name)
    if !pass.hasHeader { pass.scanner = first }
    return pass
  }

  /// The rows from where `pass` stands to the end of the bytes.
  static func table(
    _ pass: inout CSVPass, _ bytes: [UInt8], hasHeader: Bool, textColumns: Set<String>
  ) throws(TableError) -> Table {
    let (names, body) = (pass.names, pass.scanner)
    pass.builders = names.map { ColumnBuilder(isText: textColumns.contains($0)) }
    pass.lines = []
    try pass.run(bytes.span)
    guard !pass.lines.isEmpty else { throw TableError(file: pass.name, reason: .noDataRows) }

    let end = pass.scanner
    let again = names.indices.filter { pass.builders[$0].needsSecondPass }
    if !again.isEmpty {
      pass.scanner = body
      for column in again { pass.builders[column] = ColumnBuilder(isText: true) }
      try pass.runAgain(bytes.span, for: again)
      pass.scanner = end
    }
    for (column, builder) in zip(names, pass.builders) {
      if let cell = builder.notFinite {
        throw TableError(
          file: pass.name, line: cell.line, column: column, reason: .notFinite(cell.text))
      }
    }
    return Table(
      name: pass.name, hasHeader: hasHeader,
      columns: zip(names, pass.builders).map { $1.finish(name: $0) }, lines: pass.lines)
  }

  /// The name of the column at `position` when the file gives none.
  static func name(ofColumnAt position: Int) -> String { "column\(position + 1)" }

  private func columnNames(
    _ header: [String], in file: String
  ) throws(TableError) -> [String] {
    let names = header.enumerated().map { $1.isEmpty ? Self.name(ofColumnAt: $0) : $1 }
    var positions: [String: Int] = [:]
    for (position, name) in names.enumerated() {
      if let earlier = positions.updateValue(position, forKey: name) {
        throw TableError(
          file: file, column: name,
          reason: .duplicateColumn(first: earlier + 1, second: position + 1))
      }
    }
    return names
  }

  /// Recognizes files that are no text at all before their bytes are taken for one odd cell.
  private func checkIsText(_ bytes: [UInt8], name: String) throws(TableError) {
    let reason: String
    if bytes.starts(with: [0x1F, 0x8B]) {
      reason = "it is compressed with gzip; decompress it first (gunzip)"
    } else if bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF]) {
      reason = "it is encoded in UTF-16; save it as UTF-8"
    } else if bytes.starts(with: [0x50, 0x4B, 3, 4]) {
      reason = "it is a zip archive or a spreadsheet; save it as CSV"
    } else if bytes.prefix(4096).contains(0) {
      reason = "it holds NUL bytes"
    } else {
      return
    }
    throw TableError(file: name, reason: .notText(reason))
  }
}
