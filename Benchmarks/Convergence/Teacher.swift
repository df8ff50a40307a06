// SPDX-License-Identifier: Apache-2.0
import Foundation
import Halfspace

/// A function of known norm that a network is to learn.
struct Teacher: Sendable {
  /// Its norm in the space of `K_b`; infinite for what is not in it.
  let norm: Double
  let values: @Sendable (Matrix) -> [Double]

  /// Kernel functions around random centers.
  static func expansion(
    threshold: Double, dimension: Int, norm: Double, terms: Int = 10, seed: UInt64
  ) -> Teacher {
    let function = KernelExpansion.random(
      kernel: ShiftedReLUKernel(threshold: threshold), terms: terms, dimension: dimension,
      norm: norm, seed: seed)
    return Teacher(norm: norm) { function.values(at: $0) }
  }

  /// The spherical harmonic of a degree around a random axis, of root mean square `size`.
  static func harmonic(
    degree: Int, threshold: Double, dimension: Int, size: Double, seed: UInt64
  ) -> Teacher {
    let harmonic = ZonalHarmonic(degree: degree, dimension: dimension)
    let axis = UnitSphere.points(1, dimension: dimension, seed: seed &+ 77)
    let factor = size * Double(harmonic.multiplicity).squareRoot()
    let eigenvalue = harmonic.eigenvalue(of: ShiftedReLUKernel(threshold: threshold))
    return Teacher(norm: eigenvalue > 1e-9 ? size / eigenvalue.squareRoot() : .infinity) { inputs in
      let products = inputs.canonicalProduct(with: axis)
      return (0..<inputs.rows).map { factor * harmonic.value(at: Double(products[$0, 0])) }
    }
  }
}

/// The polynomial `P_n` with `P_n(1) = 1` whose rotations `P_n(<u, x>)` span the spherical harmonics
/// of degree n on the unit sphere in `dimension` coordinates.
struct ZonalHarmonic: Sendable {
  let degree: Int
  let dimension: Int

  /// Independent harmonics of the degree.
  var multiplicity: Int {
    func binomial(_ n: Int, _ k: Int) -> Int {
      guard k >= 0, n >= k else { return 0 }
      return (0..<k).reduce(1) { $0 * (n - $1) / ($1 + 1) }
    }
    return binomial(degree + dimension - 1, degree) - binomial(degree + dimension - 3, degree - 2)
  }

  func value(at t: Double) -> Double {
    var (previous, value) = (1.0, degree == 0 ? 1 : t)
    for n in stride(from: 1, to: degree, by: 1) {
      let next =
        (Double(2 * n + dimension - 2) * t * value - Double(n) * previous)
        / Double(n + dimension - 2)
      (previous, value) = (value, next)
    }
    return value
  }

  /// The eigenvalue of the kernel on the sphere (Funk and Hecke): the mean of `K(t) P_n(t)` over
  /// `t = <u, x>`, by the trapezoidal rule in the angle.
  func eigenvalue(of kernel: ShiftedReLUKernel) -> Double {
    let nodes = 4000
    var (sum, weights) = (0.0, 0.0)
    for node in 1..<nodes {
      let angle = Double.pi * Double(node) / Double(nodes)
      let weight = pow(sin(angle), Double(dimension - 2))
      sum += weight * kernel.value(correlation: cos(angle)) * value(at: cos(angle))
      weights += weight
    }
    return sum / weights
  }
}
