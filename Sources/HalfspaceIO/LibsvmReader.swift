// SPDX-License-Identifier: Apache-2.0
internal import HalfspaceLinalg

/// Rows of a file in the format of libsvm and svmlight.
struct LibsvmRows: Sendable {
  /// The features. Column i is index i of the file, so that column 0 is empty in files that count
  /// from 1.
  let features: SparseMatrix
  /// Row i has the labels `labelOffsets[i]..<labelOffsets[i + 1]`.
  let labelOffsets: [Int]
  let labels: [Double]

  /// Whether every row has exactly one label.
  var hasSingleLabels: Bool { labelOffsets.indices.allSatisfy { labelOffsets[$0] == $0 } }
}

/// Reads lines of `label index:value index:value ... # comment`.
///
/// Several labels are separated by commas without blanks; a line that begins with a blank or an
/// `index:value` has none. Indices ascend within a line. `qid:n` is skipped. Blank lines and lines
/// of comments do not count. Reading streams: memory goes with the entries, not with the file.
struct LibsvmReader {
  private let file: String
  private var line = 0
  private var offsets = [0]
  private var indices: [Int32] = []
  private var values: [Float] = []
  private var labelOffsets = [0]
  private var labels: [Double] = []

  private init(file: String) { self.file = file }

  /// Reads the file at `path`; with at least `columns` columns. O(bytes).
  static func read(
    contentsOf path: String, columns: Int = 0
  ) throws(DataFileError) -> LibsvmRows {
    var reader = LibsvmReader(file: path)
    var source: ByteSource?
    var buffer: [UInt8] = []
    while true {
      let old = buffer.count
      do throws(FileError) {
        if source == nil { source = try ByteSource(path) }
        guard try source?.read(1 << 20, into: &buffer) == true else { break }
      } catch {
        throw DataFileError(error)
      }
      // Complete lines are taken; the rest waits for more, and is not searched again.
      guard let last = buffer[old...].lastIndex(of: UInt8(ascii: "\n")) else { continue }
      try reader.take(buffer.span.extracting(...last))
      buffer.removeSubrange(...last)
    }
    try reader.take(buffer.span)
    return try reader.finish(columns: columns)
  }

  /// Reads `bytes`; `file` stands in errors. O(bytes).
  static func read(
    _ bytes: [UInt8], file: String, columns: Int = 0
  ) throws(DataFileError) -> LibsvmRows {
    var reader = LibsvmReader(file: file)
    try reader.take(bytes.span)
    return try reader.finish(columns: columns)
  }

  // MARK: Lines

  private mutating func take(_ bytes: Span<UInt8>) throws(DataFileError) {
    var start = 0
    while start < bytes.count {
      var end = start
      var comment: Int?
      while end < bytes.count, bytes[end] != UInt8(ascii: "\n") {
        if bytes[end] == UInt8(ascii: "#"), comment == nil { comment = end }
        end += 1
      }
      line += 1
      try takeLine(bytes.extracting(start..<(comment ?? end)))
      start = end + 1
    }
  }

  private mutating func takeLine(_ bytes: Span<UInt8>) throws(DataFileError) {
    var position = 0
    var isFirst = !(bytes.count > 0 && Self.isBlank(bytes[0]))
    var isEmpty = true
    while true {
      while position < bytes.count, Self.isBlank(bytes[position]) { position += 1 }
      guard position < bytes.count else { break }
      let start = position
      var colon: Int?
      while position < bytes.count, !Self.isBlank(bytes[position]) {
        if bytes[position] == UInt8(ascii: ":"), colon == nil { colon = position }
        position += 1
      }
      isEmpty = false
      if let colon {
        try takeEntry(bytes.extracting(start..<colon), bytes.extracting((colon + 1)..<position))
      } else {
        guard isFirst else {
          throw error("expected index:value, found \"\(text(bytes, start..<position))\"")
        }
        try takeLabels(bytes.extracting(start..<position))
      }
      isFirst = false
    }
    guard !isEmpty else { return }
    offsets.append(values.count)
    labelOffsets.append(labels.count)
  }

  private mutating func takeLabels(_ bytes: Span<UInt8>) throws(DataFileError) {
    var start = 0
    for position in 0...bytes.count
    where position == bytes.count || bytes[position] == UInt8(ascii: ",") {
      guard case .number(let label) = NumberParser.parse(bytes.extracting(start..<position)) else {
        throw error("expected a number as label, found \"\(text(bytes, start..<position))\"")
      }
      labels.append(label)
      start = position + 1
    }
  }

  private mutating func takeEntry(
    _ key: Span<UInt8>, _ cell: Span<UInt8>
  ) throws(DataFileError) {
    if String(validatingUTF8: key) == "qid" { return }
    var index = 0
    for position in 0..<key.count {
      let digit = Int(key[position]) - 48
      guard (0...9).contains(digit), index <= Self.indexLimit else {
        throw error("expected an index up to \(Self.indexLimit), found \"\(text(key))\"")
      }
      index = 10 * index + digit
    }
    guard key.count > 0, index <= Self.indexLimit else {
      throw error("expected an index up to \(Self.indexLimit), found \"\(text(key))\"")
    }
    let rowStart = offsets[offsets.count - 1]
    if values.count > rowStart, let previous = indices.last, Int(previous) >= index {
      throw error("index \(index) follows index \(previous); indices ascend within a line")
    }
    guard case .number(let number) = NumberParser.parse(cell), Float(number).isFinite else {
      throw error("expected a finite number at index \(index), found \"\(text(cell))\"")
    }
    indices.append(Int32(index))
    values.append(Float(number))
  }

  private func finish(columns: Int) throws(DataFileError) -> LibsvmRows {
    guard offsets.count > 1 else {
      throw DataFileError(file: file, reason: .malformed("there are no rows"))
    }
    let width = max(columns, Int(indices.max() ?? -1) + 1)
    return LibsvmRows(
      features: SparseMatrix(columns: width, offsets: offsets, indices: indices, values: values),
      labelOffsets: labelOffsets, labels: labels)
  }

  // MARK: Parts

  /// The largest index, so that numbers of columns fit 32 bits.
  static let indexLimit = Int(Int32.max) - 1

  private static func isBlank(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") || byte == UInt8(ascii: "\r")
  }

  private func text(_ bytes: Span<UInt8>, _ range: Range<Int>? = nil) -> String {
    let part = bytes.extracting(range ?? 0..<bytes.count)
    let whole = String(validatingUTF8: part) ?? "bytes that are no text"
    return whole.count > 40 ? whole.prefix(40) + "..." : whole
  }

  private func error(_ what: String) -> DataFileError {
    DataFileError(file: file, place: "line \(line)", reason: .malformed(what))
  }
}
