// SPDX-License-Identifier: Apache-2.0
import HalfspaceLinalg

/// Damages files the way readers fear: bits, lengths, separators, numbers at the ends of their
/// ranges. A function of its seed.
public struct FileMutator {
  private var generator: SeededGenerator
  private let others: [[UInt8]]

  /// A mutator that also splices in pieces of `others`.
  public init(seed: UInt64, others: [[UInt8]] = []) {
    generator = SeededGenerator(seed: seed)
    self.others = others
  }

  /// A copy of `bytes` with one to four changes. O(bytes).
  public mutating func mutate(_ bytes: [UInt8]) -> [UInt8] {
    var result = bytes
    for _ in 0...generator.below(4) { change(&result) }
    return result
  }

  private static let tokens: [[UInt8]] =
    [
      ",", ";", "\t", "\n", "\r\n", "\"", "\"\"", ":", "#", " ", "-", "+", ".", "e", "nan", "inf",
      "1e999", "-1e-999", "99999999999999999999", "2147483646:1", "4294967295", "-1", "0", "{", "}",
      "[", "]", "(", ")", "'", "\\u0000", "True", "(1, 0)", "null",
    ].map { (text: String) in Array(text.utf8) } + [[0], [0xFF], [0xEF, 0xBB, 0xBF], [0xC3]]

  private static let numbers: [UInt64] = [
    0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF,
    0x1_0000_0000, 0x7FFF_FFFF_FFFF_FFFF, 0x8000_0000_0000_0000, .max,
  ]

  private mutating func change(_ bytes: inout [UInt8]) {
    guard !bytes.isEmpty else {
      bytes = Self.tokens[generator.below(Self.tokens.count)]
      return
    }
    let place = generator.below(bytes.count)
    // Mostly short pieces, sometimes all there is.
    let longest = generator.below(8) == 0 ? bytes.count - place : min(16, bytes.count - place)
    let end = place + generator.below(longest + 1)
    switch generator.below(10) {
    case 0: bytes[place] ^= 1 << UInt8(generator.below(8))
    case 1: bytes[place] = UInt8(truncatingIfNeeded: generator.next())
    case 2: bytes.removeSubrange(place..<end)
    case 3: bytes.insert(contentsOf: bytes[place..<end], at: generator.below(bytes.count + 1))
    case 4: bytes.removeSubrange(place...)
    case 5, 6:
      bytes.insert(contentsOf: Self.tokens[generator.below(Self.tokens.count)], at: place)
    case 7: overwrite(&bytes, at: place)
    case 8: bytes.replaceSubrange(place..<end, with: (place..<end).map { _ in random() })
    default:
      guard let other = others.isEmpty ? nil : others[generator.below(others.count)],
        !other.isEmpty
      else { return }
      let from = generator.below(other.count)
      let count = min(1 + generator.below(64), other.count - from)
      bytes.replaceSubrange(place..<end, with: other[from..<(from + count)])
    }
  }

  private mutating func random() -> UInt8 { UInt8(truncatingIfNeeded: generator.next()) }

  /// A number at the end of a range, of 1 to 8 bytes, in either order.
  private mutating func overwrite(_ bytes: inout [UInt8], at place: Int) {
    let value = Self.numbers[generator.below(Self.numbers.count)]
    let width = 1 << generator.below(4)
    let isBigEndian = generator.below(2) == 0
    for k in 0..<min(width, bytes.count - place) {
      let shift = 8 * (isBigEndian ? width - 1 - k : k)
      bytes[place + k] = UInt8(truncatingIfNeeded: value >> UInt64(shift))
    }
  }
}
