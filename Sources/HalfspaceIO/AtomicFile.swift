// SPDX-License-Identifier: Apache-2.0
internal import Foundation

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
    var existing = stat()
    let exists = unsafe stat(path, &existing) == 0
    if exists && existing.st_mode & S_IFMT != S_IFREG {
      try writeDirectly(chunks, to: path)
      return
    }
    let target = resolvingLink(path)
    let folder = target.lastIndex(of: "/").map { String(target[...$0]) } ?? ""
    var generator = SystemRandomNumberGenerator()
    let suffix = String(generator.next(), radix: 16)
    let temporary = "\(folder)\(temporaryPrefix)\(suffix)\(temporarySuffix)"
    let descriptor = unsafe open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw FileError(path: path, operation: .write, code: errno) }
    do throws(Failure) {
      do throws(Failure) {
        if exists, fchmod(descriptor, existing.st_mode & 0o7777) != 0 { throw Failure() }
        try write(chunks, to: descriptor)
        if fsync(descriptor) != 0 { throw Failure() }
      } catch {
        close(descriptor)
        throw error
      }
      // Some file systems report a full disk only here.
      if close(descriptor) != 0 { throw Failure() }
      if unsafe rename(temporary, target) != 0 { throw Failure() }
    } catch {
      unsafe unlink(temporary)
      throw FileError(path: path, operation: .write, code: error.code)
    }
    flushFolder(folder.isEmpty ? "." : folder)
  }

  private static let temporaryPrefix = ".halfspace-"
  private static let temporarySuffix = ".tmp"

  /// Whether this is the name of a file under way, or of one that a killed process has left.
  static func isTemporary(_ name: String) -> Bool {
    name.hasPrefix(temporaryPrefix) && name.hasSuffix(temporarySuffix)
  }

  /// The operating system's reason, taken before another call overwrites it.
  private struct Failure: Error {
    let code = errno
  }

  private static func writeDirectly(
    _ chunks: some Sequence<[UInt8]>, to path: String
  ) throws(FileError) {
    let descriptor = unsafe open(path, O_WRONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw FileError(path: path, operation: .write, code: errno) }
    defer { close(descriptor) }
    do throws(Failure) {
      try write(chunks, to: descriptor)
    } catch {
      throw FileError(path: path, operation: .write, code: error.code)
    }
  }

  private static func write(
    _ chunks: some Sequence<[UInt8]>, to descriptor: Int32
  ) throws(Failure) {
    for chunk in chunks {
      var written = 0
      while written < chunk.count {
        let count = unsafe chunk.withUnsafeBytes { bytes in
          unsafe Foundation.write(descriptor, bytes.baseAddress! + written, chunk.count - written)
        }
        if count >= 0 {
          written += count
        } else if errno != EINTR {
          throw Failure()
        }
      }
    }
  }

  /// What the symbolic link at `path` points to; `path` itself when it is no link.
  private static func resolvingLink(_ path: String) -> String {
    guard let resolved = unsafe realpath(path, nil) else { return path }
    defer { unsafe free(resolved) }
    return unsafe String(cString: resolved)
  }

  /// Makes the rename itself durable. Best effort: the contents are safe already.
  private static func flushFolder(_ folder: String) {
    let descriptor = unsafe open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    _ = fsync(descriptor)
    close(descriptor)
  }
}
