// SPDX-License-Identifier: Apache-2.0
import Foundation
import HalfspaceLinalg
import HalfspaceTheory
import Testing

@Suite struct ShiftedReLUTests {
  private func check(
    _ value: Double, _ golden: Double, rho: Double, _ what: @autoclosure () -> String
  ) {
    // The tables hold 12 digits; below 1e-18 a value is nothing to any use of the kernels.
    guard abs(golden) >= 1e-18 else {
      #expect(abs(value) < 1e-18, "\(what())")
      return
    }
    let error = abs(value / golden - 1)
    #expect(error <= (rho >= 0 ? 1e-10 : 1e-8), "\(what()): \(value) for \(golden)")
  }

  @Test func `kernels of equal thresholds agree with golden values`() {
    #expect(GoldenKernels.equalThresholds.count == 70)
    for row in GoldenKernels.equalThresholds {
      let kappa0 = ShiftedReLU.kappa0(threshold: row.b, correlation: row.rho)
      check(kappa0, row.kappa0, rho: row.rho, "kappa_0(\(row.b), \(row.rho))")
      let kappa1 = ShiftedReLU.kappa1(threshold: row.b, correlation: row.rho)
      check(kappa1, row.kappa1, rho: row.rho, "kappa_1(\(row.b), \(row.rho))")
      let tangent = ShiftedReLUKernel(threshold: row.b).value(correlation: row.rho)
      check(tangent, row.rho * row.kappa0, rho: row.rho, "K_\(row.b)(\(row.rho))")
    }
  }

  @Test func `kernels of unequal thresholds agree with golden values`() {
    #expect(GoldenKernels.unequalThresholds.count == 5)
    for row in GoldenKernels.unequalThresholds {
      for (h, k) in [(row.h, row.k), (row.k, row.h)] {
        let value = ShiftedReLU.kappas(thresholds: (h, k), correlation: row.rho)
        check(value.kappa0, row.kappa0, rho: row.rho, "kappa_0(\(h), \(k), \(row.rho))")
        check(value.kappa1, row.kappa1, rho: row.rho, "kappa_1(\(h), \(k), \(row.rho))")
      }
    }
  }

  @Test func `at threshold 0 the kernels are half the arc-cosine kernels`() {
    for rho in stride(from: -0.95, through: 1, by: 0.05) {
      let theta = acos(min(1, rho))
      let kappa0 = (Double.pi - theta) / (2 * Double.pi)
      let kappa1 = (sin(theta) + (Double.pi - theta) * cos(theta)) / (2 * Double.pi)
      #expect(abs(ShiftedReLU.kappa0(threshold: 0, correlation: rho) / kappa0 - 1) < 1e-12)
      #expect(abs(ShiftedReLU.kappa1(threshold: 0, correlation: rho) / kappa1 - 1) < 1e-10)
    }
  }

  @Test func `the ends of the range of correlations have closed forms`() {
    for b in [-2.0, -0.3, 0, 0.7, 2.1, 3.5] {
      let q = GaussianTail.probability(above: b)
      let phi = GaussianTail.density(at: b)
      let same = ShiftedReLU.kappas(thresholds: (b, b), correlation: 1)
      #expect(abs(same.kappa0 / q - 1) < 1e-13)
      #expect(abs(same.kappa1 / ((1 + b * b) * q - b * phi) - 1) < 1e-10)
      let none = ShiftedReLU.kappas(thresholds: (b, b), correlation: 0)
      #expect(abs(none.kappa0 / (q * q) - 1) < 1e-13)
      #expect(abs(none.kappa1 / ((phi - b * q) * (phi - b * q)) - 1) < 1e-11)
      let opposite = ShiftedReLU.kappas(thresholds: (b, b), correlation: -1)
      if b >= 0 {
        #expect(opposite.kappa0 == 0 && opposite.kappa1 == 0)
      } else {
        #expect(abs(opposite.kappa0 - (1 - 2 * GaussianTail.probability(above: -b))) < 1e-14)
      }
      // Beyond the ends, as rounding may lead, lie the values of the ends.
      #expect(ShiftedReLU.kappa0(threshold: b, correlation: 1 + 1e-9) == same.kappa0)
    }
  }

  @Test func `reflecting a variable takes the corner from the tail`() {
    // P(Z1 > h, Z2 > k) + P(Z1 > h, Z2 < k) = Q(h), and the second has correlation -rho.
    for h in [-1.5, 0, 0.4, 2.0] {
      for k in [-0.7, 0, 1.3] {
        for rho in [-0.999, -0.6, -1e-9, 0.2, 0.97, 0.99999] {
          let sum =
            ShiftedReLU.kappas(thresholds: (h, k), correlation: rho).kappa0
            + ShiftedReLU.kappas(thresholds: (h, -k), correlation: -rho).kappa0
          #expect(abs(sum - GaussianTail.probability(above: h)) < 1e-14, "\(h) \(k) \(rho)")
        }
      }
    }
  }

  @Test func `the derivative of kappa_1 in the correlation is kappa_0`() {
    for (h, k) in [(0.5, 0.5), (2, 1), (-1, 0.5), (-1, -2)] {
      for rho in [-0.8, -0.3, 0.0, 0.4, 0.9] {
        func kappa1(_ rho: Double) -> Double {
          ShiftedReLU.kappas(thresholds: (h, k), correlation: rho).kappa1
        }
        let step = 1e-4
        let slope = (kappa1(rho + step) - kappa1(rho - step)) / (2 * step)
        let kappa0 = ShiftedReLU.kappas(thresholds: (h, k), correlation: rho).kappa0
        #expect(abs(slope / kappa0 - 1) < 1e-5, "\(h) \(k) \(rho)")
      }
    }
  }

  @Test func `the power series of the tangent kernel sums to it`() {
    for b in [0, 0.5, 1, 2, 2.5] {
      for rho in [-0.7, -0.2, 0.3, 0.8] {
        var sum = 0.0
        var power = 1.0
        for n in 0..<200 {
          sum += ShiftedReLU.expansionCoefficient(degree: n, threshold: b) * power
          power *= rho
        }
        let value = ShiftedReLUKernel(threshold: b).value(correlation: rho)
        #expect(abs(sum - value) < 1e-15 + 1e-12 * abs(value), "b \(b), rho \(rho)")
      }
    }
    #expect(ShiftedReLU.expansionCoefficient(degree: 4, threshold: 1) == 0)
    #expect(ShiftedReLU.expansionCoefficient(degree: 3, threshold: 0) == 0)
  }

  @Test func `infinite thresholds are always or never exceeded`() {
    let never = ShiftedReLU.kappas(thresholds: (.infinity, 1), correlation: 0.5)
    #expect(never.kappa0 == 0 && never.kappa1 == 0)
    let always = ShiftedReLU.kappas(thresholds: (-.infinity, 1), correlation: 0.5)
    #expect(abs(always.kappa0 / GaussianTail.probability(above: 1) - 1) < 1e-14)
  }

  @Test func `an undefined correlation traps`() async {
    await #expect(processExitsWith: .failure) {
      _ = ShiftedReLU.kappa0(threshold: 1, correlation: .nan)
    }
  }
}
