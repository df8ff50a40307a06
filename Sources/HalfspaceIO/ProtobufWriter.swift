// SPDX-License-Identifier: Apache-2.0

/// Writes messages of protocol buffers (<https://protobuf.dev/programming-guides/encoding/>): fields
/// with a number, each a varint, 32 or 64 bits, or bytes with their length.
struct ProtobufWriter {
  private(set) var bytes: [UInt8] = []

  /// A whole number, an enumerator or a boolean.
  mutating func integer(_ field: Int, _ value: Int) {
    key(field, wireType: 0)
    varint(UInt64(bitPattern: Int64(value)))
  }

  /// A number of 32 bits.
  mutating func float(_ field: Int, _ value: Float) {
    key(field, wireType: 5)
    bytes += LittleEndian.bytes(count: 1) { _ in value.bitPattern }
  }

  /// A number of 64 bits.
  mutating func double(_ field: Int, _ value: Double) {
    key(field, wireType: 1)
    bytes += LittleEndian.bytes(count: 1) { _ in value.bitPattern }
  }

  /// Bytes.
  mutating func bytes(_ field: Int, _ value: [UInt8]) {
    key(field, wireType: 2)
    varint(UInt64(value.count))
    bytes += value
  }

  /// A text, as UTF-8.
  mutating func text(_ field: Int, _ value: String) { bytes(field, Array(value.utf8)) }

  /// Whole numbers, packed.
  mutating func integers(_ field: Int, _ values: [Int]) {
    guard !values.isEmpty else { return }
    var packed = ProtobufWriter()
    for value in values { packed.varint(UInt64(bitPattern: Int64(value))) }
    bytes(field, packed.bytes)
  }

  /// A message.
  mutating func message(_ field: Int, _ write: (inout ProtobufWriter) -> Void) {
    var inner = ProtobufWriter()
    write(&inner)
    bytes(field, inner.bytes)
  }

  private mutating func key(_ field: Int, wireType: Int) {
    varint(UInt64(field << 3 | wireType))
  }

  /// Seven bits to a byte, least significant first; the eighth says that more follow.
  private mutating func varint(_ value: UInt64) {
    var rest = value
    while rest > 0x7F {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }
}
