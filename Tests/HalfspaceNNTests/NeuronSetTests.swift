// SPDX-License-Identifier: Apache-2.0
import HalfspaceLinalg
import Testing

@testable import HalfspaceNN

@Suite struct NeuronSetTests {
  @Test(arguments: [0, 1, 7, 8, 100, 5000])
  func `it holds what a set of the standard library holds`(_ insertions: Int) {
    var generator = SeededGenerator(seed: UInt64(insertions))
    var neurons = NeuronSet(capacity: 4)
    var reference = Set<Int>()
    for _ in 0..<insertions {
      // Small numbers repeat, large ones reach past 2^31.
      let neuron =
        generator.below(2) == 0 ? generator.below(200) : generator.below(1 << 40)
      #expect(neurons.insert(neuron) == reference.insert(neuron).inserted)
    }
    #expect(neurons.count == reference.count)
    #expect(reference.allSatisfy { neurons.contains($0) })
    for _ in 0..<200 {
      let neuron = generator.below(400)
      #expect(neurons.contains(neuron) == reference.contains(neuron))
    }
  }

  @Test func `a new set holds nothing, not even zero`() {
    let neurons = NeuronSet()
    #expect(neurons.count == 0)
    #expect(!neurons.contains(0))
    #expect(!neurons.contains(.max))
  }

  @Test(arguments: [0, 1, 5, 7, 10, 12, 15, 20])
  func `numbers at equal distances do not pile up`(_ shift: Int) {
    // A product grid fires neurons a power of two apart: 2048 of them in 4096 slots must start
    // their search at many different places, or finding them is quadratic.
    let homes = Set((0..<2048).map { NeuronSet.home(of: $0 << shift, mask: 4095) })
    #expect(homes.count > 1024)
  }
}
