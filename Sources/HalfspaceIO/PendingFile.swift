// SPDX-License-Identifier: Apache-2.0
internal import Foundation

/// A file that is written chunk by chunk and appears, in full, when it is committed (see
/// `AtomicFile`). Unless it is, all is as it was.
///
/// ```swift
/// let file = try PendingFile("predictions.csv")
/// for chunk in chunks { try file.write(chunk) }
/// try file.commit()
/// ```
public final class PendingFile {
  private let path: String
  private let descriptor: Int32
  /// The temporary file and the one it is to replace; nil for what is no regular file and is written
  /// to directly.
  private let replacement: (temporary: String, target: String)?
  private var isOpen = true
  private var isCommitted = false

  /// Begins to write the file at `path`. O(1).
  ///
  /// - Throws: `FileError` with the path and the reason: the folder is missing or not writable,
  ///   the path is a folder.
  public init(_ path: String) throws(FileError) {
    self.path = path
    var existing = stat()
    let exists = unsafe stat(path, &existing) == 0
    if exists && existing.st_mode & S_IFMT != S_IFREG {
      replacement = nil
      descriptor = unsafe open(path, O_WRONLY | O_CLOEXEC)
      guard descriptor >= 0 else { throw FileError(path: path, operation: .write, code: errno) }
      return
    }
    let target = Self.resolvingLink(path)
    let temporary = Self.folder(of: target) + AtomicFile.temporaryName()
    descriptor = unsafe open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else {
      replacement = nil
      throw FileError(path: path, operation: .write, code: errno)
    }
    replacement = (temporary, target)
    if exists, fchmod(descriptor, existing.st_mode & 0o7777) != 0 { throw failure }
  }

  deinit {
    if isOpen && descriptor >= 0 { close(descriptor) }
    if let replacement, !isCommitted { unsafe unlink(replacement.temporary) }
  }

  /// The operating system's reason for what has just failed.
  private var failure: FileError { FileError(path: path, operation: .write, code: errno) }

  /// Appends bytes; not after a commit. O(bytes).
  ///
  /// - Throws: `FileError`, as when the disk is full.
  public func write(_ chunk: [UInt8]) throws(FileError) {
    precondition(isOpen, "\(path) has been committed")
    let code = unsafe chunk.withUnsafeBytes { unsafe FileBytes.write($0, to: descriptor) }
    if let code { throw FileError(path: path, operation: .write, code: code) }
  }

  /// Makes the file appear. Once.
  ///
  /// - Throws: `FileError`; then all is as it was.
  public func commit() throws(FileError) {
    precondition(isOpen, "\(path) has been committed")
    if replacement != nil, fsync(descriptor) != 0 { throw failure }
    isOpen = false
    // Some file systems report a full disk only here.
    if close(descriptor) != 0 { throw failure }
    guard let replacement else { return }
    if unsafe rename(replacement.temporary, replacement.target) != 0 { throw failure }
    isCommitted = true
    Self.flushFolder(of: replacement.target)
  }

  /// What the symbolic link at `path` points to; `path` itself when it is no link.
  private static func resolvingLink(_ path: String) -> String {
    guard let resolved = unsafe realpath(path, nil) else { return path }
    defer { unsafe free(resolved) }
    return unsafe String(cString: resolved)
  }

  /// The folder, with the slash behind it; empty for the current one.
  private static func folder(of path: String) -> String {
    path.lastIndex(of: "/").map { String(path[...$0]) } ?? ""
  }

  /// Makes the rename itself durable. Best effort: the contents are safe already.
  private static func flushFolder(of path: String) {
    let folder = folder(of: path)
    let descriptor = unsafe open(
      folder.isEmpty ? "." : folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    _ = fsync(descriptor)
    close(descriptor)
  }
}
