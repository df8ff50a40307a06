// SPDX-License-Identifier: Apache-2.0

/// The members of a zip archive, as far as archives of NumPy go: stored or deflated, not encrypted,
/// one file.
///
/// Members are found by the directory at the end of the archive. Sizes beyond 32 bits are read from
/// the Zip64 records that NumPy writes.
struct ZipArchive {
  /// One file in the archive.
  struct Member {
    let name: String
    let isDeflated: Bool
    let checksum: UInt32
    let compressedSize: Int
    let size: Int
    let headerOffset: Int
  }

  let file: String
  let bytes: [UInt8]
  let members: [Member]

  /// The most members that are read.
  static let memberLimit = 4096

  init(_ bytes: [UInt8], file: String) throws(DataFileError) {
    self.file = file
    self.bytes = bytes
    func fail(_ what: String) -> DataFileError {
      DataFileError(file: file, reason: .malformed(what))
    }
    guard let end = Self.endRecord(bytes) else {
      throw fail("expected a zip archive, which ends with a directory")
    }
    var reader = Reader(bytes, at: end + 10)
    var count = reader.integer(2)
    _ = reader.integer(4)
    var directory = reader.integer(4)
    if count == 0xFFFF || directory == 0xFFFF_FFFF {
      // Zip64: a locator stands before the end record and points to a larger one.
      reader.position = end - 20
      guard reader.integer(4) == 0x0706_4B50 else { throw fail("the directory cannot be found") }
      _ = reader.integer(4)
      reader.position = reader.integer(8) ?? -1
      guard reader.integer(4) == 0x0606_4B50 else { throw fail("the directory cannot be found") }
      reader.position += 28
      count = reader.integer(8)
      _ = reader.integer(8)
      directory = reader.integer(8)
    }
    guard let count, let directory else { throw fail("the directory is damaged") }
    guard count <= Self.memberLimit else {
      throw fail("\(count) members; more than \(Self.memberLimit) are refused")
    }
    var members: [Member] = []
    reader.position = directory
    for _ in 0..<count {
      guard let member = try Self.member(&reader, file: file) else {
        throw fail("the directory is damaged")
      }
      members.append(member)
    }
    self.members = members
  }

  /// The contents of a member; its checksum has been compared.
  func contents(_ member: Member) throws(DataFileError) -> [UInt8] {
    func fail(_ what: String) -> DataFileError {
      DataFileError(file: file, place: member.name, reason: .malformed(what))
    }
    var reader = Reader(bytes, at: member.headerOffset)
    guard reader.integer(4) == 0x0403_4B50 else { throw fail("the member's header is damaged") }
    reader.position += 22
    guard let nameLength = reader.integer(2), let extraLength = reader.integer(2) else {
      throw fail("the member's header is damaged")
    }
    let start = reader.position + nameLength + extraLength
    guard start <= bytes.count, member.compressedSize <= bytes.count - start else {
      throw fail("the archive ends within the member")
    }
    let stored = Array(bytes[start..<(start + member.compressedSize)])
    let contents: [UInt8]
    if member.isDeflated {
      // Deflate shrinks no further than by 1032: larger promises are not believed.
      guard member.size / 1032 <= stored.count,
        let inflated = Inflater.inflate(stored, size: member.size)
      else {
        throw fail("the compressed data are damaged")
      }
      contents = inflated
    } else {
      guard member.size == member.compressedSize else {
        throw fail("the sizes contradict each other")
      }
      contents = stored
    }
    guard CRC32.checksum(contents) == member.checksum else { throw fail("the checksum is wrong") }
    return contents
  }

  // MARK: Parts

  /// Where the record at the end begins: the last place with its signature from which the
  /// comment reaches to the end.
  private static func endRecord(_ bytes: [UInt8]) -> Int? {
    guard bytes.count >= 22 else { return nil }
    let last = bytes.count - 22
    for start in stride(from: last, through: max(0, last - 0xFFFF), by: -1)
    where bytes[start] == 0x50 && bytes[start + 1] == 0x4B && bytes[start + 2] == 5
      && bytes[start + 3] == 6
    {
      let comment = Int(bytes[start + 20]) | Int(bytes[start + 21]) << 8
      if start + 22 + comment == bytes.count { return start }
    }
    return nil
  }

  /// The next entry of the directory; nil when it is damaged.
  private static func member(
    _ reader: inout Reader, file: String
  ) throws(DataFileError) -> Member? {
    guard reader.integer(4) == 0x0201_4B50 else { return nil }
    _ = reader.integer(4)
    guard let flags = reader.integer(2), let method = reader.integer(2) else { return nil }
    _ = reader.integer(4)
    guard let checksum = reader.integer(4), var compressed = reader.integer(4),
      var size = reader.integer(4), let nameLength = reader.integer(2),
      let extraLength = reader.integer(2), let commentLength = reader.integer(2)
    else { return nil }
    reader.position += 8
    guard var offset = reader.integer(4), let nameBytes = reader.bytes(nameLength) else {
      return nil
    }
    let name = String(decoding: nameBytes, as: UTF8.self)
    let end = reader.position + extraLength
    // Fields too small for their values are continued in the extra field 1, in this order.
    while reader.position < end {
      guard let id = reader.integer(2), let length = reader.integer(2) else { return nil }
      let next = reader.position + length
      if id == 1 {
        if size == 0xFFFF_FFFF { size = reader.integer(8) ?? -1 }
        if compressed == 0xFFFF_FFFF { compressed = reader.integer(8) ?? -1 }
        if offset == 0xFFFF_FFFF { offset = reader.integer(8) ?? -1 }
      }
      reader.position = next
    }
    guard reader.position == end, size >= 0, compressed >= 0, offset >= 0 else { return nil }
    reader.position += commentLength
    let isEncrypted = flags & 1 != 0
    guard !isEncrypted, method == 0 || method == 8 else {
      throw DataFileError(
        file: file, place: name,
        reason: .unsupported(
          isEncrypted
            ? "the member is encrypted" : "the member is compressed by method \(method)"))
    }
    return Member(
      name: name, isDeflated: method == 8, checksum: UInt32(checksum), compressedSize: compressed,
      size: size, headerOffset: offset)
  }

  /// Little-endian numbers, one after the other; nil behind the end.
  private struct Reader {
    let source: [UInt8]
    var position: Int

    init(_ source: [UInt8], at position: Int) {
      self.source = source
      self.position = position
    }

    mutating func bytes(_ count: Int) -> ArraySlice<UInt8>? {
      guard position >= 0, count >= 0, position <= source.count, count <= source.count - position
      else { return nil }
      position += count
      return source[(position - count)..<position]
    }

    /// The number in the next `width` bytes; nil too when it has its highest bit of 64 set.
    mutating func integer(_ width: Int) -> Int? {
      guard let bytes = bytes(width) else { return nil }
      let value = bytes.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
      return Int(exactly: value)
    }
  }
}
