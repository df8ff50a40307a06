// SPDX-License-Identifier: Apache-2.0

extension Safetensors {
  /// Writes the file at `path`, in full or not at all (see `AtomicFile`). O(bytes).
  ///
  /// - Throws: `SafetensorsError` when the file cannot be written or the metadata are too large.
  public func write(to path: String) throws(SafetensorsError) {
    let names = orderedNames
    let header = try encodedHeader(names)
    // One tensor at a time, so that the file is never in memory a second time.
    let chunks = (-1..<names.count).lazy.map { index in
      index < 0 ? header : Array(self.tensors[names[index]]?.bytes ?? [])
    }
    do throws(FileError) {
      try AtomicFile.write(chunks: chunks, to: path)
    } catch {
      throw SafetensorsError(file: path, reason: .unwritable(error.reason))
    }
  }

  /// The bytes that `write(to:)` writes. O(bytes).
  public func encoded() throws(SafetensorsError) -> [UInt8] {
    let names = orderedNames
    var bytes = try encodedHeader(names)
    for name in names { bytes += tensors[name]?.bytes ?? [] }
    return bytes
  }

  /// Names in the order of the file: wide elements first, so that all are aligned, then by bytes.
  private var orderedNames: [String] {
    tensors.sorted { a, b in
      let (left, right) = (a.value.elementType.byteCount, b.value.elementType.byteCount)
      return left != right ? left > right : LevelMatcher.precedes(a.key, b.key)
    }.map(\.key)
  }

  /// Length and header, padded so that the data begin at a multiple of 8.
  private func encodedHeader(_ names: [String]) throws(SafetensorsError) -> [UInt8] {
    var members: [String] = []
    if !metadata.isEmpty {
      let pairs = metadata.sorted { LevelMatcher.precedes($0.key, $1.key) }
        .map { "\(Self.quoted($0.key)):\(Self.quoted($0.value))" }
      members.append("\(Self.quoted(Self.metadataKey)):{\(pairs.joined(separator: ","))}")
    }
    var begin = 0
    for name in names {
      guard let tensor = tensors[name] else { continue }
      let end = begin + tensor.bytes.count
      let shape = tensor.shape.map(String.init).joined(separator: ",")
      members.append(
        "\(Self.quoted(name)):{\"dtype\":\"\(tensor.elementType.rawValue)\","
          + "\"shape\":[\(shape)],\"data_offsets\":[\(begin),\(end)]}")
      begin = end
    }
    var header = Array("{\(members.joined(separator: ","))}".utf8)
    header += [UInt8](repeating: UInt8(ascii: " "), count: (8 - header.count % 8) % 8)
    guard header.count <= Self.headerLimit else {
      throw SafetensorsError(file: name, reason: .headerTooLarge(UInt64(header.count)))
    }
    return LittleEndian.bytes(count: 1) { _ in UInt64(header.count) } + header
  }

  /// `text` as a JSON string.
  private static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\0"..<" ":
        let digits = String(scalar.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}
