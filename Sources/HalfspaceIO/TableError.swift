// SPDX-License-Identifier: Apache-2.0
public import Foundation

/// Something wrong with a table: where, and what was expected.
public struct TableError: Error, Hashable, Sendable {
  /// What is wrong.
  public enum Reason: Hashable, Sendable {
    /// The file cannot be read, for the given reason.
    case unreadable(String)
    /// The file is not plain text, for the given reason.
    case notText(String)
    /// There is nothing in the file.
    case empty
    /// There is a header and nothing below it.
    case noDataRows
    /// A record has not as many fields as the first one; 0 for a blank line.
    case raggedRow(expected: Int, found: Int)
    /// A quoted field is not closed before the end of the file.
    case unterminatedQuote
    /// A closing quote is followed by something else than a delimiter or a line end.
    case textAfterQuote
    /// Two columns, counted from 1, have the same name.
    case duplicateColumn(first: Int, second: Int)
    /// A cell in a column of numbers is NaN, infinite or beyond the range of `Double`.
    case notFinite(String)
    /// A cell is not valid UTF-8.
    case invalidUTF8
    /// There is no column of this name.
    case unknownColumn(available: [String])
    /// Columns that the training table had are not there.
    case missingColumns([String])
    /// A table without column names has not as many columns as the training table.
    case columnCount(expected: Int, found: Int)
    /// A cell should be a number.
    case textInNumericColumn(String)
    /// A category that the training rows did not have.
    case unknownCategory(String, known: [String])
    /// A cell is missing in a column of categories that was complete in the training rows.
    case unexpectedMissing
    /// A text column has too many different values to be categories. When most of them are numbers,
    /// `firstText` is the first one that is not.
    case tooManyLevels(levels: Int, rows: Int, limit: Int, firstText: String?)
    /// No column distinguishes the rows.
    case noFeatures
    /// A weight is no number of at least 0.
    case badWeight(String)
    /// The model is for sparse rows, and this is a table.
    case needsSparseRows
    /// The target of a row is missing.
    case missingTarget
    /// A class that the training rows did not have.
    case unknownClass(String, known: [String])
    /// A cell of one of several target columns is neither 0 nor 1.
    case neitherOneNorZero(String)
    /// No row has a label.
    case noLabels
    /// Every row has the same class.
    case singleClass(String)
    /// Every row has the same target value.
    case constantTarget(String)
  }

  /// The path of the file, or the name the table was given.
  public let file: String
  /// The line, from 1, where there is one to name.
  public let line: Int?
  /// The column's name, where there is one to name.
  public let column: String?
  /// What is wrong.
  public let reason: Reason

  /// An error.
  public init(file: String, line: Int? = nil, column: String? = nil, reason: Reason) {
    self.file = file
    self.line = line
    self.column = column
    self.reason = reason
  }
}

extension TableError: CustomStringConvertible {
  /// One sentence: file, line, column, and what was expected.
  public var description: String {
    if case .unreadable(let why) = reason { return "cannot read \(file): \(why)" }
    var place = file
    if let line { place += ", line \(line)" }
    if let column { place += ", column \"\(column)\"" }
    return "\(place): \(reason)"
  }
}

extension TableError: LocalizedError {
  /// The same sentence as `description`.
  public var errorDescription: String? { description }
}

extension TableError.Reason: CustomStringConvertible {
  /// What is wrong, without the place.
  public var description: String {
    switch self {
    case .unreadable(let reason): "cannot read the file: \(reason)"
    case .notText(let reason): "expected a text table, but \(reason)"
    case .empty: "the file is empty"
    case .noDataRows: "there are no rows below the header"
    case .raggedRow(let expected, 0): "expected \(count(expected, "field")), found a blank line"
    case .raggedRow(let expected, let found):
      "expected \(count(expected, "field")), found \(found)"
    case .unterminatedQuote: "the quoted field that begins here is never closed"
    case .textAfterQuote: "expected a delimiter or the end of the line after the closing quote"
    case .duplicateColumn(let first, let second):
      "columns \(first) and \(second) have the same name"
    case .notFinite(let text): "expected a finite number, found \"\(shortened(text))\""
    case .invalidUTF8: "the text is not valid UTF-8"
    case .unknownColumn(let available): "there is no such column; there are \(list(available))"
    case .missingColumns(let names):
      "the training table's \(names.count == 1 ? "column" : "columns") \(list(names)) "
        + "\(names.count == 1 ? "is" : "are") not in this table"
    case .columnCount(let expected, let found):
      "expected \(count(expected, "column")) as in the training table, found \(found)"
    case .textInNumericColumn(let text): "expected a number, found \"\(shortened(text))\""
    case .unknownCategory(let value, let known):
      "the training rows had no \"\(shortened(value))\" here, only \(list(known))"
    case .unexpectedMissing:
      "the cell is empty, and a column of categories without empty cells in training needs one"
    case .tooManyLevels(let levels, let rows, let limit, let firstText):
      tooManyLevels(levels, rows, limit, firstText)
    case .noFeatures: "no column distinguishes the rows, so there is nothing to learn from"
    case .badWeight(let text): "expected a weight of at least 0, found \(shortened(text))"
    case .needsSparseRows: "the model takes sparse rows (libsvm), and this is a table"
    case .missingTarget: "the target is missing"
    case .unknownClass(let value, let known):
      "the training rows had no class \"\(shortened(value))\", only \(list(known))"
    case .neitherOneNorZero(let text):
      "expected 0 or 1, found \"\(shortened(text))\": each of several target columns is a label that "
        + "a row has or has not; a number is predicted from a column of its own"
    case .noLabels: "no row has a label, so there is nothing to learn"
    case .singleClass(let value):
      "every row has the class \"\(shortened(value))\", so there is nothing to learn"
    case .constantTarget(let value):
      "every row has the target \(value), so there is nothing to learn"
    }
  }

  private func tooManyLevels(
    _ levels: Int, _ rows: Int, _ limit: Int, _ firstText: String?
  ) -> String {
    let counts = "\(levels) different texts in \(rows) rows, more than the \(limit) that can be"
    return if let firstText {
      "the first text among numbers is \"\(shortened(firstText))\", which makes a text column of "
        + "\(counts) categories; correct it or drop the column (--drop COLUMN)"
    } else {
      "\(counts) categories; drop the column (--drop COLUMN)"
    }
  }

  private func count(_ number: Int, _ noun: String) -> String {
    number == 1 ? "1 \(noun)" : "\(number) \(noun)s"
  }

  /// The first few names in quotes, and how many there are.
  private func list(_ names: [String]) -> String {
    let shown = names.prefix(8).map { "\"\(shortened($0))\"" }.joined(separator: ", ")
    return names.count <= 8 ? shown : "\(shown), ... (\(names.count) in all)"
  }

  /// Cell contents can be pages long and hold line ends; a message is one line.
  private func shortened(_ text: String) -> String {
    let line = text.prefix(41).map { $0.isNewline ? " " : String($0) }.joined()
    return line.count > 40 ? line.prefix(40) + "..." : line
  }
}
