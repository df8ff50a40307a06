// SPDX-License-Identifier: Apache-2.0
import Foundation
import HalfspaceLinalg
import Testing

/// Golden numbers come from SplitMix64's published test vector and from a separate
/// implementation of the documented seeding.
@Suite struct SeededGeneratorTests {
  @Test func `the sequence is SplitMix64's`() {
    var generator = SeededGenerator(seed: 0)
    generator.state = 1_234_567
    let expected: [UInt64] = [
      6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423,
      4_593_380_528_125_082_431, 16_408_922_859_458_223_821,
    ]
    #expect((0..<5).map { _ in generator.next() } == expected)
  }

  @Test(arguments: [
    (UInt64(0), UInt64(0), [0x2685_98dd_193a_9389, 0xe251_e922_af47_467a] as [UInt64]),
    (1, 0, [0x6c93_0089_a0eb_0aad, 0xc336_ec3c_2141_debf]),
    (1, 1, [0xa324_49d7_29d1_8d84, 0x3fee_9b37_9c6e_f7fe]),
    (.max, 7, [0x71e3_a388_b76b_e3f8, 0xf47e_d7ad_c59e_9bb8]),
  ])
  func `a seed and a stream mean the same numbers forever`(
    _ seed: UInt64, _ stream: UInt64, _ expected: [UInt64]
  ) {
    var generator = SeededGenerator(seed: seed, stream: stream)
    #expect(expected.map { _ in generator.next() } == expected)
  }

  @Test func `bounded numbers and shuffles mean the same forever`() {
    var generator = SeededGenerator(seed: 42, stream: 3)
    #expect(
      (0..<12).map { _ in generator.below(10) } == [2, 3, 4, 7, 3, 3, 1, 1, 6, 2, 7, 5])
    var elements = Array(0..<12)
    generator = SeededGenerator(seed: 7)
    generator.shuffle(&elements)
    #expect(elements == [3, 2, 7, 6, 11, 5, 1, 9, 4, 10, 8, 0])
    // A bound at which every fourth draw is rejected.
    generator = SeededGenerator(seed: 5)
    #expect(
      (0..<4).map { _ in generator.below(3 << 61) } == [
        445_841_187_028_891_088, 1_002_472_127_273_159_797, 5_157_748_484_889_890_470,
        5_520_108_653_841_137_455,
      ])
  }

  @Test func `neighboring seeds and streams differ`() {
    var firsts = Set<UInt64>()
    for seed in 0..<40 {
      for stream in 0..<40 {
        var generator = SeededGenerator(seed: UInt64(seed), stream: UInt64(stream))
        firsts.insert(generator.next())
      }
    }
    #expect(firsts.count == 1600)
  }

  @Test(arguments: [1, 2, 7, 64, 100])
  func `numbers below a bound are uniform`(_ bound: Int) {
    var generator = SeededGenerator(seed: UInt64(bound))
    let draws = 20_000
    var counts = [Int](repeating: 0, count: bound)
    for _ in 0..<draws { counts[generator.below(bound)] += 1 }
    let expected = Double(draws) / Double(bound)
    let chiSquared = counts.reduce(0) {
      $0 + (Double($1) - expected) * (Double($1) - expected) / expected
    }
    // Mean bound - 1, standard deviation sqrt(2 (bound - 1)): five of them is 1 in 10^5 or rarer.
    let freedom = Double(bound - 1)
    #expect(chiSquared <= freedom + 5 * (2 * freedom).squareRoot())
  }

  @Test func `every bit is set half of the time`() {
    var generator = SeededGenerator(seed: 11)
    var counts = [Int](repeating: 0, count: 64)
    for _ in 0..<4000 {
      let bits = generator.next()
      for bit in 0..<64 where bits >> UInt64(bit) & 1 == 1 { counts[bit] += 1 }
    }
    // Standard deviation sqrt(4000) / 2 = 31.6.
    #expect(counts.allSatisfy { abs($0 - 2000) < 160 })
  }

  @Test(arguments: [0, 1, 2, 10, 501])
  func `a shuffle is a permutation`(_ count: Int) {
    var elements = Array(0..<count)
    var generator = SeededGenerator(seed: 3)
    generator.shuffle(&elements)
    #expect(elements.sorted() == Array(0..<count))
    if count > 2 { #expect(elements != Array(0..<count)) }
  }

  @Test func `all orders of three are as likely`() {
    var generator = SeededGenerator(seed: 12)
    var counts: [[Int]: Int] = [:]
    for _ in 0..<6000 {
      var elements = [0, 1, 2]
      generator.shuffle(&elements)
      counts[elements, default: 0] += 1
    }
    #expect(counts.count == 6)
    // Standard deviation sqrt(6000 * 5 / 36) = 29.
    #expect(counts.values.allSatisfy { abs($0 - 1000) < 145 })
  }

  @Test func `the state is everything`() throws {
    var generator = SeededGenerator(seed: 9, stream: 2)
    _ = generator.next()
    let data = try JSONEncoder().encode(generator)
    var restored = try JSONDecoder().decode(SeededGenerator.self, from: data)
    #expect(restored == generator)
    #expect((0..<5).map { _ in restored.next() } == (0..<5).map { _ in generator.next() })
  }

  @Test func `a bound that is not positive traps`() async {
    await #expect(processExitsWith: .failure) {
      var generator = SeededGenerator(seed: 1)
      _ = generator.below(0)
    }
    await #expect(processExitsWith: .failure) {
      var generator = SeededGenerator(seed: 1)
      _ = generator.below(-5)
    }
  }
}
