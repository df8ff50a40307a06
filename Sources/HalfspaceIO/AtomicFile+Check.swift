// SPDX-License-Identifier: Apache-2.0
internal import Foundation

extension AtomicFile {
  /// Checks, without changing anything, that a file can be written at `path`: better known before a
  /// long run than after it. O(1).
  ///
  /// - Throws: `FileError` when the folder is missing or not writable, or `path` is a folder.
  public static func checkWritable(_ path: String) throws(FileError) {
    guard !path.isEmpty else { throw FileError(path: path, operation: .write, code: ENOENT) }
    var existing = stat()
    if unsafe stat(path, &existing) == 0 {
      guard existing.st_mode & S_IFMT != S_IFDIR else {
        throw FileError(path: path, operation: .write, code: EISDIR)
      }
      guard existing.st_mode & S_IFMT == S_IFREG else { return }
    }
    let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
    guard unsafe access(folder, W_OK | X_OK) == 0 else {
      throw FileError(path: path, operation: .write, code: errno)
    }
  }
}
