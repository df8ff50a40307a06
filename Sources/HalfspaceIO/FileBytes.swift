// SPDX-License-Identifier: Apache-2.0
internal import Foundation

/// Reads and writes bytes of files.
enum FileBytes {
  /// The contents of a file, a pipe or a device that ends, decompressed when it is a gzip file.
  ///
  /// Read rather than mapped: a mapped file that another process cuts short kills the reader.
  static func read(_ path: String) throws(FileError) -> [UInt8] {
    let source = try ByteSource(path)
    var bytes: [UInt8] = []
    bytes.reserveCapacity(source.storedSize)
    while try source.read(1 << 20, into: &bytes) {}
    return bytes
  }

  /// Writes all bytes to an open file; the operating system's reason when that fails.
  static func write(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) -> Int32? {
    var written = 0
    while written < bytes.count {
      let count = unsafe Foundation.write(
        descriptor, bytes.baseAddress! + written, bytes.count - written)
      if count >= 0 {
        written += count
      } else if errno != EINTR {
        return errno
      }
    }
    return nil
  }

  /// Whether `path` is a file that can be read more than once, unlike a pipe.
  static func isRegular(_ path: String) -> Bool {
    var status = stat()
    return unsafe stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
  }
}
