// SPDX-License-Identifier: Apache-2.0
internal import CHalfspace

/// Decompresses deflate and gzip.
@safe final class Inflater {
  private let stream: OpaquePointer
  /// Whether the input so far is complete: nothing, or whole streams.
  private(set) var isAtEnd = true

  /// A decompressor of gzip members, or of one bare deflate stream.
  init(gzip: Bool) {
    guard let stream = unsafe hs_inflater_create(gzip ? 1 : 0) else {
      preconditionFailure("no memory to decompress")
    }
    unsafe self.stream = stream
  }

  deinit { unsafe hs_inflater_destroy(stream) }

  /// Decompresses input from `position` on and appends at most `limit` bytes to `output`; false
  /// when the input is damaged. What follows a gzip member is another one.
  func run(
    _ input: [UInt8], from position: inout Int, limit: Int, into output: inout [UInt8]
  ) -> Bool {
    if isAtEnd {
      unsafe hs_inflater_restart(stream)
      isAtEnd = false
    }
    var consumed = 0
    let start = position
    var status: Int32 = 0
    output += unsafe [UInt8](unsafeUninitializedCapacity: limit) { piece, produced in
      status = unsafe input.withUnsafeBufferPointer { input in
        unsafe hs_inflater_run(
          stream, input.count - start, input.baseAddress! + start, limit, &consumed,
          piece.baseAddress!, &produced)
      }
    }
    position += consumed
    isAtEnd = status == Int32(HS_INFLATE_END.rawValue)
    return status != Int32(HS_INFLATE_DAMAGED.rawValue)
  }

  /// The contents of one bare deflate stream of known size, which all of `input` is; nil when it is
  /// damaged or has another size.
  static func inflate(_ input: [UInt8], size: Int) -> [UInt8]? {
    let inflater = Inflater(gzip: false)
    var output: [UInt8] = []
    var position = 0
    while true {
      let before = (position, output.count)
      // Grown as data come, not as the archive promises; one more than wanted shows excess.
      let limit = min(1 << 20, size + 1 - output.count)
      guard limit > 0, inflater.run(input, from: &position, limit: limit, into: &output) else {
        return nil
      }
      if inflater.isAtEnd { break }
      if before == (position, output.count) { return nil }
    }
    return output.count == size && position == input.count ? output : nil
  }
}

/// The checksum of gzip and zip.
enum CRC32 {
  static func checksum(_ bytes: some Sequence<UInt8>) -> UInt32 {
    let bytes = Array(bytes)
    return unsafe bytes.withUnsafeBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return 0 }
      return unsafe hs_crc32(0, buffer.count, base)
    }
  }
}
