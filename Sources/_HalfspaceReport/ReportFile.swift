// SPDX-License-Identifier: Apache-2.0
public import Foundation

/// A report that could not be written.
public struct ReportFileError: Error, CustomStringConvertible {
  /// The file.
  public let path: String
  /// What the system said.
  public let reason: String

  /// A sentence for people.
  public var description: String { "cannot write \(path): \(reason)" }
}

/// Writes the texts this module makes.
public enum ReportFile {
  /// Writes `text` as UTF-8 to a file that appears all at once, by renaming; creates the folders
  /// on the way.
  ///
  /// - Throws: `ReportFileError`; a file that was there before is then unchanged.
  public static func write(_ text: String, to url: URL) throws(ReportFileError) {
    let values = try? url.resourceValues(forKeys: [.isDirectoryKey])
    if values?.isDirectory == true {
      throw ReportFileError(path: url.path, reason: "it is a folder")
    }
    do {
      try FileManager.default.createDirectory(
        at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data(text.utf8).write(to: url, options: .atomic)
    } catch {
      let reason = error.localizedDescription
        .replacing("The operation could not be completed. ", with: "")
      throw ReportFileError(path: url.path, reason: reason)
    }
  }
}
