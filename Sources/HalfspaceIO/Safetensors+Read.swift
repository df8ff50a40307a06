// SPDX-License-Identifier: Apache-2.0

extension Safetensors {
  /// Reads the file at `path`. O(bytes).
  ///
  /// - Throws: `SafetensorsError` naming file, tensor and what was expected.
  public init(contentsOf path: String) throws(SafetensorsError) {
    let bytes: [UInt8]
    do throws(FileError) {
      bytes = try FileBytes.read(path)
    } catch {
      throw SafetensorsError(file: path, reason: .unreadable(error.reason))
    }
    try self.init(bytes, name: path)
  }

  /// Reads a file from its bytes; `name` stands in errors. O(bytes).
  ///
  /// - Throws: `SafetensorsError` naming tensor and what was expected.
  public init(_ bytes: [UInt8], name: String) throws(SafetensorsError) {
    do throws(SafetensorsHeader.Fault) {
      let start = try Self.dataStart(bytes)
      let header = try SafetensorsHeader(bytes.span.extracting(8..<start))
      try Self.checkLayout(header.entries, start: start, byteCount: bytes.count)
      var tensors: [String: Tensor] = [:]
      for entry in header.entries {
        tensors[entry.name] = Tensor(
          elementType: entry.elementType, shape: entry.shape,
          bytes: bytes[(start + entry.begin)..<(start + entry.end)])
      }
      self.init(name: name, metadata: header.metadata, tensors: tensors)
    } catch {
      throw SafetensorsError(file: name, tensor: error.tensor, reason: error.reason)
    }
  }

  /// The position behind the header.
  private static func dataStart(_ bytes: [UInt8]) throws(SafetensorsHeader.Fault) -> Int {
    guard bytes.count >= 8 else {
      throw SafetensorsHeader.Fault(reason: .truncated(expected: 8, found: bytes.count))
    }
    let length = LittleEndian.values(bytes[..<8]) { (bits: UInt64) in bits }[0]
    guard length <= UInt64(headerLimit) else {
      throw SafetensorsHeader.Fault(reason: .headerTooLarge(length))
    }
    let start = 8 + Int(length)
    guard start <= bytes.count else {
      throw SafetensorsHeader.Fault(reason: .truncated(expected: start, found: bytes.count))
    }
    return start
  }

  /// Checks that the tensors cover the bytes behind the header, each once.
  private static func checkLayout(
    _ entries: [SafetensorsHeader.Entry], start: Int, byteCount: Int
  ) throws(SafetensorsHeader.Fault) {
    var end = 0
    for entry in entries.sorted(by: { ($0.begin, $0.end) < ($1.begin, $1.end) }) {
      guard entry.begin == end else {
        throw SafetensorsHeader.Fault(
          tensor: entry.name, reason: .misplaced(expected: end, found: entry.begin))
      }
      end = entry.end
    }
    let found = byteCount - start
    guard end <= found else {
      // Unsigned, as the sum may be beyond the largest integer.
      let expected = Int(clamping: UInt(start) + UInt(end))
      throw SafetensorsHeader.Fault(reason: .truncated(expected: expected, found: byteCount))
    }
    guard end == found else {
      throw SafetensorsHeader.Fault(reason: .trailingBytes(found - end))
    }
  }
}
