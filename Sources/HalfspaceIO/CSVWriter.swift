// SPDX-License-Identifier: Apache-2.0

/// Writes delimited text that `CSVReader` and others read back.
public enum CSVWriter {
  /// One line with its line end. Fields are quoted where RFC 4180 demands it, and where blanks at
  /// their ends would be lost. O(characters).
  public static func line(_ fields: some Sequence<String>, delimiter: Character = ",") -> String {
    fields.map { quoted($0, delimiter) }.joined(separator: String(delimiter)) + "\n"
  }

  private static func quoted(_ field: String, _ delimiter: Character) -> String {
    let needsQuotes =
      field.first?.isWhitespace ?? false || field.last?.isWhitespace ?? false
      || field.contains { $0 == delimiter || $0 == "\"" || $0.isNewline }
    guard needsQuotes else { return field }
    return "\""
      + field.split(separator: "\"", omittingEmptySubsequences: false)
      .joined(separator: "\"\"") + "\""
  }
}
