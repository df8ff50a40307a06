// SPDX-License-Identifier: Apache-2.0

/// Writes zip archives of stored members, with the Zip64 records that members or archives of 4 GiB and
/// more need. Equal members give equal bytes: all carry the same date.
struct ZipWriter {
  private var bytes: [UInt8] = []
  private var directory: [UInt8] = []
  private var count = 0
  /// Sizes and places from here on are written with 64 bits.
  private let limit: Int

  /// 1 January 1980, the first day there is.
  private static let date = 1 << 5 | 1

  /// An empty archive. Tests set a lower limit.
  init(limit: Int = 0xFFFF_FFFF) {
    self.limit = limit
  }

  /// Appends a member. O(bytes).
  mutating func add(_ contents: [UInt8], name: String) {
    let checksum = Int(CRC32.checksum(contents))
    let (offset, size) = (bytes.count, contents.count)
    let isLarge = size >= limit
    let isFar = offset >= limit
    let shown = isLarge ? 0xFFFF_FFFF : size
    let name = Array(name.utf8)

    let local = isLarge ? Self.extra([size, size]) : []
    bytes += Self.fields([
      (0x0403_4B50, 4), (isLarge ? 45 : 20, 2), (Self.utf8Names, 2), (0, 2), (0, 2), (Self.date, 2),
      (checksum, 4), (shown, 4), (shown, 4), (name.count, 2), (local.count, 2),
    ])
    bytes += name + local + contents

    let large = (isLarge ? [size, size] : []) + (isFar ? [offset] : [])
    let extra = large.isEmpty ? [] : Self.extra(large)
    let version = large.isEmpty ? 20 : 45
    directory += Self.fields([
      (0x0201_4B50, 4), (version, 2), (version, 2), (Self.utf8Names, 2), (0, 2), (0, 2),
      (Self.date, 2), (checksum, 4), (shown, 4), (shown, 4), (name.count, 2), (extra.count, 2),
      (0, 2), (0, 2), (0, 2), (0, 4), (isFar ? 0xFFFF_FFFF : offset, 4),
    ])
    directory += name + extra
    count += 1
  }

  /// The archive. O(bytes).
  func finished() -> [UInt8] {
    let start = bytes.count
    let size = directory.count
    var end: [UInt8] = []
    let isLarge = start >= limit || size >= limit || count >= 0xFFFF
    if isLarge {
      end += Self.fields([
        (0x0606_4B50, 4), (44, 8), (45, 2), (45, 2), (0, 4), (0, 4), (count, 8), (count, 8),
        (size, 8), (start, 8),
        // Where this record is.
        (0x0706_4B50, 4), (0, 4), (start + size, 8), (1, 4),
      ])
    }
    let shownCount = isLarge ? 0xFFFF : count
    end += Self.fields([
      (0x0605_4B50, 4), (0, 2), (0, 2), (shownCount, 2), (shownCount, 2),
      (isLarge ? 0xFFFF_FFFF : size, 4), (isLarge ? 0xFFFF_FFFF : start, 4), (0, 2),
    ])
    return bytes + directory + end
  }

  /// Says that names are UTF-8.
  private static let utf8Names = 1 << 11

  /// The extra field 1: what does not fit in 32 bits.
  private static func extra(_ values: [Int]) -> [UInt8] {
    fields([(1, 2), (8 * values.count, 2)] + values.map { ($0, 8) })
  }

  /// Numbers of so many bytes, little-endian.
  private static func fields(_ fields: [(value: Int, width: Int)]) -> [UInt8] {
    fields.flatMap { value, width in
      (0..<width).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }
  }
}
