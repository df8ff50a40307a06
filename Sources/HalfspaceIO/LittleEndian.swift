// SPDX-License-Identifier: Apache-2.0

/// Numbers as bytes, least significant first, whatever the machine.
enum LittleEndian {
  /// The bytes of `count` numbers.
  static func bytes<Bits: FixedWidthInteger>(
    count: Int, _ bits: (_ index: Int) -> Bits
  ) -> [UInt8] {
    // An empty array would be made by writing to the one that all threads share.
    guard count > 0 else { return [] }
    let width = MemoryLayout<Bits>.size
    return unsafe [UInt8](unsafeUninitializedCapacity: count * width) { buffer, filled in
      for index in 0..<count {
        unsafe UnsafeMutableRawBufferPointer(buffer).storeBytes(
          of: bits(index).littleEndian, toByteOffset: index * width, as: Bits.self)
      }
      filled = count * width
    }
  }

  /// The numbers that `bytes` hold; a rest that is no whole number is left out.
  static func values<Bits: FixedWidthInteger, Value>(
    _ bytes: ArraySlice<UInt8>, _ value: (Bits) -> Value
  ) -> [Value] {
    let width = MemoryLayout<Bits>.size
    return unsafe bytes.withUnsafeBytes { buffer in
      (0..<buffer.count / width).map { index in
        value(
          Bits(
            littleEndian: unsafe buffer.loadUnaligned(
              fromByteOffset: index * width, as: Bits.self)))
      }
    }
  }
}
