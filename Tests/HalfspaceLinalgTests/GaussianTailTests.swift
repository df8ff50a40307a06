// SPDX-License-Identifier: Apache-2.0
import Foundation
import HalfspaceLinalg
import Testing

@Suite struct GaussianTailTests {
  // Computed with forty digits.
  @Test(arguments: [
    (-1, 0.84134474606854294859), (0, 0.5), (0.5, 0.30853753872598689636),
    (1.489319, 0.068201693398508498506), (2.106215, 0.017592840387284333311),
    (2.354820, 0.0092658399983964415201), (5, 2.8665157187919391167e-7),
    (10, 7.6198530241605260660e-24), (20, 2.7536241186062336951e-89),
    (30, 4.9067139271481870595e-198), (37, 5.7255712225245768227e-300),
  ])
  func `the tail has its known values, far out too`(_ b: Double, _ expected: Double) {
    #expect(abs(GaussianTail.probability(above: b) / expected - 1) < 1e-12)
  }

  @Test(arguments: [(1.489319, 6.820170e-2), (2.106215, 1.759284e-2), (2.354820, 9.265839e-3)])
  func `the tail has its values from tables`(_ b: Double, _ expected: Double) {
    #expect(abs(GaussianTail.probability(above: b) - expected) < 1e-6 * expected)
  }

  @Test func `both tails add up to one`() {
    for b in stride(from: -6.0, through: 6, by: 0.37) {
      let sum = GaussianTail.probability(above: b) + GaussianTail.probability(above: -b)
      #expect(abs(sum - 1) < 1e-15)
    }
    #expect(GaussianTail.probability(above: 50) == 0)
    #expect(GaussianTail.probability(above: -50) == 1)
    #expect(GaussianTail.probability(above: .infinity) == 0)
  }

  @Test(arguments: [
    1e-307, 1e-300, 1e-100, 1e-20, 1e-9, 64 / 0x1p30, 1e-4, 0.01, 0.1, 0.49, 0.51, 0.9, 0.999,
  ])
  func `the threshold inverts the tail`(_ probability: Double) {
    let b = GaussianTail.threshold(forProbability: probability)
    #expect(abs(GaussianTail.probability(above: b) / probability - 1) < 1e-12)
  }

  @Test func `the threshold of a half is zero and of halves mirror images`() {
    #expect(abs(GaussianTail.threshold(forProbability: 0.5)) < 1e-15)
    for probability in [0.4, 0.25, 0.125, 0x1p-20] {
      let above = GaussianTail.threshold(forProbability: probability)
      let below = GaussianTail.threshold(forProbability: 1 - probability)
      // 1 - p is exact here; near one, the tail itself is only known to an ulp of one.
      #expect(abs(above + below) < 1e-9)
    }
  }

  @Test func `thresholds fall as probabilities rise, without leaving the line`() {
    let probabilities = [.leastNonzeroMagnitude, 0x1p-1040, 1e-12, 0.3, 0.7, 1 - 0x1p-53]
    let thresholds = probabilities.map { GaussianTail.threshold(forProbability: $0) }
    #expect(zip(thresholds, thresholds.dropFirst()).allSatisfy { $0 > $1 })
    #expect(thresholds.allSatisfy { abs($0) < 39 })
  }

  @Test func `the density is the slope of the tail`() {
    #expect(abs(GaussianTail.density(at: 0) - 0.3989422804014327) < 1e-16)
    for b in [-2.0, -0.3, 0.7, 1.9, 4] {
      let h = 1e-5
      let slope =
        (GaussianTail.probability(above: b - h) - GaussianTail.probability(above: b + h)) / (2 * h)
      #expect(abs(slope / GaussianTail.density(at: b) - 1) < 1e-6)
    }
  }

  @Test(arguments: [0.5, 3, 8])
  func `the tail lies between its textbook bounds`(_ b: Double) {
    // b / (1 + b²) phi(b) < Q(b) < phi(b) / b
    let density = GaussianTail.density(at: b)
    let tail = GaussianTail.probability(above: b)
    #expect(tail < density / b)
    #expect(tail > density * b / (1 + b * b))
  }

  @Test func `probabilities outside the open unit interval trap`() async {
    await #expect(processExitsWith: .failure) {
      _ = GaussianTail.threshold(forProbability: 0)
    }
    await #expect(processExitsWith: .failure) {
      _ = GaussianTail.threshold(forProbability: 1)
    }
    await #expect(processExitsWith: .failure) {
      _ = GaussianTail.threshold(forProbability: .nan)
    }
  }
}
