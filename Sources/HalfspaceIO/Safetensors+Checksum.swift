// SPDX-License-Identifier: Apache-2.0
internal import CHalfspace

extension Safetensors {
  /// CRC-32 of all tensors and metadata: names, types, shapes, elements and texts, save the text of
  /// `key`, which may hold it. O(bytes).
  public func checksum(leavingOut key: String) -> UInt32 {
    var sum: UInt32 = 0
    func add(_ bytes: ArraySlice<UInt8>) {
      unsafe bytes.withUnsafeBufferPointer { bytes in
        guard let start = bytes.baseAddress else { return }
        unsafe sum = hs_crc32(sum, bytes.count, start)
      }
    }
    // The zero keeps names and texts apart.
    func add(_ text: String) { add((Array(text.utf8) + [0])[...]) }
    for (name, text) in metadata.sorted(by: { LevelMatcher.precedes($0.key, $1.key) })
    where name != key {
      add(name)
      add(text)
    }
    for (name, tensor) in tensors.sorted(by: { LevelMatcher.precedes($0.key, $1.key) }) {
      add(name)
      add("\(tensor.elementType.rawValue) \(tensor.shape)")
      add(tensor.bytes)
    }
    return sum
  }
}
