// SPDX-License-Identifier: Apache-2.0
internal import Foundation

/// Bytes in memory: an array's, or those of a file that is mapped and so takes no memory of its own.
///
/// Sendable because nobody writes: the array is private, the mapping read-only.
@safe final class FileRegion: @unchecked Sendable {
  /// Number of bytes.
  let count: Int
  /// The file's path; empty for an array.
  private let path: String
  private let array: [UInt8]
  private let mapping: UnsafeMutableRawPointer?
  /// Of a mapped file; -1 otherwise.
  private let descriptor: Int32

  /// Files at least this large are mapped.
  static let mappingThreshold = 64 << 20

  /// The given bytes.
  init(_ bytes: [UInt8]) {
    count = bytes.count
    path = ""
    array = bytes
    unsafe mapping = nil
    descriptor = -1
  }

  /// The contents of a file: mapped when it is a regular file of at least `threshold` bytes that is
  /// not compressed, read otherwise. A mapped file must not be cut short as long as it is in use.
  static func open(
    _ path: String, mappingFrom threshold: Int = mappingThreshold
  ) throws(FileError) -> FileRegion {
    if let mapped = FileRegion(mapping: path, threshold: threshold) { return mapped }
    return FileRegion(try FileBytes.read(path))
  }

  private convenience init?(mapping path: String, threshold: Int) {
    let descriptor = unsafe Foundation.open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG,
      status.st_size >= max(2, threshold)
    else {
      close(descriptor)
      return nil
    }
    self.init(taking: descriptor, count: Int(status.st_size), path: path)
    let isCompressed = unsafe withBytes { unsafe $0[0] == 0x1F && $0[1] == 0x8B }
    if isCompressed { return nil }
  }

  /// The first `count` bytes, at least one, of an open file, which is this object's from now on; nil,
  /// and the file is closed, when it cannot be mapped.
  init?(taking descriptor: Int32, count: Int, path: String) {
    let address = unsafe mmap(nil, count, PROT_READ, MAP_PRIVATE, descriptor, 0)
    guard let address = unsafe address, unsafe address != MAP_FAILED else {
      close(descriptor)
      return nil
    }
    self.count = count
    self.path = path
    array = []
    unsafe mapping = address
    self.descriptor = descriptor
  }

  deinit {
    if let mapping = unsafe mapping {
      unsafe munmap(mapping, count)
      close(descriptor)
    }
  }

  /// Whether the bytes are a mapped file's.
  var isMapped: Bool { unsafe mapping != nil }

  /// Calls `body` with the bytes, which are not to be kept.
  func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    if let mapping = unsafe mapping {
      return unsafe body(UnsafeRawBufferPointer(start: mapping, count: count))
    }
    return unsafe array.withUnsafeBytes { unsafe body($0) }
  }

  /// Copies `buffer.count` bytes from `offset` on. Those of a mapped file are read rather than taken
  /// from the mapping: no page of the file becomes resident in this process, and a file that was
  /// cut short is an error rather than the end of the process.
  func read(at offset: Int, into buffer: UnsafeMutableRawBufferPointer) throws(FileError) {
    precondition(
      offset >= 0 && offset <= count && buffer.count <= count - offset,
      "\(buffer.count) bytes at \(offset) of \(count)")
    guard isMapped else {
      unsafe array.withUnsafeBytes { bytes in
        unsafe buffer.copyMemory(
          from: UnsafeRawBufferPointer(rebasing: bytes[offset..<(offset + buffer.count)]))
      }
      return
    }
    var done = 0
    while done < buffer.count {
      let found = unsafe pread(
        descriptor, buffer.baseAddress! + done, buffer.count - done, off_t(offset + done))
      if found < 0, errno == EINTR { continue }
      guard found >= 0 else { throw FileError(path: path, operation: .read, code: errno) }
      guard found > 0 else {
        throw FileError(path: path, operation: .read, reason: "it was cut short")
      }
      done += found
    }
  }

  /// Lets the system drop what has been read through the mapping of a range of bytes.
  func forget(_ range: Range<Int>) {
    guard let mapping = unsafe mapping else { return }
    let page = Int(sysconf(Int32(_SC_PAGESIZE)))
    let first = (range.lowerBound + page - 1) / page * page
    let last = range.upperBound / page * page
    guard last > first else { return }
    unsafe madvise(mapping + first, last - first, MADV_DONTNEED)
  }

  /// A copy of some of the bytes; traps outside.
  func bytes(_ range: Range<Int>) -> [UInt8] {
    precondition(range.lowerBound >= 0 && range.upperBound <= count, "\(range) of \(count) bytes")
    return unsafe withBytes { bytes in unsafe Array(bytes[range]) }
  }
}
