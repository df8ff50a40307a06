// SPDX-License-Identifier: Apache-2.0

extension RowFile {
  /// The rows of a text table of any size, converted into a temporary file of 8 bytes a cell.
  ///
  /// What is a number and what a text is decided as by `CSVReader`: a column whose first text comes
  /// after numbers costs a second pass over the text, since their spelling counts. Memory: a piece of
  /// the text, and every different text of a column once, up to `levelLimit` of them.
  ///
  /// - Parameters:
  ///   - textColumns: columns that are texts even if all their cells are numbers.
  ///   - folder: where the temporary file is made.
  /// - Throws: `TableError` for what is wrong with the table, `FileError` when the temporary file
  ///   cannot be written, as when the disk is full.
  init(
    converting path: String, options: CSVReader.Options = .init(),
    pieceSize: Int = CSVStream.pieceSize, in folder: String = ScratchFile.standardFolder,
    textColumns: @escaping (_ names: [String], _ hasHeader: Bool) -> Set<String> = { _, _ in [] }
  ) throws {
    let conversion = CSVConversion(
      path: path, options: options, pieceSize: pieceSize, folder: folder, known: textColumns)
    if let file = try conversion.pass() {
      self = file
      return
    }
    // Now all columns of texts are known.
    guard FileBytes.isRegular(path) else {
      throw TableError(
        file: path,
        reason: .unreadable(
          "a column has texts below numbers, so that it must be read twice, which a pipe cannot"))
    }
    guard let file = try conversion.pass() else {
      throw TableError(file: path, reason: .unreadable("it has changed meanwhile"))
    }
    self = file
  }

  /// Different texts of a column that are told apart; more are no categories of anything.
  static let levelLimit = 1 << 20
}

/// Passes over a text table that is converted.
private final class CSVConversion {
  private let path: String
  private let options: CSVReader.Options
  private let pieceSize: Int
  private let folder: String
  private let known: ([String], Bool) -> Set<String>
  /// Columns that have turned out to be texts.
  private var texts: Set<String> = []

  init(
    path: String, options: CSVReader.Options, pieceSize: Int, folder: String,
    known: @escaping ([String], Bool) -> Set<String>
  ) {
    self.path = path
    self.options = options
    self.pieceSize = pieceSize
    self.folder = folder
    self.known = known
  }

  /// What is known of a column so far.
  private struct Column {
    let name: String
    var hasNumber = false
    var interner: TextInterner?

    /// The number that stands for a text.
    mutating func code(for text: String) -> Double {
      var interner = self.interner ?? TextInterner()
      self.interner = nil
      defer { self.interner = interner }
      guard interner.levels.count <= RowFile.levelLimit else { return Double(RowFile.levelLimit) }
      let bytes = Array(text.utf8)
      return interner.code(for: bytes.span).map(Double.init) ?? .nan  // a String is valid UTF-8
    }
  }

  /// Converts the table; nil when columns turned out to be texts after numbers had been written.
  func pass() throws -> RowFile? {
    let stream = try CSVStream(contentsOf: path, options: options, pieceSize: pieceSize) {
      [self] names, hasHeader in
      texts.union(options.textColumns).union(known(names, hasHeader))
    }
    let scratch = try ScratchFile(in: folder)
    var columns: [Column] = []
    var hasHeader = false
    var rowCount = 0
    var isInVain = false
    while let piece = try stream.next() {
      if rowCount == 0 {
        columns = piece.columnNames.map { Column(name: $0) }
        hasHeader = piece.hasHeader
      }
      rowCount += piece.rowCount
      if note(piece, &columns) { isInVain = true }
      // The rest is read for other such columns.
      if !isInVain { try scratch.write(Self.numbers(of: piece, &columns)) }
    }
    if isInVain { return nil }
    let array = NumericArray(
      shape: [rowCount, columns.count + 1], elementType: .float64,
      isBigEndian: Self.isBigEndian, isColumnMajor: false, region: try scratch.finish(), offset: 0)
    guard let array else { preconditionFailure("\(rowCount) rows are not in the temporary file") }
    return RowFile(
      array, name: path, hasHeader: hasHeader, names: columns.map(\.name),
      levels: columns.map { $0.interner?.levels })
  }

  private static let isBigEndian = UInt16(bigEndian: 1) == 1

  /// Notes which columns hold texts; whether one of them has held numbers before.
  private func note(_ piece: Table, _ columns: inout [Column]) -> Bool {
    var isLate = false
    for (position, column) in piece.columns.enumerated() {
      if case .numeric(let values) = column.storage {
        if !columns[position].hasNumber {
          columns[position].hasNumber = values.contains { !$0.isNaN }
        }
      } else {
        texts.insert(column.name)
        if columns[position].hasNumber { isLate = true }
      }
    }
    return isLate
  }

  /// The cells, row by row, the line of each row behind them.
  private static func numbers(of piece: Table, _ columns: inout [Column]) -> [Double] {
    let width = columns.count + 1
    var numbers = [Double](repeating: .nan, count: piece.rowCount * width)
    for (position, column) in piece.columns.enumerated() {
      switch column.storage {
      case .numeric(let values):
        for row in values.indices { numbers[row * width + position] = values[row] }
      case .categorical(let codes, let levels):
        let numbersOfLevels = levels.map { columns[position].code(for: $0) }
        if columns[position].interner == nil { columns[position].interner = TextInterner() }
        for row in codes.indices where codes[row] >= 0 {
          numbers[row * width + position] = numbersOfLevels[Int(codes[row])]
        }
      }
    }
    for row in 0..<piece.rowCount {
      numbers[row * width + width - 1] = Double(piece.line(ofRow: row))
    }
    return numbers
  }
}
