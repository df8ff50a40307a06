// SPDX-License-Identifier: Apache-2.0

/// Numbers neurons 0, 1, 2, ... as they come: a map from neuron numbers to places that keeps its
/// room when it is emptied.
///
/// Open addressing, as in `NeuronSet`; emptying takes O(neurons), not O(room).
struct NeuronPlaces {
  private var slots: [Int32]
  private var neurons: [Int] = []
  private static let free: Int32 = -1

  init() {
    slots = .init(repeating: Self.free, count: 1024)
  }

  /// Neurons numbered.
  var count: Int { neurons.count }

  /// Forgets all neurons, keeps the room.
  mutating func removeAll() {
    // Backwards, so that a search still finds those that came before.
    while let neuron = neurons.last {
      slots[slot(of: neuron)] = Self.free
      neurons.removeLast()
    }
  }

  /// The place of `neuron >= 0`, and whether it has just got it. O(1) amortized.
  mutating func place(of neuron: Int) -> (place: Int, isNew: Bool) {
    if 2 * neurons.count >= slots.count { grow() }
    let slot = slot(of: neuron)
    if slots[slot] != Self.free { return (Int(slots[slot]), false) }
    slots[slot] = Int32(neurons.count)
    neurons.append(neuron)
    return (neurons.count - 1, true)
  }

  private func slot(of neuron: Int) -> Int {
    let mask = slots.count - 1
    var slot = NeuronSet.home(of: neuron, mask: mask)
    while slots[slot] != Self.free && neurons[Int(slots[slot])] != neuron {
      slot = (slot + 1) & mask
    }
    return slot
  }

  private mutating func grow() {
    slots = .init(repeating: Self.free, count: 2 * slots.count)
    for (place, neuron) in neurons.enumerated() { slots[slot(of: neuron)] = Int32(place) }
  }
}
