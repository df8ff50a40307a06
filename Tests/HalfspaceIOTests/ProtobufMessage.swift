// SPDX-License-Identifier: Apache-2.0

/// A message of protocol buffers, taken apart by the rules of the encoding.
struct ProtobufMessage {
  /// What no message is.
  struct Malformed: Error {}

  private var varints: [(field: Int, value: UInt64)] = []
  private var blobs: [(field: Int, value: [UInt8])] = []
  private var fixed: [(field: Int, value: UInt64)] = []

  init(_ bytes: [UInt8]) throws {
    var rest = bytes[...]
    while !rest.isEmpty {
      let key = try Self.varint(&rest)
      let field = Int(key >> 3)
      switch key & 7 {
      case 0: varints.append((field, try Self.varint(&rest)))
      case 2:
        let length = Int(try Self.varint(&rest))
        guard length <= rest.count else { throw Malformed() }
        blobs.append((field, Array(rest.prefix(length))))
        rest = rest.dropFirst(length)
      case 1, 5:
        let length = key & 7 == 1 ? 8 : 4
        guard length <= rest.count else { throw Malformed() }
        fixed.append((field, rest.prefix(length).reversed().reduce(0) { $0 << 8 | UInt64($1) }))
        rest = rest.dropFirst(length)
      default: throw Malformed()
      }
    }
  }

  func doubles(_ field: Int) -> [Double] {
    fixed.filter { $0.field == field }.map { Double(bitPattern: $0.value) }
  }

  func floats(_ field: Int) -> [Float] {
    fixed.filter { $0.field == field }.map { Float(bitPattern: UInt32($0.value)) }
  }

  func integers(_ field: Int) -> [Int] {
    varints.filter { $0.field == field }.map { Int(truncatingIfNeeded: $0.value) }
  }

  func packedIntegers(_ field: Int) throws -> [Int] {
    try bytes(field).flatMap { packed in
      var rest = packed[...]
      var values: [Int] = []
      while !rest.isEmpty { values.append(Int(truncatingIfNeeded: try Self.varint(&rest))) }
      return values
    }
  }

  func bytes(_ field: Int) -> [[UInt8]] {
    blobs.filter { $0.field == field }.map(\.value)
  }

  func texts(_ field: Int) -> [String] {
    bytes(field).map { String(decoding: $0, as: UTF8.self) }
  }

  func messages(_ field: Int) throws -> [ProtobufMessage] {
    try bytes(field).map { try ProtobufMessage($0) }
  }

  private static func varint(_ bytes: inout ArraySlice<UInt8>) throws -> UInt64 {
    var value: UInt64 = 0
    var shift: UInt64 = 0
    while let byte = bytes.popFirst() {
      value |= UInt64(byte & 0x7F) << shift
      if byte < 0x80 { return value }
      shift += 7
    }
    throw Malformed()
  }
}
