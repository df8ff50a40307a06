// SPDX-License-Identifier: Apache-2.0

/// A growing set of neuron numbers: open addressing, one array, no per-element allocation.
///
/// The static report of a training set names the same neurons over and over; this finds the
/// new ones in a few nanoseconds each.
struct NeuronSet {
  private var slots: [Int]
  private(set) var count = 0
  private static let free = -1

  init(capacity: Int = 1024) {
    var size = 16
    while size < 2 * capacity { size *= 2 }
    slots = .init(repeating: Self.free, count: size)
  }

  /// Adds `neuron >= 0`; says whether it is new. O(1) amortized.
  mutating func insert(_ neuron: Int) -> Bool {
    if 2 * count >= slots.count { grow() }
    let position = find(neuron)
    guard slots[position] == Self.free else { return false }
    slots[position] = neuron
    count += 1
    return true
  }

  func contains(_ neuron: Int) -> Bool { slots[find(neuron)] == neuron }

  /// Where the search for a neuron begins. Fibonacci hashing, from the upper bits of the product,
  /// spreads the consecutive and equally spaced numbers that reports are made of.
  static func home(of neuron: Int, mask: Int) -> Int {
    Int(truncatingIfNeeded: (UInt(neuron) &* 0x9E37_79B9_7F4A_7C15) >> 20) & mask
  }

  private func find(_ neuron: Int) -> Int {
    let mask = slots.count - 1
    var position = Self.home(of: neuron, mask: mask)
    while slots[position] != Self.free && slots[position] != neuron {
      position = (position + 1) & mask
    }
    return position
  }

  private mutating func grow() {
    let old = slots
    slots = .init(repeating: Self.free, count: 2 * old.count)
    for neuron in old where neuron != Self.free { slots[find(neuron)] = neuron }
  }
}
