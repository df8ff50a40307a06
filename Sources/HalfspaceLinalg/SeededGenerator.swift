// SPDX-License-Identifier: Apache-2.0

/// A seeded random number generator: SplitMix64 (Steele, Lea, Flood, OOPSLA 2014).
///
/// The same seed and stream give the same numbers on every machine. Different streams of one
/// seed are independent for practical purposes, so that shuffling does not depend on what else
/// was drawn. The whole state is one number, which a checkpoint can hold.
public struct SeededGenerator: RandomNumberGenerator, Sendable, Equatable, Codable {
  /// The state: everything that the following numbers depend on.
  public var state: UInt64

  /// A generator for one stream of a seed.
  public init(seed: UInt64, stream: UInt64 = 0) {
    // Mixing decorrelates neighboring seeds and streams; the constants are SplitMix64's own.
    state = Self.mix(seed &+ 0x9E37_79B9_7F4A_7C15 &* (stream &+ 1)) ^ Self.mix(~seed)
  }

  /// The next 64 random bits.
  public mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    return Self.mix(state)
  }

  private static func mix(_ value: UInt64) -> UInt64 {
    var z = value
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// A uniform number of `0..<bound`; `bound` must be positive. Independent of the standard
  /// library's own choice of algorithm, so that shuffles stay the same across versions.
  public mutating func below(_ bound: Int) -> Int {
    precondition(bound > 0, "bound \(bound) is not positive")
    // Multiply-high with rejection (Lemire, ACM TOMACS 2019): exactly uniform.
    let range = UInt64(bound)
    var product = next().multipliedFullWidth(by: range)
    if product.low < range {
      let excess = (0 &- range) % range
      while product.low < excess { product = next().multipliedFullWidth(by: range) }
    }
    return Int(product.high)
  }

  /// Shuffles `elements` in place (Fisher-Yates). O(n).
  @inlinable
  public mutating func shuffle<T>(_ elements: inout [T]) {
    guard elements.count > 1 else { return }
    for i in stride(from: elements.count - 1, to: 0, by: -1) { elements.swapAt(i, below(i + 1)) }
  }
}
