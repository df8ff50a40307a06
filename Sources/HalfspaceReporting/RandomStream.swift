// SPDX-License-Identifier: Apache-2.0

// Which stream of the counter-based generator draws what, so that nothing drawn from one seed
// repeats anything else.
enum RandomStream {
  /// Rows of `IndependentGaussian`.
  static let independentRows: UInt32 = 0
  /// Output weights of `InitialNetwork`.
  static let outputs: UInt32 = 1
  /// Coordinate splits of `ProductGrid`; a stream of `SeededGenerator`, one per group from here.
  static let permutations: UInt64 = 1 << 32
  /// Most groups a grid can have: each takes two of the 2^31 upper streams.
  static let largestGroupCount = 1 << 30

  /// Vectors of the outer part of one group of `ProductGrid`.
  static func outerVectors(group: Int) -> UInt32 { 1 << 30 | UInt32(group) }

  /// Half-vectors of one side of one group of `ProductGrid`.
  static func halfVectors(group: Int, right: Bool) -> UInt32 {
    1 << 31 | UInt32(group) << 1 | (right ? 1 : 0)
  }
}
