// SPDX-License-Identifier: Apache-2.0

/// Collects the cells of one column and decides what it holds.
///
/// A column counts as numeric until a cell proves otherwise. When that cell comes after numbers,
/// their spelling is gone (a text column keeps "007" and "7.0" apart), so the reader goes
/// over the bytes once more for such columns: `needsSecondPass`.
struct ColumnBuilder {
  private var numbers: [Double] = []
  private var hasNumber = false
  private var codes: [Int32] = []
  private var interner = TextInterner()
  private var isText: Bool
  private(set) var needsSecondPass = false
  /// The first cell that spells a number which is not finite.
  private(set) var notFinite: (text: String, line: Int)?

  /// A builder; with `isText` the column is text whatever its cells look like.
  init(isText: Bool = false) {
    self.isText = isText
  }

  /// Adds a cell; false when it is not valid UTF-8.
  mutating func append(_ cell: Span<UInt8>, line: Int) -> Bool {
    if needsSecondPass { return true }
    if isText { return appendText(cell) }
    if Self.isMissing(cell) {
      numbers.append(.nan)
      return true
    }
    switch NumberParser.parse(cell) {
    case .number(let value):
      numbers.append(value)
      hasNumber = true
    case .notFinite:
      numbers.append(.infinity)
      hasNumber = true
      if notFinite == nil, let text = String(validatingUTF8: cell) { notFinite = (text, line) }
    case .text:
      isText = true
      if hasNumber {
        needsSecondPass = true
        numbers = []
        // So that bytes that are no text are reported where they are.
        return String(validatingUTF8: cell) != nil
      }
      codes = [Int32](repeating: -1, count: numbers.count)
      numbers = []
      return appendText(cell)
    }
    return true
  }

  private mutating func appendText(_ cell: Span<UInt8>) -> Bool {
    if Self.isMissing(cell) {
      codes.append(-1)
      return true
    }
    guard let code = interner.code(for: cell) else { return false }
    codes.append(code)
    return true
  }

  /// The finished column.
  func finish(name: String) -> TableColumn {
    if isText {
      return TableColumn(
        name: name, storage: .categorical(codes: codes, levels: interner.levels))
    }
    return TableColumn(name: name, storage: .numeric(numbers))
  }

  /// Whether a cell marks a missing value: empty, `NA`, `N/A`, `null` or `?`, in either case.
  static func isMissing(_ cell: Span<UInt8>) -> Bool {
    switch cell.count {
    case 0: true
    case 1: cell[0] == UInt8(ascii: "?")
    case 2: NumberParser.equalsIgnoringCase(cell, "na")
    case 3: NumberParser.equalsIgnoringCase(cell, "n/a")
    case 4: NumberParser.equalsIgnoringCase(cell, "null")
    default: false
    }
  }
}
