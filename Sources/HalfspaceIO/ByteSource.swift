// SPDX-License-Identifier: Apache-2.0
internal import CHalfspace
internal import Foundation

/// The bytes of a file, one piece after the other; what is compressed with gzip is decompressed.
///
/// Compression is recognized by the first two bytes, whatever the file is called. A file of
/// several gzip members, one after the other, is their contents, one after the other.
final class ByteSource {
  /// The file's path.
  let path: String
  private let descriptor: Int32
  /// Bytes read and not yet handed out.
  private var chunk: [UInt8] = []
  private var position = 0
  private var inflater: Inflater?
  private var isFirst = true

  /// Opens a file, a pipe or a device that ends.
  init(_ path: String) throws(FileError) {
    self.path = path
    descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw FileError(path: path, operation: .read, code: errno) }
  }

  deinit { close(descriptor) }

  /// Size of the file as it lies on the disk; 0 when it has none.
  var storedSize: Int {
    var status = stat()
    return unsafe fstat(descriptor, &status) == 0 ? max(0, Int(status.st_size)) : 0
  }

  /// Size of the contents: that on the disk, and four times that of a compressed file. Before
  /// anything is read.
  var estimatedSize: Int {
    var magic: [UInt8] = [0, 0]
    let found = unsafe magic.withUnsafeMutableBytes { buffer in
      unsafe pread(descriptor, buffer.baseAddress, 2, 0)
    }
    return found == 2 && magic == [0x1F, 0x8B] ? 4 * storedSize : storedSize
  }

  /// Appends up to about `count` bytes to `bytes`; false when there are no more.
  func read(_ count: Int, into bytes: inout [UInt8]) throws(FileError) -> Bool {
    if isFirst {
      isFirst = false
      // Two bytes tell; a pipe may give one at a time.
      while chunk.count < 2, try fill(count) {}
      if chunk.starts(with: [0x1F, 0x8B]) { inflater = Inflater(gzip: true) }
    }
    if let inflater { return try inflate(inflater, count, &bytes) }
    if position == chunk.count {
      chunk.removeAll(keepingCapacity: true)
      position = 0
      guard try fill(count) else { return false }
    }
    bytes.append(contentsOf: chunk[position...])
    position = chunk.count
    return true
  }

  private func inflate(
    _ inflater: Inflater, _ count: Int, _ bytes: inout [UInt8]
  ) throws(FileError) -> Bool {
    let start = bytes.count
    while bytes.count == start {
      if position == chunk.count {
        chunk.removeAll(keepingCapacity: true)
        position = 0
        guard try fill(count) else {
          guard inflater.isAtEnd else {
            throw FileError(
              path: path, operation: .read, reason: "the compressed data end too early")
          }
          return false
        }
      }
      guard inflater.run(chunk, from: &position, limit: count, into: &bytes) else {
        throw FileError(path: path, operation: .read, reason: "the compressed data are damaged")
      }
    }
    return true
  }

  /// Appends what one call of the system gives to the chunk; false at the end.
  private func fill(_ count: Int) throws(FileError) -> Bool {
    var code: Int32 = 0
    let piece = unsafe [UInt8](unsafeUninitializedCapacity: max(2, count)) { buffer, filled in
      repeat {
        let found = unsafe Foundation.read(descriptor, buffer.baseAddress, buffer.count)
        (filled, code) = (max(0, found), found < 0 ? errno : 0)
      } while code == EINTR
    }
    if code != 0 { throw FileError(path: path, operation: .read, code: code) }
    if chunk.isEmpty { chunk = piece } else { chunk.append(contentsOf: piece) }
    return !piece.isEmpty
  }
}
