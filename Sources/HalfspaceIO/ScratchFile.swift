// SPDX-License-Identifier: Apache-2.0
internal import Foundation

/// A temporary file of numbers without a name in its folder: the room it takes is free again when the
/// last one who reads it is done, or when the process ends, however it ends.
final class ScratchFile {
  private let folder: String
  private var descriptor: Int32
  /// Bytes written.
  private var count = 0

  /// Where temporary files are made when nobody chooses: in `TMPDIR`, and without it in `/var/tmp`,
  /// which lies on a disk where `/tmp` may lie in memory.
  static var standardFolder: String {
    let chosen = ProcessInfo.processInfo.environment["TMPDIR"] ?? ""
    return chosen.isEmpty ? "/var/tmp" : chosen
  }

  /// An empty file.
  ///
  /// - Throws: `FileError` when the folder is missing or not writable.
  init(in folder: String = standardFolder) throws(FileError) {
    self.folder = folder
    let path = folder + "/" + AtomicFile.temporaryName()
    descriptor = unsafe open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw failure(errno) }
    unsafe unlink(path)
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  private var name: String { "a temporary file in \(folder)" }

  private func failure(_ code: Int32) -> FileError {
    FileError(path: name, operation: .write, code: code)
  }

  /// Appends numbers, 8 bytes each, as the machine holds them. O(numbers).
  ///
  /// - Throws: `FileError`, as when the disk is full.
  func write(_ numbers: [Double]) throws(FileError) {
    precondition(descriptor >= 0, "\(name) is finished")
    let code = unsafe numbers.withUnsafeBytes { unsafe FileBytes.write($0, to: descriptor) }
    if let code { throw failure(code) }
    count += 8 * numbers.count
  }

  /// What was written, at least one number, to be read. Nothing more can be written.
  ///
  /// - Throws: `FileError` when it cannot be mapped.
  func finish() throws(FileError) -> FileRegion {
    precondition(descriptor >= 0, "\(name) is finished")
    let descriptor = descriptor
    self.descriptor = -1
    guard let region = FileRegion(taking: descriptor, count: count, path: name) else {
      throw FileError(path: name, operation: .read, code: errno)
    }
    return region
  }
}
