// SPDX-License-Identifier: Apache-2.0

/// Writes files so that they are either there in full or not there at all.
///
/// The bytes go to a temporary file in the same folder, are flushed to the disk, and the temporary
/// file is then renamed over the target: a reader sees the old contents or the new, never a part.
/// When anything fails the temporary file is removed and the target is as it was. An existing
/// file keeps its permissions, a symbolic link keeps pointing where it did. What is not a regular
/// file (a pipe, `/dev/stdout`) cannot be replaced and is written to directly.
public enum AtomicFile {
  /// Writes `bytes` to the file at `path`. O(bytes).
  ///
  /// - Throws: `FileError` with the path and the reason: the folder is missing or not writable,
  ///   the path is a folder, the disk is full.
  public static func write(_ bytes: [UInt8], to path: String) throws(FileError) {
    try write(chunks: CollectionOfOne(bytes), to: path)
  }

  /// Writes `text` as UTF-8 to the file at `path`. O(bytes). Throws as `write(_:to:)` for bytes.
  public static func write(_ text: String, to path: String) throws(FileError) {
    try write(chunks: CollectionOfOne(Array(text.utf8)), to: path)
  }

  /// Writes `chunks`, one after the other, to the file at `path`: a lazy sequence of them never
  /// needs the whole file in memory. O(bytes). Throws as `write(_:to:)`.
  public static func write(
    chunks: some Sequence<[UInt8]>, to path: String
  ) throws(FileError) {
    let file = try PendingFile(path)
    for chunk in chunks { try file.write(chunk) }
    try file.commit()
  }

  private static let temporaryPrefix = ".halfspace-"
  private static let temporarySuffix = ".tmp"

  /// A name for a file under way, not in use: a new one with every call.
  static func temporaryName() -> String {
    var generator = SystemRandomNumberGenerator()
    return temporaryPrefix + String(generator.next(), radix: 16) + temporarySuffix
  }

  /// Whether this is the name of a file under way, or of one that a killed process has left.
  static func isTemporary(_ name: String) -> Bool {
    name.hasPrefix(temporaryPrefix) && name.hasSuffix(temporarySuffix)
  }
}
