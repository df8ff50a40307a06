// SPDX-License-Identifier: Apache-2.0
internal import Foundation

/// Reads whole files.
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
}
