// SPDX-License-Identifier: Apache-2.0

/// Maps texts to codes 0, 1, 2, ... in order of first appearance.
///
/// A hash table over bytes: a cell that was seen before costs a hash and a comparison and
/// allocates nothing, unlike a dictionary of strings.
struct TextInterner {
  /// The texts, by code.
  private(set) var levels: [String] = []
  /// The bytes of all levels, one after the other.
  private var arena: [UInt8] = []
  /// Level k occupies `arena[ends[k]..<ends[k + 1]]`.
  private var ends: [Int] = [0]
  private var hashes: [UInt64] = []
  /// Open addressing with linear probing; -1 is free. The size is a power of two.
  private var slots = [Int32](repeating: -1, count: 16)

  /// The code of `cell`; nil when the cell is new and not valid UTF-8. O(cell.count) expected.
  mutating func code(for cell: Span<UInt8>) -> Int32? {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325  // FNV-1a
    for i in cell.indices { hash = (hash ^ UInt64(cell[i])) &* 0x0000_0100_0000_01B3 }
    hash ^= hash >> 32
    var slot = Int(truncatingIfNeeded: hash) & (slots.count - 1)
    while slots[slot] >= 0 {
      let code = Int(slots[slot])
      if hashes[code] == hash, matches(code, cell) { return slots[slot] }
      slot = (slot + 1) & (slots.count - 1)
    }
    guard let level = String(validatingUTF8: cell) else { return nil }
    arena.append(contentsOf: level.utf8)
    let code = Int32(levels.count)
    levels.append(level)
    ends.append(arena.count)
    hashes.append(hash)
    slots[slot] = code
    if 2 * levels.count > slots.count { grow() }
    return code
  }

  private func matches(_ code: Int, _ cell: Span<UInt8>) -> Bool {
    let start = ends[code]
    guard ends[code + 1] - start == cell.count else { return false }
    for i in cell.indices where arena[start + i] != cell[i] { return false }
    return true
  }

  private mutating func grow() {
    slots = [Int32](repeating: -1, count: 2 * slots.count)
    for code in levels.indices {
      var slot = Int(truncatingIfNeeded: hashes[code]) & (slots.count - 1)
      while slots[slot] >= 0 { slot = (slot + 1) & (slots.count - 1) }
      slots[slot] = Int32(code)
    }
  }
}
