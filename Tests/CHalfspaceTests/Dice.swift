// SPDX-License-Identifier: Apache-2.0
import CHalfspace
import _HalfspaceTestSupport

/// Random inputs, with the numbers among them that break kernels.
struct Dice {
  private var counter: UInt32 = 0
  private var words: [UInt32] = []
  private let seed: UInt32
  private var normals: NormalSource

  init(seed: UInt32) {
    self.seed = seed
    normals = NormalSource(seed: UInt64(seed))
  }

  mutating func word() -> UInt32 {
    if words.isEmpty {
      words = .init(repeating: 0, count: 4)
      unsafe hs_philox4x32([counter, 0, 0, 0], [seed, 0], &words)
      counter += 1
    }
    return words.removeLast()
  }

  mutating func below(_ bound: Int) -> Int { Int((UInt64(word()) * UInt64(bound)) >> 32) }

  mutating func normal() -> Float { normals.next() }

  /// -3...3, so that inner products are exact and often equal.
  mutating func integer() -> Float { Float(below(7) - 3) }

  /// Zeros of both signs, denormal and small numbers.
  mutating func tiny() -> Float {
    switch below(5) {
    case 0: 0
    case 1: -0.0
    case 2: normal() * 0x1p-133
    case 3: normal() * 1e-30
    default: normal() * 1e-20
    }
  }

  /// Numbers whose products overflow, among ordinary ones.
  mutating func huge() -> Float { below(8) == 0 ? normal() * 1e30 : normal() }

  /// A row of one of these kinds.
  mutating func row(_ count: Int) -> [Float] {
    switch below(8) {
    case 0: (0..<count).map { _ in tiny() }
    case 1: (0..<count).map { _ in huge() }
    case 2, 3: (0..<count).map { _ in integer() }
    default: (0..<count).map { _ in normal() }
    }
  }

  /// Rows one after another.
  mutating func rows(_ m: Int, _ stride: Int) -> Block<Float> {
    Block((0..<m).flatMap { _ in row(stride) })
  }

  mutating func normals(_ count: Int) -> Block<Float> { Block((0..<count).map { _ in normal() }) }

  mutating func integers(_ count: Int) -> Block<Float> {
    Block((0..<count).map { _ in integer() })
  }
}
