// SPDX-License-Identifier: Apache-2.0

/// Reads a text table piece by piece, in memory for one piece.
///
/// Names, delimiter and lines are those of the whole file, as `CSVReader` finds them from its
/// beginning. Whether a column holds numbers or texts is found out for each piece, save for those
/// known to be texts.
final class CSVStream {
  private let source: ByteSource
  private let reader: CSVReader
  private let pieceSize: Int
  private let textColumns: (_ names: [String], _ hasHeader: Bool) -> Set<String>
  private var bytes: [UInt8] = []
  private var isAtEnd = false
  private var pass: CSVPass?

  /// Bytes of a piece; rows are not cut.
  static let pieceSize = 1 << 20

  /// Opens a file.
  ///
  /// - Throws: `TableError`, as all others.
  init(
    contentsOf path: String, options: CSVReader.Options, pieceSize: Int = CSVStream.pieceSize,
    textColumns: @escaping (_ names: [String], _ hasHeader: Bool) -> Set<String>
  ) throws(TableError) {
    do throws(FileError) {
      source = try ByteSource(path)
    } catch {
      throw TableError(file: path, reason: .unreadable(error.reason))
    }
    reader = CSVReader(options: options)
    self.pieceSize = pieceSize
    self.textColumns = textColumns
  }

  /// The next rows, some; nil behind the last.
  func next() throws(TableError) -> Table? {
    var pass: CSVPass
    if let begun = self.pass {
      pass = begun
    } else {
      pass = try begin()
    }
    let end = try fill(from: pass.scanner)
    // At the end of a file blank lines do not count; a file without rows is refused below.
    if isAtEnd && self.pass != nil {
      var rest = pass.scanner
      while rest.skipBlankLine(bytes.span) {}
      if rest.position == bytes.count { return nil }
    }
    let piece = Array(bytes[..<end])
    let table = try CSVReader.table(
      &pass, piece, hasHeader: pass.hasHeader,
      textColumns: textColumns(pass.names, pass.hasHeader))
    bytes.removeSubrange(..<end)
    pass.scanner.position = 0
    self.pass = pass
    return table
  }

  /// Finds names and delimiter from the first whole lines.
  private func begin() throws(TableError) -> CSVPass {
    var size = pieceSize
    while true {
      try read(size)
      // What follows a carriage return may be missing.
      let last = bytes.dropLast().lastIndex { $0 == 0x0A || $0 == 0x0D }
      let end = isAtEnd ? bytes.count : last.map { $0 + 1 } ?? 0
      size = 2 * max(size, bytes.count)
      do throws(TableError) {
        return try reader.begin(Array(bytes[..<end]), name: source.path)
      } catch {
        // The first record may be longer than the piece.
        let isCut = error.reason == .empty || error.reason == .unterminatedQuote
        guard isCut && !isAtEnd else { throw error }
      }
    }
  }

  /// Reads on until there are `count` bytes, or all.
  private func read(_ count: Int) throws(TableError) {
    while !isAtEnd && bytes.count < count {
      do throws(FileError) {
        isAtEnd = try !source.read(pieceSize, into: &bytes)
      } catch {
        throw TableError(file: source.path, reason: .unreadable(error.reason))
      }
    }
  }

  /// Reads on until there is a row from the scanner's position on, and tells where the last whole one
  /// ends: with more bytes to come, or at the end of the file.
  private func fill(from scanner: CSVScanner) throws(TableError) -> Int {
    var size = scanner.position + pieceSize
    while true {
      try read(size)
      if isAtEnd { return bytes.count }
      if let end = lastRowEnd(scanner) { return end }
      size = 2 * max(size, bytes.count)
    }
  }

  /// Behind the last row that is known to be complete; blank lines behind it are left to the next
  /// piece, which knows whether they are at the end. All bytes where a row is damaged: the reader
  /// tells how.
  private func lastRowEnd(_ start: CSVScanner) -> Int? {
    var scanner = start
    var end: Int?
    while true {
      while scanner.skipBlankLine(bytes.span) {}
      do throws(CSVScanner.Failure) {
        while scanner.position < bytes.count, try !scanner.next(bytes.span).endsRecord {}
      } catch {
        switch error {
        case .unterminatedQuote: return end
        case .textAfterQuote: return bytes.count
        }
      }
      // A row that ends with the bytes may go on.
      guard scanner.position < bytes.count else { return end }
      end = scanner.position
    }
  }
}
